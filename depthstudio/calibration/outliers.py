"""Leaving out views that do not fit the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from depthstudio.calibration.adjust import Observation
from depthstudio.calibration.problems import why_dropped
from depthstudio.calibration.rig import Matrix, Rig, RigPlan, solve_rig
from depthstudio.calibration.steps import Steps
from depthstudio.calibration.views import BoardView

_MIN_VIEWS_TO_DROP = 6
_MAX_DROPPED_SHARE = 0.34
_MAD_TO_SIGMA = 1.4826
_FINE_PX = 0.3  # a view that fits this well stays, however much better the others fit


def without_outliers(
    first: Rig, views: Sequence[BoardView], seen: Sequence[Observation], plan: RigPlan, step: Steps
) -> tuple[Rig, list[int], Matrix, dict[int, str]]:
    """Solve again and again until no view stands out.

    The rig, the indices of the views kept, the errors of all views (M, 2) px, and why others were dropped.
    """
    rig, kept, errors = first, list(range(len(views))), first.view_errors_px.copy()
    reasons: dict[int, str] = {}
    while dropped := _outliers(rig.view_errors_px, len(views)):
        step(0.4, f"Solving without {', '.join(views[kept[i]].name for i in dropped)}")
        typical_px = float(np.median(rig.view_errors_px.max(axis=1)))
        for i in dropped:
            left_px, right_px = (float(value) for value in rig.view_errors_px[i])
            reasons[kept[i]] = why_dropped(rig, i, (left_px, right_px), typical_px)
        kept = [index for i, index in enumerate(kept) if i not in dropped]
        rig = solve_rig([seen[index] for index in kept], first.sizes, plan)
        errors[kept] = rig.view_errors_px
    # The lens was chosen once, on all views: what that rests on stays with the cameras.
    left, right = replace(rig.left, trials=first.left.trials), replace(rig.right, trials=first.right.trials)
    return replace(rig, left=left, right=right), kept, errors, reasons


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
