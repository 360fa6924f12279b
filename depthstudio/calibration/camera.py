"""One camera alone: its matrix and lens from views of a board."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.adjust import Adjusted, Flags, Observation, UndeterminedError, adjust
from depthstudio.calibration.board import Board
from depthstudio.calibration.lens_kinds import (
    LensChoice,
    LensKind,
    blank,
    free_parameters,
    kind_of,
    lens_folds,
)
from depthstudio.errors import CalibrationError
from depthstudio.geometry.lens import Lens

Matrix = NDArray[np.float64]
Size = tuple[int, int]

MIN_VIEWS = 3
MIN_VIEWS_TO_CHOOSE = 8
_FOLDS = 3
# The error on unseen views, as a share of the best so far, that makes a lens worth it. None has the least that can be
# wrong; the fisheye and eight coefficients fit any ordinary lens too, so chance favours them.
_RIVALS: Mapping[LensKind, float] = {"none": 1.01, "fisheye": 0.9, "rational": 0.9}
_K3 = 8
_START_FOCALS = (0.35, 0.5, 0.7, 1.0, 1.5)  # of the image width, tried for a fisheye


@dataclass(frozen=True)
class LensTrial:
    """How well a kind of lens fits, and predicts views it was not fitted to: reprojection error of the median view, px.

    held_out_px: None where the fit alone showed that it could not be the best.
    """

    kind: LensKind
    fit_px: float
    held_out_px: float | None


@dataclass(frozen=True, eq=False)
class CameraSolution:
    """One camera's lens and how well it fits.

    adjusted: the solution with residuals, poses and covariance. free: which of fx, fy, cx, cy and D were solved for;
    none when the lens was given. trials: what the choice of the lens rests on, empty when there was none.
    image_size: (width, height) px.
    """

    adjusted: Adjusted
    kind: LensKind
    free: Flags
    image_size: Size
    trials: tuple[LensTrial, ...] = ()

    @property
    def lens(self) -> Lens:
        """Camera matrix, coefficients and model."""
        return self.adjusted.lenses[0]

    @property
    def K(self) -> Matrix:  # noqa: N802 - the field's own name
        """(3, 3) px."""
        return self.lens.K

    @property
    def D(self) -> Matrix:  # noqa: N802 - the field's own name
        """Distortion coefficients."""
        return self.lens.D

    @property
    def was_given(self) -> bool:
        """True when the lens was taken from elsewhere and kept."""
        return not self.free.any()

    @property
    def rms_px(self) -> float:
        """RMS reprojection error over all views."""
        return self.adjusted.rms_px

    @property
    def view_errors_px(self) -> Matrix:
        """RMS reprojection error of each view."""
        return self.adjusted.view_errors_px[:, 0]

    @property
    def focal_deviation_px(self) -> float:
        """Standard deviation of fx."""
        return self.adjusted.deviation("left fx")

    @property
    def tilts_deg(self) -> Matrix:
        """Angle of each view's board against the image plane."""
        normals = [cv2.Rodrigues(pose[:3])[0][2, 2] for pose in self.adjusted.poses]
        return np.degrees(np.arccos(np.clip(np.abs(normals), 0, 1)))

    @property
    def quality(self) -> str:
        """ "good", "usable" or "poor": sub-pixel corners leave 0.1 to 0.4 px, more means blur or a bent board."""
        if self.rms_px >= 1.0 or lens_folds(self.lens, self.image_size):
            return "poor"
        return "usable" if self.rms_px >= 0.5 else "good"

    @property
    def verdict(self) -> str:
        """One sentence with the reason."""
        fit = f"corners fit to {self.rms_px:.2f} px, the worst view to {self.view_errors_px.max():.2f} px"
        if lens_folds(self.lens, self.image_size):
            k3 = f" (k3 = {self.D[4]:.2f})" if self.kind == "brown" else ""
            return f"Poor: the lens model folds over inside the image{k3}, and {fit}."
        return f"{self.quality.capitalize()}: {fit}."


