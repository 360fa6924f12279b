"""Solving a stereo calibration from board views, with outliers dropped and the result judged."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

import numpy as np

from depthstudio.calibration.adjust import Observation
from depthstudio.calibration.board import Board
from depthstudio.calibration.camera import MIN_VIEWS, CameraSolution
from depthstudio.calibration.coverage import coverage_counts
from depthstudio.calibration.held_out import held_out_error, mean_and_tail
from depthstudio.calibration.judge import find_warnings
from depthstudio.calibration.lens_kinds import LensChoice
from depthstudio.calibration.outliers import without_outliers
from depthstudio.calibration.problems import explain_pair, mixed_sizes
from depthstudio.calibration.rig import (
    Matrix,
    Rig,
    RigPlan,
    Size,
    observations,
    refine_rig,
    solve_rig,
    vertical_errors_px,
    with_covariance,
)
from depthstudio.calibration.solution import CalibrationSolution, CameraReport, VerticalError, ViewResult
from depthstudio.calibration.steps import Progress, Steps
from depthstudio.calibration.uncertainty import uncertainty
from depthstudio.calibration.views import BoardView
from depthstudio.cancel import CancelToken
from depthstudio.errors import CalibrationError
from depthstudio.geometry import StereoCalibration

_HOPELESS_TILT_DEG = 5.0


@dataclass(frozen=True, eq=False)
class SolveOptions:
    """How to solve.

    lens: the distortion model of both cameras, or of each; "auto" takes the simplest that predicts unseen views as well
    as any. refine: refine intrinsics together with the pose; None does so when that predicts unseen views better.
    drop_outliers: leave views out that do not fit the others. factory: what the camera knows of itself: its baseline
    checks the size of the squares. fix_left, fix_right: take that camera's intrinsics from `factory` and keep them.
    """

    lens: LensChoice | tuple[LensChoice, LensChoice] = "auto"
    refine: bool | None = None
    drop_outliers: bool = True
    factory: StereoCalibration | None = None
    fix_left: bool = False
    fix_right: bool = False

    def plan(self) -> RigPlan:
        """For the solver; CalibrationError when intrinsics are to be fixed that nobody gave."""
        if (self.fix_left or self.fix_right) and self.factory is None:
            raise CalibrationError(
                "There are no factory intrinsics to keep.",
                "The source does not know its own cameras.",
                "Open the camera, give a calibration file that has them, or let them be solved.",
            )
        lenses = (self.lens, self.lens) if isinstance(self.lens, str) else self.lens
        given = (
            self.factory.left if self.factory is not None and self.fix_left else None,
            self.factory.right if self.factory is not None and self.fix_right else None,
        )
        return RigPlan(lenses, given)


def solve_stereo(
    views: Sequence[BoardView],
    board: Board,
    image_size: Size,
    right_image_size: Size | None = None,
    *,
    options: SolveOptions | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> CalibrationSolution:
    """Calibrate each camera, then the pair; about two seconds for 20 views.

    image_size, right_image_size: (width, height) px; the right one only when it differs.
    progress is called with the share done in 0..1 and what is being done. CalibrationError when there is no solution
    (fewer than 3 views, left and right swapped), CalibrationStopped when `cancel` was set.
    """
    began = time.perf_counter()
    options = options or SolveOptions()
    sizes = image_size, right_image_size or image_size
    step = Steps(progress, cancel)
    seen = _checked(views, board, sizes)
    options = _fitting(options, sizes)

    step(0.0, "Solving each camera and the pair")
    plan = replace(options.plan(), on_round=step.pause)
    first = solve_rig(seen, sizes, plan)
    plan = replace(plan, lenses=(first.left.kind, first.right.kind))
    problem = explain_pair(first, views, seen, board)
    _check_pose(first, problem)
    rig, kept, errors = first, list(range(len(views))), first.view_errors_px
    reasons: dict[int, str] = {}
    if options.drop_outliers:
        rig, kept, errors, reasons = without_outliers(first, views, seen, plan, step)

    used = [seen[index] for index in kept]
    held_out, refinement_helps = held_out_error(
        [views[index] for index in kept], used, rig, plan=plan, refine=options.refine, step=step
    )
    if options.refine if options.refine is not None else refinement_helps:
        step(0.9, "Refining both cameras together")
        rig = refine_rig(rig, used, step.pause)
        errors[kept] = rig.view_errors_px
    step(1.0, "Judging the result")
    judged = _Judged(rig, kept, errors, reasons, first.rms_px, held_out, problem)
    return _solution(views, used, board, options=options, judged=judged, began=began)


def _checked(views: Sequence[BoardView], board: Board, sizes: tuple[Size, Size]) -> list[Observation]:
    if len(views) < MIN_VIEWS:
        raise CalibrationError(
            f"{len(views)} views are not enough.",
            f"It takes {MIN_VIEWS} at least, and 15 to 25 for a good calibration.",
            "Collect more views with the board at different places and tilts.",
        )
    seen = observations(views, board)
    if problem := mixed_sizes(views, sizes):
        size = " and ".join(dict.fromkeys(f"{width}x{height}" for width, height in sizes))
        raise CalibrationError(
            f"There are views with corners outside a {size} px image.",
            problem,
            "Use images of one size only, or give the size they were taken at.",
        )
    return seen


def _fitting(options: SolveOptions, sizes: tuple[Size, Size]) -> SolveOptions:
    """The options without a factory calibration of other image sizes; CalibrationError when it is to be kept."""
    factory = options.factory
    if factory is None or factory.image_size is None:
        return options
    known_sizes = factory.image_size, factory.right_image_size or factory.image_size
    for name, known, size, is_kept in zip(
        ("left", "right"), known_sizes, sizes, (options.fix_left, options.fix_right), strict=True
    ):
        if known != size and is_kept:
            raise CalibrationError(
                f"The {name} camera's own intrinsics are for {known[0]}x{known[1]} px, the views for "
                f"{size[0]}x{size[1]} px.",
                "Intrinsics hold for one resolution only.",
                "Collect views at that size, or let the intrinsics be solved.",
            )
    # The baseline holds at every resolution, but other sizes speak for another camera.
    return options if known_sizes == sizes else replace(options, factory=None)


def _check_pose(rig: Rig, problem: str) -> None:
    """Refuse swapped cameras and impossible poses early, with the reason behind them."""
    try:
        rig.calibration()
    except CalibrationError as error:
        # Without tilt the solver lands anywhere, sometimes sure of itself; the tilts it finds are small all the same.
        tilt_deg = float(np.sort(rig.left.tilts_deg)[-MIN_VIEWS])
        if tilt_deg < _HOPELESS_TILT_DEG:
            raise CalibrationError(
                "These views do not determine the cameras.",
                f"The board was hardly tilted: {tilt_deg:.0f} degrees.",
                "Tilt the board by 20 to 40 degrees in several directions and collect again.",
            ) from error
        if problem:
            raise CalibrationError("The two cameras do not make a pair.", problem) from error
        if error.what.startswith("Left and right are swapped"):
            raise CalibrationError(
                error.what, f"{error.why} Images that are both mirrored look the same.", error.next_step
            ) from error
        raise


@dataclass(frozen=True, eq=False)
class _Judged:
    rig: Rig
    kept: list[int]
    errors_px: Matrix
    reasons: dict[int, str]
    rms_all_px: float
    held_out: VerticalError | None
    problem: str


def _solution(
    views: Sequence[BoardView],
    used: Sequence[Observation],
    board: Board,
    *,
    options: SolveOptions,
    judged: _Judged,
    began: float,
) -> CalibrationSolution:
    rig, kept = judged.rig, judged.kept
    vertical_px = vertical_errors_px(rig.calibration(), views)
    results = tuple(
        ViewResult(
            view.name,
            float(left_px),
            float(right_px),
            float(apart_px.mean()),
            index in kept,
            judged.reasons.get(index, ""),
        )
        for index, (view, (left_px, right_px), apart_px) in enumerate(
            zip(views, judged.errors_px, vertical_px, strict=True)
        )
    )
    in_use = [views[index] for index in kept]
    own_baseline_m = options.factory.baseline_m if options.factory is not None else None
    warnings = find_warnings(rig, in_use, board, own_baseline_m, judged.problem)
    solution = CalibrationSolution(
        calibration=rig.calibration(),
        rms_px=rig.rms_px,
        rms_all_px=judged.rms_all_px,
        left_rms_px=rig.left.rms_px,
        right_rms_px=rig.right.rms_px,
        views=results,
        vertical=mean_and_tail([vertical_px[index] for index in kept]),
        held_out=judged.held_out,
        warnings=warnings,
        refined=rig.refined,
        seconds=time.perf_counter() - began,
        cameras=(_camera_report(rig, 0, in_use), _camera_report(rig, 1, in_use)),
        uncertainty=uncertainty(with_covariance(rig, used), (rig.left, rig.right), rig.sizes[0]),
    )
    return replace(solution, calibration=_described(solution, board))


def _camera_report(rig: Rig, side: int, views: Sequence[BoardView]) -> CameraReport:
    camera: CameraSolution = (rig.left, rig.right)[side]
    corners = [view.left_corners if side == 0 else view.right_corners for view in views]
    return CameraReport(
        lens=camera.kind,
        was_given=camera.was_given,
        trials=camera.trials,
        corners=np.concatenate(corners).astype(np.float64),
        residuals=np.concatenate([view[side] for view in rig.pair.residuals]),
        counts=coverage_counts(corners, rig.sizes[side]),
        image_size=rig.sizes[side],
    )


def _described(solution: CalibrationSolution, board: Board) -> StereoCalibration:
    """The calibration with what its file remembers of how it was made."""
    vertical, held_out = solution.vertical, solution.held_out
    return replace(
        solution.calibration,
        date=datetime.now().astimezone().isoformat(timespec="seconds"),
        rms_px=solution.rms_px,
        board=board.to_json(),
        extra={
            "left_rms_px": solution.left_rms_px,
            "right_rms_px": solution.right_rms_px,
            "rms_all_px": solution.rms_all_px,
            "per_view_errors_px": {view.name: round(view.error_px, 4) for view in solution.views},
            "outliers": list(solution.outliers),
            "vertical_error_px": {"mean": vertical.mean_px, "percentile95": vertical.percentile95_px},
            "held_out_vertical_error_px": held_out
            and {"mean": held_out.mean_px, "percentile95": held_out.percentile95_px},
            "refined_together": solution.refined,
            "lenses": [camera.lens for camera in solution.cameras],
            "given": [camera.was_given for camera in solution.cameras],
            "deviations": asdict(solution.uncertainty) | {"depth_mm": dict(_texts(solution))},
        },
    )


def _texts(solution: CalibrationSolution) -> list[tuple[str, float]]:
    return [(f"{z_m:g}", mm) for z_m, mm in solution.uncertainty.depth_mm.items()]
