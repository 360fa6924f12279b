"""Naming what went wrong when each camera alone is fine but the pair is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.adjust import Observation
from depthstudio.calibration.board import Board
from depthstudio.calibration.rig import Rig, RigPlan, Size, relative_poses, solve_rig
from depthstudio.calibration.views import BoardView
from depthstudio.errors import CalibrationError

_SUSPICIOUS = 2.5  # times the error of the cameras alone
_SUSPICIOUS_PX = 0.4
_CURED = 0.6  # an explanation must bring the error down to this share
_MIN_SIDE_VIEWS = 4
_MIN_MOVE_DEG = 0.03
_SCATTERED_SHARE = 0.3


def pair_disagrees(rig: Rig) -> bool:
    """Whether the pair fits much worse than each of its cameras."""
    alone = max(rig.left.rms_px, rig.right.rms_px)
    return rig.rms_px > max(_SUSPICIOUS * alone, _SUSPICIOUS_PX)


def explain_pair(rig: Rig, views: Sequence[BoardView], seen: Sequence[Observation], board: Board) -> str:
    """One sentence on why the two cameras do not agree; empty when they do or no single reason explains it."""
    if not pair_disagrees(rig):
        return ""
    alone = f"Each camera alone fits to {max(rig.left.rms_px, rig.right.rms_px):.2f} px, the pair to {rig.rms_px:.2f}"
    if side := mirrored_side(rig, views, board):
        return f"The {side} image is mirrored: {alone}, and unmirrored they agree. Switch mirroring off in the camera."
    moved = find_move(rig, seen)
    if moved is not None:
        index, angle_deg = moved
        return (
            f"The cameras moved against each other by {angle_deg:.2f} degrees between view {views[index - 1].name} "
            f"and view {views[index].name}. Fix them to one plate, and collect again."
        )
    errors_px = rig.view_errors_px.max(axis=1)
    bad = int((errors_px > _SUSPICIOUS * max(rig.left.rms_px, rig.right.rms_px)).sum())
    if bad >= _SCATTERED_SHARE * len(views):
        return (
            f"The two images were not taken at the same moment: {alone} ({bad} of {len(views)} views are off). "
            "Hold the board still, or trigger both cameras together."
        )
    return ""


def mirrored_side(rig: Rig, views: Sequence[BoardView], board: Board) -> str:
    """ "left" or "right" when mirroring that image back makes the cameras agree; else empty.

    Markers are not found in a mirrored image, so only complete grids come into question.
    """
    whole = [view for view in views if view.ids is None]
    if len(whole) < len(views) or board.kind != "chessboard":
        return ""
    for side in ("left", "right"):
        width = rig.sizes[0 if side == "left" else 1][0]
        for axis in (0, 1):  # detection in the mirrored image counted from either end
            turned = [_unmirrored(view, side, width, board, axis) for view in whole]
            seen = [
                Observation(
                    board.object_points().astype(np.float64),
                    one.left_corners.astype(np.float64),
                    one.right_corners.astype(np.float64),
                )
                for one in turned
            ]
            kinds = RigPlan((rig.left.kind, rig.right.kind))
            try:
                cured = solve_rig(seen, rig.sizes, kinds)
            except CalibrationError:
                continue
            # Mirroring the wrong one makes two mirrored images, which agree as a pair that is swapped.
            if cured.T[0] < 0 and cured.rms_px < _CURED * rig.rms_px / 2:
                return side
    return ""


def find_move(rig: Rig, seen: Sequence[Observation]) -> tuple[int, float] | None:
    """The first view after the cameras moved against each other, and by how many degrees; None when they did not.

    The views are taken to be in the order they were made. The best split into before and after must explain the error.
    """
    if len(seen) < 2 * _MIN_SIDE_VIEWS:
        return None
    turns, _ = relative_poses(rig.left, rig.right)
    splits = range(_MIN_SIDE_VIEWS, len(seen) - _MIN_SIDE_VIEWS + 1)
    at = min(splits, key=lambda index: _spread(turns[:index]) + _spread(turns[index:]))
    plan = RigPlan((rig.left.kind, rig.right.kind), rig.lenses)
    try:
        before, after = (solve_rig(part, rig.sizes, plan) for part in (seen[:at], seen[at:]))
    except CalibrationError:
        return None
    rms_px = np.sqrt((at * before.rms_px**2 + (len(seen) - at) * after.rms_px**2) / len(seen))
    angle_deg = float(np.degrees(np.linalg.norm(cv2.Rodrigues(after.R @ before.R.T)[0])))
    return (at, angle_deg) if rms_px < _CURED * rig.rms_px and angle_deg > _MIN_MOVE_DEG else None


def why_dropped(rig: Rig, index: int, error_px: tuple[float, float], typical_px: float) -> str:
    """Why a view stands out: by one image, by both, or by their disagreement. `index` is the view's in `rig`."""
    alone = float(rig.left.view_errors_px[index]), float(rig.right.view_errors_px[index])
    limit = max(2 * typical_px, 0.3)
    if max(alone) < limit <= max(error_px):
        return (
            f"each image alone fits ({max(alone):.2f} px) but the two together only to {max(error_px):.2f} px: "
            "not the same moment, or counted from different corners"
        )
    bad = [side for side, one in zip(("left", "right"), alone, strict=True) if one >= limit]
    where = "both images" if len(bad) != 1 else f"the {bad[0]} image"
    return (
        f"corners of {where} are off by {max(*alone, *error_px):.2f} px, the others' by {typical_px:.2f}: blur or glare"
    )


def baseline_against(rig: Rig, factory_baseline_m: float, board: Board) -> str:
    """What the factory's baseline says about the squares; empty when they agree within 2 %."""
    ratio = float(np.linalg.norm(rig.T)) / factory_baseline_m
    if abs(ratio - 1) < 0.02:
        return ""
    true_mm = board.square_m / ratio * 1000
    return (
        f"The baseline comes out as {ratio * factory_baseline_m * 1000:.2f} mm, the camera's own is "
        f"{factory_baseline_m * 1000:.2f} mm: the squares are probably {true_mm:.2f} mm, not "
        f"{board.square_m * 1000:g} mm. Measure the print."
    )


def mixed_sizes(views: Sequence[BoardView], sizes: tuple[Size, Size]) -> str:
    """Whether corners lie outside the image they are said to be of: views of several resolutions, or a wrong size."""
    outside = []
    for view in views:
        for corners, (width, height) in zip((view.left_corners, view.right_corners), sizes, strict=True):
            if not np.all(np.isfinite(corners)) or corners.min() < -1 or np.any(corners.max(axis=0) > (width, height)):
                outside.append(view.name)
                break
    if not outside:
        return ""
    if len(outside) == len(views):
        return "All views are of larger images."
    return f"The views are of mixed resolutions: {', '.join(outside[:5])} of larger images than the others."


def _spread(turns: NDArray[np.float64]) -> float:
    return float(np.abs(turns - np.median(turns, axis=0)).sum())


def _unmirrored(view: BoardView, side: str, width: int, board: Board, axis: int) -> BoardView:
    corners = view.left_corners if side == "left" else view.right_corners
    grid = corners.reshape(board.rows, board.columns, 2)
    back = np.flip(grid, axis=1 - axis).reshape(-1, 2) * np.array([-1, 1]) + np.array([width - 1, 0])
    back = back.astype(np.float32)
    return replace(view, left_corners=back) if side == "left" else replace(view, right_corners=back)
