"""Solving a stereo calibration from board views, with outliers dropped and the result judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from depthstudio.calibration.board import Board
from depthstudio.calibration.camera import MIN_VIEWS
from depthstudio.calibration.judge import find_warnings
from depthstudio.calibration.rig import Matrix, Rig, Size, refine_rig, solve_rig, vertical_errors_px
from depthstudio.calibration.solution import CalibrationSolution, VerticalError, ViewResult
from depthstudio.calibration.views import BoardView
from depthstudio.cancel import CancelToken
from depthstudio.errors import CalibrationError

Progress = Callable[[float, str], None]

_FOLDS = 4
_MIN_VIEWS_TO_HOLD_OUT = 8
_MIN_VIEWS_TO_DROP = 6
_MAX_DROPPED_SHARE = 0.34
_MAD_TO_SIGMA = 1.4826
_FINE_PX = 0.3  # a view that fits this well stays, however much better the others fit
_HOPELESS_TILT_DEG = 5.0


class CalibrationStopped(CalibrationError):  # noqa: N818 - asked for, not an error
    """The user stopped the solver."""


def solve_stereo(
    views: Sequence[BoardView],
    board: Board,
    image_size: Size,
    right_image_size: Size | None = None,
    *,
    drop_outliers: bool = True,
    refine: bool | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> CalibrationSolution:
    """Calibrate both cameras and the pose between them; about a second for 20 views.

    image_size, right_image_size: (width, height) px; the right one only when it differs. refine: refine intrinsics
    together with the pose; None does so when it predicts views better that the solver has not seen.
    progress is called with the share done in 0..1 and what is being done. CalibrationError when there is no solution
    (fewer than 3 views, left and right swapped), CalibrationStopped when `cancel` was set.
    """
    began = time.perf_counter()
    sizes = image_size, right_image_size or image_size
    step = _Steps(progress, cancel)
    _check_views(views, board, sizes)

    step(0.0, "Solving each camera and the pair")
    rig = first = solve_rig(views, board, *sizes)
    _check_pose(first, sizes)
    kept, errors = list(range(len(views))), first.view_errors_px.copy()
    while drop_outliers and (dropped := _outliers(rig.view_errors_px, len(views))):
        step(0.2, f"Solving without {', '.join(views[kept[i]].name for i in dropped)}")
        kept = [index for i, index in enumerate(kept) if i not in dropped]
        rig = solve_rig([views[index] for index in kept], board, *sizes)
        errors[kept] = rig.view_errors_px

    used = [views[index] for index in kept]
    held_out, refinement_helps = _held_out(used, board, sizes, refine, step)
    if refine if refine is not None else refinement_helps:
        step(0.9, "Refining both cameras together")
        rig = refine_rig(rig, used, board, sizes[0])
        errors[kept] = rig.view_errors_px
    step(1.0, "Judging the result")
    return _solution(
        views,
        kept,
        errors_px=errors,
        rig=rig,
        rms_all_px=first.rms_px,
        held_out=held_out,
        board=board,
        sizes=sizes,
        began=began,
    )


class _Steps:
    """Tells the caller where the solver is, and stops it when asked."""

    def __init__(self, progress: Progress | None, cancel: CancelToken | None) -> None:
        self._progress = progress
        self._cancel = cancel

    def __call__(self, share: float, doing: str) -> None:
        if self._cancel is not None and self._cancel.is_cancelled:
            raise CalibrationStopped("Calibration was stopped.")
        if self._progress is not None:
            self._progress(share, doing)


def _check_views(views: Sequence[BoardView], board: Board, sizes: tuple[Size, Size]) -> None:
    if len(views) < MIN_VIEWS:
        raise CalibrationError(
            f"{len(views)} views are not enough.",
            f"It takes {MIN_VIEWS} at least, and 15 to 25 for a good calibration.",
            "Collect more views with the board at different places and tilts.",
        )
    for view in views:
        if len(view.left_corners) != board.corner_count:
            raise CalibrationError(
                f"View {view.name} has {len(view.left_corners)} corners, the board {board.corner_count}.",
                "",
                "Set the board that was used.",
            )
        for corners, (width, height) in zip((view.left_corners, view.right_corners), sizes, strict=True):
            if not np.all(np.isfinite(corners)) or corners.min() < -1 or np.any(corners.max(axis=0) > (width, height)):
                raise CalibrationError(
                    f"View {view.name} has corners outside a {width}x{height} px image.",
                    "",
                    "Collect the view again, or give the image size it was taken at.",
                )


def _check_pose(rig: Rig, sizes: tuple[Size, Size]) -> None:
    """Refuse swapped cameras and impossible poses early, with the reason behind them."""
    try:
        rig.calibration(*sizes)
    except CalibrationError as error:
        # Without tilt the solver lands anywhere, sometimes sure of itself; the tilts it finds are small all the same.
        tilt_deg = float(np.sort(rig.left.tilts_deg)[-MIN_VIEWS])
        if tilt_deg >= _HOPELESS_TILT_DEG:
            raise
        raise CalibrationError(
            "These views do not determine the cameras.",
            f"The board was hardly tilted: {tilt_deg:.0f} degrees.",
            "Tilt the board by 20 to 40 degrees in several directions and collect again.",
        ) from error


def _outliers(view_errors_px: Matrix, all_views: int) -> list[int]:
    """Indices of views whose error stands out from the others' by median and MAD; worst first, and never too many."""
    error_px = view_errors_px.max(axis=1)
    median = float(np.median(error_px))
    spread = _MAD_TO_SIGMA * float(np.median(np.abs(error_px - median)))
    # A view must be far off by both measures: MAD alone turns strict when all the other views agree very well.
    limit = max(median + 4 * spread, 2.5 * median, _FINE_PX)
    worst_first = [int(i) for i in np.argsort(-error_px) if error_px[i] > limit]
    already = all_views - len(error_px)
    allowed = min(int(all_views * _MAX_DROPPED_SHARE) - already, len(error_px) - _MIN_VIEWS_TO_DROP + 1)
    return worst_first[: max(allowed, 0)] if len(error_px) >= _MIN_VIEWS_TO_DROP else []


