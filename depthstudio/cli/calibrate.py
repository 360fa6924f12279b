"""``depthstudio calibrate``: a stereo calibration from image pairs, or from a source that shows a board."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from depthstudio.cli.board import add_board_options
from depthstudio.cli.board_views import read_images, read_views
from depthstudio.cli.numbers import image_size, positive
from depthstudio.errors import CalibrationError

if TYPE_CHECKING:
    from rich.console import Console

    from depthstudio.calibration import CalibrationSolution
    from depthstudio.calibration.solution import CameraReport

LENSES = ("auto", "none", "brown", "rational", "fisheye")


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register this module's verbs."""
    verb = verbs.add_parser("calibrate", help="solve a stereo calibration from views of a board")
    verb.add_argument(
        "source",
        metavar="FOLDER|URL",
        help="folder of pairs, a recording, a .json of corners, or a source such as sim://hybrid?scene=board",
    )
    verb.add_argument("--board", metavar="9x6", help="inner corners, columns x rows, or circles x rows")
    verb.add_argument("--square-mm", type=float, metavar="MM", help="side of one square")
    add_board_options(verb)
    verb.add_argument("--image-size", type=image_size, metavar="WxH", help="for a file of corners that does not say it")
    verb.add_argument(
        "--mono", action="store_true", help="the images of one camera: print its lens and a verdict; nothing is saved"
    )
    verb.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to save it: .npz or .yml")
    verb.add_argument("--keep-outliers", action="store_true", help="use every view, however badly it fits")
    verb.add_argument("--lens", choices=LENSES, default="auto", help="distortion model (default: by held-out error)")
    verb.add_argument(
        "--refine",
        action=argparse.BooleanOptionalAction,
        help="refine intrinsics and pose together (default: if better)",
    )
    verb.add_argument(
        "--factory", type=Path, metavar="FILE", help="what the camera knows of itself; its baseline checks the squares"
    )
    verb.add_argument("--fix", choices=("left", "right", "both"), help="keep that camera's intrinsics from --factory")
    verb.add_argument("--report", type=Path, metavar="FILE", help="write the report, .html or .pdf")
    verb.add_argument("--ros", type=Path, metavar="NAME", help="write NAME_left.yaml and NAME_right.yaml too")
    verb.add_argument("--swap", action="store_true", help="left and right were mixed up")
    verb.add_argument(
        "--views", type=positive(int), metavar="N", help="views to collect from a source (default: until enough)"
    )
    verb.set_defaults(run=_calibrate)


def _calibrate(arguments: argparse.Namespace) -> int:
    if arguments.mono:
        if any((arguments.output, arguments.report, arguments.ros, arguments.factory)):
            raise CalibrationError(
                "One camera alone makes no file.",
                "A calibration is of a pair; --mono only prints.",
                "Leave -o, --report, --ros and --factory out.",
            )
        return _calibrate_one(arguments)
    if arguments.output is None:
        raise CalibrationError("Where shall the calibration be saved?", "", "Give -o FILE.npz.")
    return _calibrate_pair(arguments)