def solve_camera(
    corners: Sequence[NDArray[np.floating]],
    board: Board,
    image_size: Size,
    lens: LensChoice = "auto",
    *,
    ids: Sequence[NDArray[np.integer] | None] | None = None,
) -> CameraSolution:
    """Calibrate one camera from the corners (N, 2) px of each view; image_size is (width, height) px.

    ids: which points of the board each view has, None for all. lens: the model, or "auto" for the simplest that
    predicts views left out as well as any (with fewer than 8 views Brown's). Brown's k3 stays 0 unless it is three
    standard deviations away from it. CalibrationError when it cannot be solved.
    """
    named = ids or [None] * len(corners)
    views = [
        Observation(board.object_points(one).astype(np.float64), np.asarray(seen, np.float64).reshape(-1, 2))
        for seen, one in zip(corners, named, strict=True)
    ]
    return solve_observations(views, image_size, lens)


def solve_observations(
    views: Sequence[Observation],
    image_size: Size,
    lens: LensChoice = "auto",
    *,
    given: Lens | None = None,
    start: CameraSolution | None = None,
    on_round: Callable[[], None] | None = None,
) -> CameraSolution:
    """As solve_camera, from observations. given: a lens to keep as it is, such as the factory's.

    start: a solution from more or other views, to begin from; its kind of lens is kept.
    """
    if len(views) < MIN_VIEWS:
        raise CalibrationError(
            f"{len(views)} views are not enough.",
            f"It takes {MIN_VIEWS} at least, and 15 to 25 for a good calibration.",
            "Collect more views with the board at different places and tilts.",
        )
    try:
        if given is not None:
            return with_given_lens(views, given, image_size)
        if start is not None:
            return fit(views, start.kind, image_size, start=start, on_round=on_round)
        if lens != "auto":
            return fit(views, lens, image_size, on_round=on_round)
        if len(views) < MIN_VIEWS_TO_CHOOSE:
            return fit(views, "brown", image_size, on_round=on_round)
        return _choose(views, image_size, on_round)
    except (cv2.error, np.linalg.LinAlgError) as error:
        raise CalibrationError(
            "The camera cannot be calibrated from these views.",
            "They do not determine its focal length.",
            "Tilt the board in different directions and collect again.",
        ) from error


def with_given_lens(views: Sequence[Observation], lens: Lens, image_size: Size) -> CameraSolution:
    """Only the poses are solved; the lens stays."""
    free = np.zeros(4 + lens.D.size, bool)
    adjusted = adjust(views, [lens], first_poses(views, lens), [free])
    return CameraSolution(adjusted, kind_of(lens), free, image_size)


def fit(
    views: Sequence[Observation],
    kind: LensKind,
    image_size: Size,
    *,
    start: CameraSolution | None = None,
    on_round: Callable[[], None] | None = None,
) -> CameraSolution:
    """Solve for one kind of lens; start: a solution of the same kind to begin from, on the same or other views."""
    if start is not None:
        lens, free = start.lens, start.free
        return CameraSolution(
            adjust(views, [lens], first_poses(views, lens), [free], on_round=on_round), kind, free, image_size
        )
    free = free_parameters(kind, len(views))
    lens = _start_fisheye(views, image_size) if kind == "fisheye" else _start(views, kind, image_size)
    if kind in ("brown", "rational"):  # the focal length first: distortion would chase a bad start
        plain = free_parameters("none", len(views))
        simple = adjust(views, [blank("none", lens.K)], first_poses(views, lens), [plain], on_round=on_round).lenses[0]
        if 0.2 < simple.K[0, 0] / lens.K[0, 0] < 5:
            lens = Lens(simple.K, lens.D, lens.model)
    adjusted = adjust(views, [lens], first_poses(views, lens), [free], on_round=on_round)
    if kind == "brown" and free[_K3] and abs(adjusted.lenses[0].D[4]) <= 3 * adjusted.deviation("left d5"):
        free = free_parameters(kind, len(views), k3=False)
        found = adjusted.lenses[0]
        lens = Lens(found.K, np.append(found.D[:4], 0.0), found.model)
        adjusted = adjust(views, [lens], adjusted.poses, [free], on_round=on_round)
    return CameraSolution(adjusted, kind, free, image_size)


