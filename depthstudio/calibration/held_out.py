"""Judging a way of solving by views that the solver did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from depthstudio.calibration.adjust import Observation
from depthstudio.calibration.rig import Matrix, Rig, RigPlan, refine_rig, solve_rig, vertical_errors_px
from depthstudio.calibration.solution import VerticalError
from depthstudio.calibration.steps import CalibrationStopped, Steps
from depthstudio.calibration.views import BoardView
from depthstudio.errors import CalibrationError

_FOLDS = 4
_MIN_VIEWS_TO_HOLD_OUT = 8


def held_out_error(
    views: Sequence[BoardView],
    seen: Sequence[Observation],
    whole: Rig,
    *,
    plan: RigPlan,
    refine: bool | None,
    step: Steps,
) -> tuple[VerticalError | None, bool]:
    """Vertical error on views that each solver did not see, and whether joint refinement makes it smaller."""
    if len(views) < _MIN_VIEWS_TO_HOLD_OUT:
        return None, False
    may_refine = refine is not False and bool(whole.left.free.any() or whole.right.free.any())
    plain: list[Matrix] = []
    refined: list[Matrix] = []
    for fold in range(_FOLDS):
        step(0.5 + 0.4 * fold / _FOLDS, f"Checking on held-out views, {fold + 1} of {_FOLDS}")
        inside = [one for index, one in enumerate(seen) if index % _FOLDS != fold]
        unseen = [view for index, view in enumerate(views) if index % _FOLDS == fold]
        try:
            rig = solve_rig(inside, whole.sizes, replace(plan, starts=(whole.left, whole.right)))
            plain += vertical_errors_px(rig.calibration(), unseen)
            if may_refine:
                refined += vertical_errors_px(refine_rig(rig, inside, step.pause).calibration(), unseen)
        except CalibrationStopped:
            raise
        except CalibrationError:  # the views left do not determine the pair: nothing can be said
            return None, False
    without = mean_and_tail(plain)
    if not refined:
        return without, False
    with_refinement = mean_and_tail(refined)
    helps = with_refinement.mean_px < without.mean_px
    return (with_refinement if (refine or helps) else without), helps


def mean_and_tail(errors_px: Sequence[Matrix]) -> VerticalError:
    """Mean and 95th percentile over all corners of all views, px."""
    together = np.concatenate(errors_px)
    return VerticalError(float(together.mean()), float(np.percentile(together, 95)))
