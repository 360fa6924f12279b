"""What is wrong with a calibration although it could be solved, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from depthstudio.calibration.board import Board
from depthstudio.calibration.camera import CameraSolution
from depthstudio.calibration.coverage import LITTLE_COVERAGE, coverage
from depthstudio.calibration.problems import baseline_against
from depthstudio.calibration.rig import Matrix, Rig, Size
from depthstudio.calibration.views import BoardView

_GOOD_VIEW_COUNT = 10
_MIN_TILT_DEG = 15.0
_MIN_TILTED_VIEWS = 3
_MAX_RMS_PX = 0.5
_MAX_FOCAL_DEVIATION = 0.01
_PLAUSIBLE_BASELINE_M = (0.01, 1.5)


def find_warnings(
    rig: Rig,
    views: Sequence[BoardView],
    board: Board,
    factory_baseline_m: float | None = None,
    problem: str = "",
) -> tuple[str, ...]:
    """Whole sentences with the number that raised each; empty when all is well. problem: what is known already."""
    sizes, (left, right) = rig.sizes, rig.lenses
    found = [problem] if problem else []
    found += [*_about_views(rig, views), *_about_pair(rig, explained=bool(problem))]
    if factory_baseline_m is not None and (doubt := baseline_against(rig, factory_baseline_m, board)):
        found.append(doubt)
    for name, camera, K, size, corners in (
        ("left", rig.left, left.K, sizes[0], [view.left_corners for view in views]),
        ("right", rig.right, right.K, sizes[1], [view.right_corners for view in views]),
    ):
        found += _about_camera(name, camera, K, size)
        share = float(coverage(corners, size).mean())
        if share < LITTLE_COVERAGE:
            found.append(
                f"The board covered only {share:.0%} of the {name} image; "
                "the lens is a guess elsewhere. Show the board near the edges too."
            )
    return tuple(found)


def _about_views(rig: Rig, views: Sequence[BoardView]) -> list[str]:
    found = []
    if len(views) < _GOOD_VIEW_COUNT:
        found.append(f"Only {len(views)} views: 15 to 25 make a calibration that can be trusted.")
    tilted = int((rig.left.tilts_deg >= _MIN_TILT_DEG).sum())
    if tilted < _MIN_TILTED_VIEWS:
        found.append(
            f"Too little tilt: {tilted} of {len(views)} views are tilted by {_MIN_TILT_DEG:.0f} degrees or more, "
            "so focal length and distance cannot be told apart. Tilt the board in several directions."
        )
    return found


def _about_pair(rig: Rig, *, explained: bool) -> list[str]:
    found = []
    if rig.rms_px > _MAX_RMS_PX and not explained:
        found.append(
            f"The stereo error of {rig.rms_px:.2f} px is high: blurred images, a bent board, "
            "or two images taken at different moments."
        )
    baseline_m = float(np.linalg.norm(rig.T))
    low, high = _PLAUSIBLE_BASELINE_M
    if not low <= baseline_m <= high:
        found.append(f"A baseline of {baseline_m * 1000:.1f} mm is not plausible: check the size of the squares.")
    angle_deg = float(np.degrees(np.arccos(np.clip((np.trace(rig.R) - 1) / 2, -1, 1))))
    if angle_deg > 30:
        found.append(f"The cameras are turned {angle_deg:.0f} degrees apart and share little of the view.")
    return found


def _about_camera(name: str, camera: CameraSolution, K: Matrix, size: Size) -> list[str]:
    found = []
    if camera.quality != "good":
        found.append(f"The {name} camera alone is {camera.verdict[0].lower()}{camera.verdict[1:]}")
    deviation = camera.focal_deviation_px / K[0, 0]
    if deviation > _MAX_FOCAL_DEVIATION:
        known = f"is known to {deviation:.1%} only" if np.isfinite(deviation) else "is left open by these views"
        found.append(f"The {name} focal length {known}: add views with more tilt.")
    if abs(K[0, 0] / K[1, 1] - 1) > 0.03:
        found.append(f"The {name} camera's fx {K[0, 0]:.0f} and fy {K[1, 1]:.0f} px differ: pixels are rarely oblong.")
    off_centre = max(abs(K[0, 2] / size[0] - 0.5), abs(K[1, 2] / size[1] - 0.5))
    if off_centre > 0.2:
        found.append(f"The {name} principal point ({K[0, 2]:.0f}, {K[1, 2]:.0f}) px lies far from the image centre.")
    return found