def _choose(views: Sequence[Observation], image_size: Size, on_round: Callable[[], None] | None) -> CameraSolution:
    """Brown's lens, unless none at all predicts held-out views as well, or a richer one clearly better.

    A kind that does not even fit the views it was solved from well enough to win is not tried on unseen ones.
    """
    brown = fit(views, "brown", image_size, on_round=on_round)
    best, best_px = brown, _held_out_px(views, brown, on_round)
    trials = [LensTrial("brown", _typical_px(brown), best_px)]
    for kind, worth_it in _RIVALS.items():
        try:
            whole = fit(views, kind, image_size, on_round=on_round)
            fit_px = _typical_px(whole)
            if fit_px > trials[0].held_out_px * worth_it:  # type: ignore[operator] # Brown's was tried
                trials.append(LensTrial(kind, fit_px, None))
                continue
            error_px = _held_out_px(views, whole, on_round)
        except (cv2.error, np.linalg.LinAlgError, UndeterminedError):
            continue  # this kind of lens cannot be fitted to such views: no candidate
        trials.append(LensTrial(kind, fit_px, error_px))
        if error_px < best_px * worth_it and not lens_folds(whole.lens, image_size):
            best, best_px = whole, error_px
    return replace(best, trials=tuple(trials))


def _held_out_px(views: Sequence[Observation], whole: CameraSolution, on_round: Callable[[], None] | None) -> float:
    errors_px: list[Matrix] = []
    for fold in range(_FOLDS):
        seen = [view for index, view in enumerate(views) if index % _FOLDS != fold]
        unseen = [view for index, view in enumerate(views) if index % _FOLDS == fold]
        lens = fit(seen, whole.kind, whole.image_size, start=whole, on_round=on_round).lens
        errors_px.append(with_given_lens(unseen, lens, whole.image_size).view_errors_px)
    return float(np.median(np.concatenate(errors_px)))


def _typical_px(solution: CameraSolution) -> float:
    """Median over the views: one bad view must not decide about the lens."""
    return float(np.median(solution.view_errors_px))


def first_poses(views: Sequence[Observation], lens: Lens) -> Matrix:
    """The board's pose in each view, (M, 6), by its homography (Collins and Bartoli's IPPE), to start from."""
    poses = np.zeros((len(views), 6))
    for i, view in enumerate(views):
        rays = lens.undistort(view.left)
        centre = view.points.mean(axis=0)
        found, turn, shift = cv2.solvePnP(
            view.points - centre, rays.reshape(-1, 1, 2), np.eye(3), None, flags=cv2.SOLVEPNP_IPPE
        )
        if not found or not np.all(np.isfinite(shift)):
            turn, shift = np.zeros(3), np.array([0.0, 0.0, 1.0])
        poses[i, :3] = np.ravel(turn)
        poses[i, 3:] = np.ravel(shift) - cv2.Rodrigues(poses[i, :3])[0] @ centre
    return poses


def _start(views: Sequence[Observation], kind: LensKind, image_size: Size) -> Lens:
    points = [view.points.astype(np.float32) for view in views]
    images = [view.left.astype(np.float32).reshape(-1, 1, 2) for view in views]
    K = np.asarray(cv2.initCameraMatrix2D(points, images, image_size), np.float64)
    if not np.all(np.isfinite(K)) or not 0.2 < K[0, 0] / image_size[0] < 10:
        K = _centred(image_size, float(image_size[0]))
    return blank(kind, K)


def _start_fisheye(views: Sequence[Observation], image_size: Size) -> Lens:
    """The focal length, of a few, under which the boards look flattest."""
    best, least = blank("fisheye", _centred(image_size, float(image_size[0]))), np.inf
    for share in _START_FOCALS:
        lens = blank("fisheye", _centred(image_size, share * image_size[0]))
        poses = first_poses(views, lens)
        error = sum(
            float(np.abs(view.left - lens.project(view.points, pose[:3], pose[3:])).mean())
            for view, pose in zip(views, poses, strict=True)
        )
        if error < least:
            best, least = lens, error
    return best


def _centred(size: Size, focal_px: float) -> Matrix:
    return np.array([[focal_px, 0, (size[0] - 1) / 2], [0, focal_px, (size[1] - 1) / 2], [0, 0, 1.0]])
