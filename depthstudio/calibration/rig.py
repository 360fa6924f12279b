"""The two cameras together: their pose, and how well rows match after rectification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.adjust import Adjusted, Flags, Observation, adjust
from depthstudio.calibration.board import Board
from depthstudio.calibration.camera import CameraSolution, solve_observations
from depthstudio.calibration.lens_kinds import LensChoice
from depthstudio.calibration.views import BoardView
from depthstudio.errors import CalibrationError
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.geometry.lens import Lens

Matrix = NDArray[np.float64]
Size = tuple[int, int]
OnRound = Callable[[], None] | None


@dataclass(frozen=True, eq=False)
class RigPlan:
    """What to solve for. lenses: a kind for each camera, or "auto". given: lenses to keep, None to solve for them.

    starts: solutions from other views to begin from.
    """

    lenses: tuple[LensChoice, LensChoice] = ("auto", "auto")
    given: tuple[Lens | None, Lens | None] = (None, None)
    starts: tuple[CameraSolution | None, CameraSolution | None] = (None, None)
    on_round: OnRound = field(default=None, compare=False)


@dataclass(frozen=True, eq=False)
class Rig:
    """One solution of the whole pair.

    left, right: each camera alone. pair: both together, with their pose. sizes: of the left and the right image, px.
    refined: intrinsics were refined together with the pose; otherwise they are those of the cameras alone.
    """

    left: CameraSolution
    right: CameraSolution
    pair: Adjusted
    sizes: tuple[Size, Size]
    refined: bool = False

    @property
    def lenses(self) -> tuple[Lens, Lens]:
        """Of the pair."""
        return self.pair.lenses[0], self.pair.lenses[1]

    @property
    def R(self) -> Matrix:  # noqa: N802 - the field's own name
        """(3, 3), as in StereoCalibration."""
        return np.asarray(cv2.Rodrigues(self.pair.rotation)[0], np.float64)

    @property
    def T(self) -> Matrix:  # noqa: N802 - the field's own name
        """(3,) metres."""
        return self.pair.translation

    @property
    def rms_px(self) -> float:
        """RMS reprojection error over both images."""
        return self.pair.rms_px

    @property
    def view_errors_px(self) -> Matrix:
        """(M, 2) RMS reprojection error of each view, left and right."""
        return self.pair.view_errors_px

    def calibration(self) -> StereoCalibration:
        """The same as a bare StereoCalibration; CalibrationError for swapped cameras and other impossible rigs."""
        left, right = self.lenses
        left_size, right_size = self.sizes
        return StereoCalibration(
            left.K,
            left.D,
            right.K,
            right.D,
            self.R,
            self.T,
            image_size=left_size,
            right_image_size=None if right_size == left_size else right_size,
            lens1=left.model,
            lens2=right.model,
        )


def observations(views: Sequence[BoardView], board: Board) -> list[Observation]:
    """What the solver takes."""
    return [
        Observation(
            view.object_points(board).astype(np.float64),
            view.left_corners.astype(np.float64),
            view.right_corners.astype(np.float64),
        )
        for view in views
    ]


def solve_rig(views: Sequence[Observation], sizes: tuple[Size, Size], plan: RigPlan) -> Rig:
    """Each camera alone, then the pose between them with their intrinsics fixed."""
    left, right = (
        solve_observations(one, size, lens, given=given, start=start, on_round=plan.on_round)
        for one, size, lens, given, start in zip(_each(views), sizes, plan.lenses, plan.given, plan.starts, strict=True)
    )
    try:
        pair = _pose_between(views, left, right, plan.on_round)
    except (cv2.error, np.linalg.LinAlgError) as error:
        raise CalibrationError("The pose between the cameras cannot be solved from these views.") from error
    return Rig(left, right, pair, sizes)


def refine_rig(rig: Rig, views: Sequence[Observation], on_round: OnRound = None) -> Rig:
    """Pose and all intrinsics that were not given together, starting from a rig solved with fixed intrinsics."""
    pair = adjust(
        views,
        rig.lenses,
        rig.pair.poses,
        [rig.left.free, rig.right.free],
        pose=(rig.pair.rotation, rig.pair.translation),
        on_round=on_round,
    )
    return replace(rig, pair=pair, refined=True)


def with_covariance(rig: Rig, views: Sequence[Observation]) -> Adjusted:
    """The rig as it is, with the covariance that all its solved parameters have together."""
    return adjust(
        views,
        rig.lenses,
        rig.pair.poses,
        [rig.left.free, rig.right.free],
        pose=(rig.pair.rotation, rig.pair.translation),
        rounds=0,
    )


def vertical_errors_px(calibration: StereoCalibration, views: Sequence[BoardView]) -> list[Matrix]:
    """Per view, how many rows apart the two images of each corner lie after rectification: (N,) px, absolute."""
    rectifier = Rectifier(calibration)
    return [
        np.abs(
            rectifier.rectify_left_points(view.left_corners)[:, 1]
            - rectifier.rectify_right_points(view.right_corners)[:, 1]
        )
        for view in views
    ]


def relative_poses(left: CameraSolution, right: CameraSolution) -> tuple[Matrix, Matrix]:
    """The right camera's pose against the left one by each view alone: rotation vectors and translations (M, 3)."""
    turns, shifts = [], []
    for a, b in zip(left.adjusted.poses, right.adjusted.poses, strict=True):
        R = cv2.Rodrigues(b[:3])[0] @ cv2.Rodrigues(a[:3])[0].T
        turns.append(np.ravel(cv2.Rodrigues(R)[0]))
        shifts.append(b[3:] - R @ a[3:])
    return np.array(turns), np.array(shifts)


def _pose_between(
    views: Sequence[Observation], left: CameraSolution, right: CameraSolution, on_round: OnRound
) -> Adjusted:
    turns, shifts = relative_poses(left, right)
    nothing: list[Flags] = [np.zeros(4 + one.lens.D.size, bool) for one in (left, right)]
    # The median over views, each number by itself: half of the views may be bad, and the solver still starts near.
    start = np.median(turns, axis=0), np.median(shifts, axis=0)
    return adjust(views, (left.lens, right.lens), left.adjusted.poses, nothing, pose=start, on_round=on_round)


def _each(views: Sequence[Observation]) -> tuple[list[Observation], list[Observation]]:
    """The views of each camera by itself."""
    lefts, rights = [], []
    for view in views:
        if view.right is None:
            raise ValueError("a pair needs views of both cameras")
        lefts.append(Observation(view.points, view.left))
        rights.append(Observation(view.points, view.right))
    return lefts, rights
