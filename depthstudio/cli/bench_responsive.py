"""``depthstudio bench responsive``: whether the window stays fluid while it trains."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from depthstudio.cli.tables import table_console

if TYPE_CHECKING:
    from rich.console import Console

    from depthstudio.gui.event_loop_delay import Stall
    from depthstudio.gui.responsive_benchmark import Phase, Responsiveness

_MOST_PLACES = 8


def responsive(arguments: argparse.Namespace) -> int:
    """Run the benchmark and print a table."""
    import psutil
    from rich.table import Table

    from depthstudio.gui.responsive_benchmark import SIZE, TARGET_MAX_MS, TARGET_P99_MS, responsive_benchmark
    from depthstudio.storage import write_text

    console = table_console()
    network = (arguments.networks or ["depthstudio-s"])[0]
    with tempfile.TemporaryDirectory() as folder:
        found = responsive_benchmark(Path(folder), network, arguments.minutes * 60, console.print)
    table = Table("", title=f"event loop of the window, {found.network}, {found.epochs} epochs")
    for heading in ("seconds", "p50 ms", "p99 ms", "max ms", "> 50 ms", "camera/s", "samples/s"):
        table.add_column(heading, justify="right")
    for phase in found.phases:
        delays = phase.delays
        learned = f"{phase.samples_per_s:.2f}" if phase.is_training else ""
        table.add_row(
            _words(phase),
            f"{phase.seconds:.0f}",
            *(f"{ms:.1f}" for ms in (delays.p50_ms, delays.p99_ms, delays.max_ms)),
            str(len(phase.stalls)),
            f"{phase.display_hz:.1f}",
            learned,
        )
    table.add_row("no window", *[""] * 6, f"{found.samples_per_s:.2f}")
    table.add_section()
    table.add_row("aim", "", "", f"{TARGET_P99_MS:.0f}", f"{TARGET_MAX_MS:.0f}")
    console.print(table)
    _print_places(found, console)
    for line in (
        f"{SIZE[0]}x{SIZE[1]}, simulated hybrid camera, window of 1280x720. Delays: how late a timer of the window is.",
        f"{psutil.cpu_count() or 1} cores; load over the last minute, this included: {found.load:.1f}. "
        "Other work on the machine counts everywhere: compare with the rows in which the run is paused.",
    ):
        console.print(line, style="dim")
    if arguments.json:
        write_text(arguments.json, json.dumps(found.as_json(), indent=1))
    return 0


def _print_places(found: Responsiveness, console: Console) -> None:
    """Where the window's thread was when the loop was late, the worst places first."""
    for phase in found.phases:
        places: dict[str, list[Stall]] = defaultdict(list)
        for stall in sorted(phase.stalls, key=lambda stall: -stall.late_ms):
            places[stall.place].append(stall)
        worst = sorted(places.items(), key=lambda item: -item[1][0].late_ms)[:_MOST_PLACES]
        if worst:
            console.print(f"Late by more than 50 ms, {_words(phase)}:")
        for place, stalls in worst:
            whole_ms = sum(stall.late_ms for stall in stalls)
            starved = sum(stall.starved_ms or 0.0 for stall in stalls) / whole_ms
            computing = sum(stall.computing_ms or 0.0 for stall in stalls) / whole_ms
            words = f"{len(stalls):3d} times, up to {stalls[0].late_ms:4.0f} ms"
            shares = f"{computing:.0%} computing, {starved:.0%} without a processor"
            console.print(f"  {words}, {shares}: {place}", style="dim", soft_wrap=True)


def _words(phase: Phase) -> str:
    if phase.title == "start of the run":
        return phase.title
    return f"{phase.title}, {'training' if phase.is_training else 'paused'}"
