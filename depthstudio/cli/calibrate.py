"""``depthstudio calibrate``: a stereo calibration from image pairs, or from a source that shows a board."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from depthstudio.cli.numbers import positive

if TYPE_CHECKING:
    from rich.console import Console

    from depthstudio.calibration import Board, BoardView, CalibrationSolution, ViewCollector
    from depthstudio.cameras.source import FrameSource
    from depthstudio.frames import StereoFrame

_PATIENCE_S = 60.0


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register this module's verbs."""
    verb = verbs.add_parser("calibrate", help="solve a stereo calibration from chessboard views")
    verb.add_argument(
        "source",
        metavar="FOLDER|URL",
        help="folder of pairs, a recording, or a source such as sim://hybrid?scene=board",
    )
    verb.add_argument("--board", required=True, metavar="9x6", help="inner corners, columns x rows")
    verb.add_argument("--square-mm", required=True, type=float, metavar="MM", help="side of one square")
    verb.add_argument("-o", "--output", required=True, type=Path, metavar="FILE.npz", help="where to save it")
    verb.add_argument("--keep-outliers", action="store_true", help="use every view, however badly it fits")
    verb.add_argument("--swap", action="store_true", help="left and right were mixed up")
    verb.add_argument(
        "--views", type=positive(int), metavar="N", help="views to collect from a source (default: until enough)"
    )
    verb.set_defaults(run=_calibrate)


def _calibrate(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from depthstudio.calibration import Board, solve_stereo
    from depthstudio.storage import check_target

    check_target(arguments.output)
    console = Console()
    board = Board.parse(arguments.board, arguments.square_mm)
    is_source = "://" in arguments.source or Path(arguments.source).is_file()
    collect = _from_source if is_source else _from_folder
    views, left_size, right_size = collect(arguments, board, console)
    if arguments.swap:
        views = [view.swapped() for view in views]
        left_size, right_size = right_size, left_size
    solution = solve_stereo(views, board, left_size, right_size, drop_outliers=not arguments.keep_outliers)
    _print_solution(solution, console)
    solution.calibration.save(arguments.output)
    console.print(f"Saved to {arguments.output} (id {solution.calibration.id}).", soft_wrap=True)
    return 0


Views = tuple[list["BoardView"], tuple[int, int], tuple[int, int]]


def _from_folder(arguments: argparse.Namespace, board: Board, console: Console) -> Views:
    from depthstudio.calibration import load_views

    with console.status("Looking for the board") as status:
        loaded = load_views(
            Path(arguments.source), board, lambda share, name: status.update(f"Looking for the board: {name}")
        )
    for pair in loaded.skipped:
        console.print(f"Pair {pair.name} skipped: {pair.reason}", style="yellow")
    return loaded.views, loaded.left_size, loaded.right_size


def _from_source(arguments: argparse.Namespace, board: Board, console: Console) -> Views:
    from depthstudio.calibration import ViewCollector, collect
    from depthstudio.cameras import open_source
    from depthstudio.errors import CalibrationError

    with open_source(arguments.source) as source, console.status("Waiting for the board") as status:
        collector = ViewCollector(board, require_still=source.is_live)
        for offer in collect(_frames(source, collector), collector, arguments.views):
            status.update(f"{len(collector.collected)} views; {offer.reason}. {collector.instruction}")
            if offer.accepted:
                console.print(f"{offer.reason.capitalize()}.")
    if collector.left_size is None or collector.right_size is None:
        raise CalibrationError(f"{arguments.source} delivered no pair of images.")
    return collector.views, collector.left_size, collector.right_size


def _frames(source: FrameSource, collector: ViewCollector) -> Iterator[StereoFrame]:
    """Frames until the source ends, or no view was taken for a minute."""
    from depthstudio.cameras.source import EndOfStream

    views, since_s = 0, time.monotonic()
    while time.monotonic() - since_s < _PATIENCE_S:
        try:
            frame = source.read()
        except EndOfStream:
            return
        if frame is not None:
            yield frame
        if len(collector.collected) > views:
            views, since_s = len(collector.collected), time.monotonic()


def _print_solution(solution: CalibrationSolution, console: Console) -> None:
    from rich.table import Table

    table = Table("view", "left px", "right px", "vertical px", "", title="Reprojection error per view")
    for view in solution.views:
        table.add_row(
            view.name,
            f"{view.left_error_px:.2f}",
            f"{view.right_error_px:.2f}",
            f"{view.vertical_error_px:.2f}",
            "" if view.used else "dropped: outlier",
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
    for warning in solution.warnings:
        console.print(f"Warning: {warning}", style="yellow", highlight=False)
    console.print(solution.verdict, style="bold", highlight=False)
