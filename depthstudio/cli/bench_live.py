"""``depthstudio bench live``: the speed of the Live page."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from depthstudio.cli.tables import table_console

if TYPE_CHECKING:
    from depthstudio.gui.live_benchmark import LiveBenchmark

# predictions shown per second, latency p95, event loop p99, colours and painting of a frame: what the page aims at
_TARGETS = {"predictions/s": "15 or more", "latency p95": "150 ms", "event loop p99": "33 ms", "display p50": "4 ms"}


def live(arguments: argparse.Namespace) -> int:
    """Run the benchmark and print a table."""
    from rich.table import Table

    from depthstudio.gui.live_benchmark import SOURCE, live_benchmark
    from depthstudio.models import resolve_network
    from depthstudio.storage import write_text
    from depthstudio.workspace import Workspace

    console = table_console()
    network = resolve_network((arguments.networks or ["depthstudio-s"])[0], Workspace.find(arguments.workspace))
    found = {}
    for half in (False, True) if arguments.half_resolution else (False,):
        with tempfile.TemporaryDirectory() as folder:
            found["half resolution" if half else "full resolution"] = live_benchmark(
                Path(folder), network, arguments.minutes * 60, arguments.backend, console.print, half_resolution=half
            )
    full = found["full resolution"]
    table = Table("", *found, "aim", title=f"live, {full.network}")
    for column in table.columns[1:]:
        column.justify = "right"
    lines = [_lines(each) for each in found.values()]
    for name in lines[0]:
        table.add_row(name, *(each[name] for each in lines), _TARGETS.get(name, ""))
    console.print(table)
    for line in (
        f"{full.seconds:.0f} s each of {SOURCE}, rectified, left picture and network side by side at 1280x720.",
        "latency: arrival of a frame to its depth painted. display: colours and painting of a frame, both pictures. "
        "event loop: how late a timer of the window fires.",
        f"Load over the last minute, this included: {full.load:.1f}. Other work on the machine counts everywhere.",
    ):
        console.print(line, style="dim")
    if arguments.json:
        write_text(arguments.json, json.dumps({name: each.as_json() for name, each in found.items()}, indent=1))
    return 0


def _lines(found: LiveBenchmark) -> dict[str, str]:
    """What the table says of one measurement."""
    return {
        "predictions/s": f"{found.predictions_per_s:.1f}",
        "camera frames/s": f"{found.camera_per_s:.1f}",
        "latency p50": f"{found.latency_p50_ms:.0f} ms",
        "latency p95": f"{found.latency_p95_ms:.0f} ms",
        "inference p50": f"{found.inference_p50_ms:.0f} ms",
        "inference p95": f"{found.inference_p95_ms:.0f} ms",
        "display p50": f"{found.display_p50_ms:.1f} ms",
        "display p95": f"{found.display_p95_ms:.1f} ms",
        "CPU per prediction": f"{found.cpu_ms_per_prediction:.0f} ms",
        "event loop p99": f"{found.event_loop_p99_ms:.1f} ms",
        "event loop max": f"{found.event_loop_max_ms:.1f} ms",
        "memory": " → ".join(f"{mb:.0f}" for mb in found.memory_mb[:: max(1, len(found.memory_mb) - 1)]) + " MB",
        "memory growth": f"{found.memory_growth_mb_per_minute:+.1f} MB/min",
    }