def _held_out(
    views: Sequence[BoardView], board: Board, sizes: tuple[Size, Size], refine: bool | None, step: _Steps
) -> tuple[VerticalError | None, bool]:
    """Vertical error on views that each solver did not see, and whether joint refinement makes it smaller."""
    if len(views) < _MIN_VIEWS_TO_HOLD_OUT:
        return None, False
    plain: list[Matrix] = []
    refined: list[Matrix] = []
    for fold in range(_FOLDS):
        step(0.4 + 0.5 * fold / _FOLDS, f"Checking on held-out views, {fold + 1} of {_FOLDS}")
        seen = [view for index, view in enumerate(views) if index % _FOLDS != fold]
        unseen = [view for index, view in enumerate(views) if index % _FOLDS == fold]
        try:
            rig = solve_rig(seen, board, *sizes)
            plain += vertical_errors_px(rig.calibration(*sizes), unseen)
            if refine is not False:
                refined += vertical_errors_px(refine_rig(rig, seen, board, sizes[0]).calibration(*sizes), unseen)
        except CalibrationError:  # the views left do not determine the pair: nothing can be said
            return None, False
    without = _vertical(plain)
    if not refined:
        return without, False
    with_refinement = _vertical(refined)
    helps = with_refinement.mean_px < without.mean_px
    return (with_refinement if (refine or helps) else without), helps


def _vertical(errors_px: Sequence[Matrix]) -> VerticalError:
    together = np.concatenate(errors_px)
    return VerticalError(float(together.mean()), float(np.percentile(together, 95)))


def _solution(
    views: Sequence[BoardView],
    kept: list[int],
    *,
    errors_px: Matrix,
    rig: Rig,
    rms_all_px: float,
    held_out: VerticalError | None,
    board: Board,
    sizes: tuple[Size, Size],
    began: float,
) -> CalibrationSolution:
    bare = rig.calibration(*sizes)
    vertical_px = vertical_errors_px(bare, views)
    results = tuple(
        ViewResult(view.name, float(left_px), float(right_px), float(apart_px.mean()), index in kept)
        for index, (view, (left_px, right_px), apart_px) in enumerate(zip(views, errors_px, vertical_px, strict=True))
    )
    vertical = _vertical([vertical_px[index] for index in kept])
    calibration = replace(
        bare,
        date=datetime.now().astimezone().isoformat(timespec="seconds"),
        rms_px=rig.rms_px,
        board=board.to_json(),
        extra={
            "left_rms_px": rig.left.rms_px,
            "right_rms_px": rig.right.rms_px,
            "rms_all_px": rms_all_px,
            "per_view_errors_px": {view.name: round(view.error_px, 4) for view in results},
            "outliers": [view.name for view in results if not view.used],
            "vertical_error_px": {"mean": vertical.mean_px, "percentile95": vertical.percentile95_px},
            "held_out_vertical_error_px": held_out
            and {"mean": held_out.mean_px, "percentile95": held_out.percentile95_px},
            "refined_together": rig.refined,
        },
    )
    return CalibrationSolution(
        calibration=calibration,
        rms_px=rig.rms_px,
        rms_all_px=rms_all_px,
        left_rms_px=rig.left.rms_px,
        right_rms_px=rig.right.rms_px,
        views=results,
        vertical=vertical,
        held_out=held_out,
        warnings=find_warnings(rig, [views[index] for index in kept], sizes),
        refined=rig.refined,
        seconds=time.perf_counter() - began,
    )
