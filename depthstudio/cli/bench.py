"""The verb ``bench``: measurements that anybody can repeat."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from depthstudio.models import StereoNetwork

TABLE_WIDTH = 120


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register this module's verbs."""
    parser = verbs.add_parser("bench", help="measure networks and speed; prints a table")
    parser.add_argument("name", choices=sorted(BENCHMARKS), help="which measurement")
    parser.add_argument("--networks", nargs="*", metavar="NETWORK", help="files, runs or names; default: those shipped")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers here as well")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the benchmark named."""
    return BENCHMARKS[arguments.name](arguments)


def _zero_shot(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    from depthstudio.evaluation.zero_shot import CONVENTIONS, as_json, benchmark_sets, zero_shot
    from depthstudio.storage import write_text

    data = os.environ.get("DEPTHSTUDIO_DATA")
    console = Console(width=None if sys.stdout.isatty() else TABLE_WIDTH)
    if not data:
        console.print("DEPTHSTUDIO_DATA is not set: only the synthetic scenes are measured.")
    sets = benchmark_sets(Path(data) / "stereo" if data else None)
    rows = list(zero_shot(_networks(arguments), sets))
    table = Table("set", "method", title="zero-shot")
    for heading in ("EPE", "bad-1 %", "bad-2 %", "bad-3 %", "D1 %", "density %", "ms"):
        table.add_column(heading, justify="right", no_wrap=True)
    for set_name in sets:
        for row in (row for row in rows if row.set_name == set_name):
            m = row.metrics
            shares = (f"{100 * share:.1f}" for share in (m.bad_1, m.bad_2, m.bad_3, m.d1, m.density))
            table.add_row(set_name, row.method, f"{m.epe_px:.2f}", *shares, f"{row.milliseconds:.0f}")
        table.add_section()
    console.print(table)
    for line in CONVENTIONS:
        console.print(line, style="dim")
    if arguments.json:
        write_text(arguments.json, json.dumps(as_json(rows), indent=1))
    return 0


def _networks(arguments: argparse.Namespace) -> dict[str, StereoNetwork]:
    """The networks asked for, by a short name."""
    from depthstudio.models import bundled_networks, load_network, resolve_network
    from depthstudio.workspace import Workspace

    specs = arguments.networks if arguments.networks is not None else [str(path) for path in bundled_networks()]
    workspace = Workspace.find(arguments.workspace)
    found = {}
    for spec in specs:
        path = resolve_network(spec, workspace)
        name = path.parent.name if path.stem == "best" else path.stem
        found[name] = load_network(path).network
    return found


def _synthetic(arguments: argparse.Namespace) -> int:
    from depthstudio.storage import write_text
    from depthstudio.synthetic.benchmark import measure

    rates = measure()
    print(
        f"Synthetic pairs of {rates['width']:.0f}x{rates['height']:.0f} px, per second of one core: "
        f"{rates['fresh_pairs_per_s']:.1f} rendered afresh, {rates['pooled_pairs_per_s']:.1f} from a pool, augmented"
    )
    if arguments.json:
        write_text(arguments.json, json.dumps(rates, indent=1))
    return 0


def _inference(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    from depthstudio.evaluation.inference_speed import inference_speed
    from depthstudio.storage import write_text

    rows = list(inference_speed())
    table = Table("method", "M parameters", "median ms", "fastest ms", "frames/s", title="inference, 640x480, 192 px")
    for row in rows:
        numbers = (row.parameters_m, row.median_ms, row.fastest_ms, 1e3 / row.median_ms)
        table.add_row(row.method, *(f"{number:.{2 if index == 0 else 1}f}" for index, number in enumerate(numbers)))
    Console(width=None if sys.stdout.isatty() else TABLE_WIDTH).print(table)
    if arguments.json:
        write_text(arguments.json, json.dumps([asdict(row) for row in rows], indent=1))
    return 0


BENCHMARKS: dict[str, Callable[[argparse.Namespace], int]] = {
    "zero-shot": _zero_shot,
    "synthetic": _synthetic,
    "inference": _inference,
}