def _calibrate_pair(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from depthstudio.calibration import SolveOptions, solve_stereo
    from depthstudio.calibration.report import check_report_name, save_report
    from depthstudio.geometry import StereoCalibration
    from depthstudio.geometry.calibration_yaml import save_ros
    from depthstudio.storage import check_target

    for target in filter(None, (arguments.output, arguments.report, arguments.ros)):
        check_target(target)
    if arguments.report:
        check_report_name(arguments.report)
    options = SolveOptions(
        lens=arguments.lens,
        refine=arguments.refine,
        drop_outliers=not arguments.keep_outliers,
        factory=StereoCalibration.load(arguments.factory) if arguments.factory else None,
        fix_left=arguments.fix in ("left", "both"),
        fix_right=arguments.fix in ("right", "both"),
    )
    options.plan()  # what cannot be solved is refused before views are collected
    console = Console(markup=False)
    views, board, left_size, right_size = read_views(arguments, console)
    if arguments.swap:
        views = [view.swapped() for view in views]
        left_size, right_size = right_size, left_size
    solution = solve_stereo(views, board, left_size, right_size, options=options)
    _print_solution(solution, console)
    solution.calibration.save(arguments.output)
    console.print(f"Saved to {arguments.output} (id {solution.calibration.id}).", soft_wrap=True)
    if arguments.ros:
        console.print(f"Saved to {' and '.join(str(file) for file in save_ros(solution.calibration, arguments.ros))}.")
    if arguments.report:
        save_report(solution, arguments.report)
        console.print(f"Report in {arguments.report}.", soft_wrap=True)
    return 0


def _calibrate_one(arguments: argparse.Namespace) -> int:
    """One camera alone: nothing is saved, for a pair is what everything else needs."""
    from rich.console import Console
    from rich.table import Table

    from depthstudio.calibration import solve_camera

    console = Console(markup=False)
    loaded, board = read_images(arguments, console)
    ids = [one.ids for one in loaded.detections]
    camera = solve_camera([one.corners for one in loaded.detections], board, loaded.size, arguments.lens, ids=ids)
    table = Table("image", "error px", title="Reprojection error per image")
    for name, error_px in zip(loaded.names, camera.view_errors_px, strict=True):
        table.add_row(name, f"{error_px:.2f}")
    console.print(table)
    K, size = camera.K, loaded.size
    console.print(
        f"{len(loaded.names)} images of {size[0]}x{size[1]} px; {camera.rms_px:.3f} px RMS.\n"
        f"fx {K[0, 0]:.2f}, fy {K[1, 1]:.2f}, cx {K[0, 2]:.2f}, cy {K[1, 2]:.2f} px.\n"
        f"Distortion ({camera.kind}): {', '.join(f'{value:.4f}' for value in camera.D) or 'none'}.",
        highlight=False,
    )
    console.print(camera.verdict, style="bold", highlight=False)
    return 0


def _print_solution(solution: CalibrationSolution, console: Console) -> None:
    from rich.table import Table

    table = Table("view", "left px", "right px", "vertical px", "", title="Reprojection error per view")
    for view in solution.views:
        table.add_row(
            view.name,
            f"{view.left_error_px:.2f}",
            f"{view.right_error_px:.2f}",
            f"{view.vertical_error_px:.2f}",
            "" if view.used else f"dropped: {view.reason}",
            style="" if view.used else "red",
        )
    console.print(table)
    calibration = solution.calibration
    before = f" (with all views {solution.rms_all_px:.3f} px)" if solution.outliers else ""
    dropped = f"dropped as outliers: {', '.join(solution.outliers)}" if solution.outliers else "no outliers"
    console.print(
        f"Views: {sum(view.used for view in solution.views)} of {len(solution.views)} used; {dropped}.\n"
        f"Each camera alone: left {solution.left_rms_px:.3f} px, right {solution.right_rms_px:.3f} px RMS.\n"
        f"Stereo: {solution.rms_px:.3f} px RMS{before}.\n"
        f"Focal length: left {calibration.K1[0, 0]:.1f} px, right {calibration.K2[0, 0]:.1f} px.\n"
        f"Lenses: {', '.join(_lens_words(camera) for camera in solution.cameras)}.\n"
        f"Baseline: {calibration.baseline_m * 1000:.2f} mm.\n"
        f"Rows after rectification: {solution.vertical.mean_px:.3f} px apart, 95 % below "
        f"{solution.vertical.percentile95_px:.3f} px.",
        highlight=False,
    )
    if solution.held_out is not None:
        console.print(
            f"On views the solver had not seen: {solution.held_out.mean_px:.3f} px, 95 % below "
            f"{solution.held_out.percentile95_px:.3f} px.",
            highlight=False,
        )
    depths = ", ".join(f"{mm:.2g} mm at {z_m:g} m" for z_m, mm in solution.uncertainty.depth_mm.items())
    console.print(f"One standard deviation of depth from the calibration alone: {depths}.", highlight=False)
    for warning in solution.warnings:
        console.print(f"Warning: {warning}", style="yellow", highlight=False)
    console.print(solution.verdict, style="bold", highlight=False)


def _lens_words(camera: CameraReport) -> str:
    if camera.was_given:
        return f"{camera.lens} (given)"
    tried = [f"{trial.kind} {trial.held_out_px:.3f}" for trial in camera.trials if trial.held_out_px is not None]
    return f"{camera.lens} (held-out px: {', '.join(tried)})" if tried else camera.lens
