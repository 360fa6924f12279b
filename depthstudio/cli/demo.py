"""``depthstudio demo``: the whole way on the simulated rig, with a report."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from depthstudio.workspace import Workspace, new_folder_name

if TYPE_CHECKING:
    from depthstudio.demo import DemoProgress, DemoResult


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register ``demo``."""
    demo = verbs.add_parser("demo", help="calibrate, record, fine-tune, evaluate and predict on the simulated rig")
    demo.add_argument("-o", "--out", metavar="FOLDER", help="where to work (default: a new folder in WORKSPACE/demos)")
    demo.add_argument("--network", default="depthstudio-s", help="the network to start from (default: depthstudio-s)")
    demo.add_argument(
        "--quick", action="store_true", help="small images and few frames: shows the way, not the quality"
    )
    demo.add_argument("--no-window", action="store_true", help="do not open the window on the result")
    demo.set_defaults(run=_demo)


def _demo(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from depthstudio.demo import DemoScale, run_demo
    from depthstudio.demo.report import write_demo_report

    console = Console()
    demos = Workspace.find(arguments.workspace).root / "demos"
    workspace = Workspace.find(arguments.out or demos / new_folder_name(demos))
    scale = DemoScale.quick() if arguments.quick else DemoScale()
    console.print(f"DepthStudio demonstration in {workspace.root}", style="bold", markup=False)
    result = _show_progress(run_demo(workspace, scale, arguments.network), console)
    files = write_demo_report(result, workspace.root / "report")
    _print_table(result, console)
    for file in files:
        console.print(f"  {file}", highlight=False, markup=False)
    return _open_window(result, console, arguments.no_window)


def _show_progress(story: Iterator[DemoProgress | DemoResult], console: object) -> DemoResult:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from depthstudio.demo import STEPS, DemoResult

    columns = (
        TextColumn("{task.description:14}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns, console=console) as progress:  # type: ignore[arg-type]
        tasks = [progress.add_task(title, total=1.0, start=False, detail="") for title in STEPS]
        started: set[int] = set()
        for item in story:
            if isinstance(item, DemoResult):
                return item
            if item.step not in started:
                started.add(item.step)
                progress.start_task(tasks[item.step])
            progress.update(tasks[item.step], completed=item.share, detail=item.detail)
    raise AssertionError("the story always ends with a result")


def _print_table(result: DemoResult, console: object) -> None:
    from rich.console import Console
    from rich.table import Table

    assert isinstance(console, Console)
    calibration, exact = result.solution.calibration, result.exact
    table = Table(title=f"Held-out room, {len(result.before.frames)} frames, exact disparity, mean over frames")
    for column in ("", "before", "after"):
        table.add_column(column, justify="left" if not column else "right")
    before, after = result.before.per_image, result.after.per_image
    table.add_row("EPE, px", f"{before.epe_px:.2f}", f"{after.epe_px:.2f}")
    table.add_row("bad-1, %", f"{before.bad_1:.1%}", f"{after.bad_1:.1%}")
    table.add_row("bad-2, %", f"{before.bad_2:.1%}", f"{after.bad_2:.1%}")
    table.add_row("D1, %", f"{before.d1:.1%}", f"{after.d1:.1%}")
    console.print(table)
    console.print(
        f"Calibration: {result.solution.rms_px:.2f} px RMS, baseline {calibration.baseline_m * 1000:.2f} mm "
        f"(exactly {exact.baseline_m * 1000:.2f} mm).\n"
        f"Live: {result.live.rate_hz:.1f} predictions/s, latency {result.live.latency_p50_ms:.0f} ms median, "
        f"{result.live.latency_p95_ms:.0f} ms p95. The demonstration took {result.seconds:.0f} s.",
        highlight=False,
    )


def _open_window(result: DemoResult, console: object, unwanted: bool) -> int:
    """The window on the Live page, with the calibration, the room and the network of the demonstration."""
    from rich.console import Console

    from depthstudio.cli import main
    from depthstudio.demo import CALIBRATION_FILE
    from depthstudio.gui.settings import WindowSettings, save_settings

    assert isinstance(console, Console)
    settings = WindowSettings(calibration=CALIBRATION_FILE, live_network=str(result.run.best_path.absolute()))
    save_settings(settings, result.workspace.settings_file)
    words = ["--workspace", str(result.workspace.root), "gui", "--page", "live", "--source", result.room_url]
    if unwanted:
        return 0
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        console.print("There is no display here, so the window stays closed. Open it later with:")
        console.print(f"  depthstudio {shlex.join(words)}", highlight=False, markup=False, soft_wrap=True)
        return 0
    return main(words)
