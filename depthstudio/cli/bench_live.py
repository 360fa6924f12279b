"""``depthstudio bench live``: the speed of the Live page."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

_TABLE_WIDTH = 120
# predictions shown per second, latency p95, event loop p99, colours and painting of a frame: what the page aims at
_TARGETS = {"predictions/s": "15 or more", "latency p95": "150 ms", "event loop p99": "33 ms", "display p50": "4 ms"}


def live(arguments: argparse.Namespace) -> int:
    """Run the benchmark and print a table."""
    from rich.console import Console
    from rich.table import Table

    from depthstudio.gui.live_benchmark import SOURCE, live_benchmark
    from depthstudio.models import resolve_network
    from depthstudio.storage import write_text
    from depthstudio.workspace import Workspace

    console = Console(width=None if sys.stdout.isatty() else _TABLE_WIDTH)
    network = resolve_network((arguments.networks or ["depthstudio-s"])[0], Workspace.find(arguments.workspace))
    with tempfile.TemporaryDirectory() as folder:
        found = live_benchmark(Path(folder), network, arguments.minutes * 60, arguments.backend, console.print)
    table = Table("", "measured", "aim", title=f"live, {found.network}")
    table.columns[1].justify = table.columns[2].justify = "right"
    rows = {
        "predictions/s": f"{found.predictions_per_s:.1f}",
        "camera frames/s": f"{found.camera_per_s:.1f}",
        "latency p50": f"{found.latency_p50_ms:.0f} ms",
        "latency p95": f"{found.latency_p95_ms:.0f} ms",
        "inference p50": f"{found.inference_p50_ms:.0f} ms",
        "inference p95": f"{found.inference_p95_ms:.0f} ms",
        "display p50": f"{found.display_p50_ms:.1f} ms",
        "display p95": f"{found.display_p95_ms:.1f} ms",
        "event loop p99": f"{found.event_loop_p99_ms:.1f} ms",
        "event loop max": f"{found.event_loop_max_ms:.1f} ms",
        "memory": " → ".join(f"{mb:.0f}" for mb in found.memory_mb[:: max(1, len(found.memory_mb) - 1)]) + " MB",
        "memory growth": f"{found.memory_growth_mb_per_minute:+.1f} MB/min",
    }
    for name, value in rows.items():
        table.add_row(name, value, _TARGETS.get(name, ""))
    console.print(table)
    for line in (
        f"{found.seconds:.0f} s of {SOURCE}, rectified, left picture and network side by side at 1280x720.",
        "latency: arrival of a frame to its depth painted. display: colours and painting of a frame, both pictures. "
        "event loop: how late a timer of the window fires.",
        f"Load over the last minute, this included: {found.load:.1f}. Other work on the machine counts everywhere.",
    ):
        console.print(line, style="dim", highlight=False)
    if arguments.json:
        write_text(arguments.json, json.dumps(found.as_json(), indent=1))
    return 0
