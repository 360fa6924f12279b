"""The verb ``bench``: measurements that anybody can repeat."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from depthstudio.cli.bench_ablation import ablation
from depthstudio.cli.bench_detection import detection
from depthstudio.cli.bench_live import live
from depthstudio.cli.bench_overfit import add_flags as add_overfit_flags
from depthstudio.cli.bench_overfit import overfit
from depthstudio.cli.bench_responsive import responsive
from depthstudio.cli.bench_training import training
from depthstudio.cli.numbers import positive
from depthstudio.cli.tables import table_console

if TYPE_CHECKING:
    from depthstudio.models import StereoNetwork

DEFAULT_SIZE = "640x480"
SGBM_RANGE = 192
INFERENCE_ROUNDS = 15
SPEED_NETWORKS = ("depthstudio-s", "depthstudio-m", "siamese")


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register this module's verbs."""
    parser = verbs.add_parser("bench", help="measure networks and speed; prints a table")
    parser.add_argument("name", choices=sorted(BENCHMARKS), help="which measurement")
    parser.add_argument("--networks", nargs="*", metavar="NETWORK", help="files, runs or names; default: those shipped")
    parser.add_argument("--size", metavar="WxH", help="inference, overfit, training: image size (default: 640x480)")
    parser.add_argument(
        "--rounds",
        type=positive(int),
        metavar="N",
        help="inference: pairs per backend (default: 15); detection: frames per pair (default: 3)",
    )
    parser.add_argument(
        "--threads", type=positive(int), metavar="N", help="inference: computing threads; default: all cores"
    )
    parser.add_argument(
        "--minutes",
        type=positive(float),
        default=10.0,
        metavar="M",
        help="capture, live, responsive: how long; ablation: processor time of each variant (default: 10)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="DIR",
        help="capture: where to record to (default: the workspace); the recording is deleted afterwards",
    )
    parser.add_argument("--backend", default="auto", help="live: what runs the network (default: the fastest here)")
    parser.add_argument("--half-resolution", action="store_true", help="live: measure that too, beside full resolution")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers here as well")
    add_overfit_flags(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the benchmark named."""
    return BENCHMARKS[arguments.name](arguments)


def _zero_shot(arguments: argparse.Namespace) -> int:
    from rich.table import Table

    from depthstudio.evaluation.zero_shot import CONVENTIONS, as_json, benchmark_sets, zero_shot
    from depthstudio.storage import write_text

    data = os.environ.get("DEPTHSTUDIO_DATA")
    console = table_console()
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
    from depthstudio.evaluation.jobs import network_title
    from depthstudio.models import bundled_networks, load_network, resolve_network
    from depthstudio.workspace import Workspace

    specs = arguments.networks if arguments.networks is not None else [str(path) for path in bundled_networks()]
    workspace = Workspace.find(arguments.workspace)
    found = {}
    for spec in specs:
        path = resolve_network(spec, workspace)
        found[network_title(path)] = load_network(path).network
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
    from rich.table import Table

    from depthstudio.evaluation.sgbm import sgbm_disparity
    from depthstudio.inference.benchmark import CONVENTIONS, inference_benchmark
    from depthstudio.inference.image_size import parse_size
    from depthstudio.storage import write_text

    size = parse_size(arguments.size or DEFAULT_SIZE)
    networks = _networks_for_speed(arguments)
    reach = max((getattr(network, "max_disparity", 0) for network in networks.values()), default=0) or SGBM_RANGE
    sgbm = {f"SGBM, {reach} px": lambda left, right: sgbm_disparity(left, right, reach - 1)}
    console = table_console()
    table = Table("network", "backend", title=f"inference, {size[0]}x{size[1]}, one pair at a time")
    for heading in ("median ms", "p95 ms", "frames/s", "times torch"):
        table.add_column(heading, justify="right", no_wrap=True)
    with console.status("Measuring"):
        rows = list(inference_benchmark(networks, size, sgbm, arguments.rounds or INFERENCE_ROUNDS, arguments.threads))
    for row in rows:
        numbers = (f"{row.median_ms:.0f}", f"{row.p95_ms:.0f}", f"{row.frames_per_s:.1f}")
        ratio = "" if row.times_torch is None else f"{row.times_torch:.2f}"
        table.add_row(row.network, row.backend, *(("-",) * 4 if row.remark else (*numbers, ratio)))
    console.print(table)
    for line in (*dict.fromkeys(row.remark for row in rows if row.remark), *CONVENTIONS, _load()):
        console.print(line, style="dim", highlight=False)
    if arguments.json:
        write_text(arguments.json, json.dumps([row.as_json() for row in rows], indent=1))
    return 0


def _networks_for_speed(arguments: argparse.Namespace) -> dict[str, StereoNetwork]:
    """The networks asked for, else one of each kind; fresh weights where none are shipped: they are as fast."""
    from depthstudio.errors import NetworkError
    from depthstudio.models import create_network, load_network, network_names, resolve_network
    from depthstudio.workspace import Workspace

    workspace = Workspace.find(arguments.workspace)
    found = {}
    for spec in arguments.networks or SPEED_NETWORKS:
        try:
            found[spec] = load_network(resolve_network(spec, workspace)).network
        except NetworkError:
            if spec not in network_names():
                raise
            found[spec] = create_network(spec)
    return found


def _capture(arguments: argparse.Namespace) -> int:
    from depthstudio.cameras.capture_benchmark import capture_benchmark
    from depthstudio.inference.image_size import parse_size
    from depthstudio.storage import write_text
    from depthstudio.workspace import Workspace

    console = table_console()
    folder = arguments.folder or Workspace.find(arguments.workspace).root
    with console.status("Rendering frames") as status:
        result = capture_benchmark(
            folder,
            arguments.minutes,
            parse_size(arguments.size or DEFAULT_SIZE),
            on_progress=lambda s, frames, dropped: status.update(f"{s:.0f} s, {frames} frames, {dropped} dropped"),
        )
    width, height = result.size
    console.print(f"capture: left, right, depth and colour of {width}x{height} at {result.asked_hz:.0f} frames/s")
    console.print(f"{result.frames} frames in {result.seconds:.1f} s: {result.frames_per_s:.2f} frames/s")
    console.print(f"{result.dropped} dropped by the recorder, {result.missed} missed by the reader")
    console.print(f"{result.cpu_cores:.2f} cores busy; at most {result.waiting_most} frames waited for the disk")
    saved = 1 - result.bytes_per_frame / result.raw_bytes_per_frame
    console.print(f"{result.bytes_per_frame / 1e6:.2f} MB per frame, {saved:.0%} less than raw, without loss")
    console.print(
        f"{result.memory_mb:.0f} MB of memory at most, {result.memory_growth_mb:.0f} MB more than at the start"
    )
    console.print(_load(), style="dim")
    if arguments.json:
        write_text(arguments.json, json.dumps(result.as_json(), indent=1))
    return 0


def _calibration(arguments: argparse.Namespace) -> int:
    from rich.table import Table

    from depthstudio.calibration.benchmark import real_sets, solving_time
    from depthstudio.calibration.benchmark import simulated_rig as compare_simulated
    from depthstudio.cameras import open_source
    from depthstudio.cameras.simulated.rig import simulated_rig
    from depthstudio.cameras.source import frames_of
    from depthstudio.storage import write_text

    data = os.environ.get("DEPTHSTUDIO_DATA")
    console = table_console()
    if not data:
        console.print("DEPTHSTUDIO_DATA is not set: only the simulated rig is measured.")
    with console.status("Solving the published sets") as status:
        rows = list(real_sets(Path(data) / "calibration")) if data else []
        with open_source("sim://hybrid?scene=board&realtime=0") as source:
            truth = simulated_rig("hybrid", (640, 480)).calibration
            rows += compare_simulated(frames_of(source), truth, progress=status.update)
        rows.append(solving_time())
    table = Table("set", "what", "to reach", "measured", "", title="calibration")
    before = ""
    for row in rows:
        if before and row.set_name != before:
            table.add_section()
        word = {True: "reached", False: "MISSED", None: ""}[row.reached]
        table.add_row(row.set_name if row.set_name != before else "", row.what, row.limit, row.value, word)
        before = row.set_name
    console.print(table)
    console.print(_load(), style="dim")
    if arguments.json:
        write_text(arguments.json, json.dumps([row.as_json() for row in rows], indent=1))
    return 0


def _load() -> str:
    """How busy the machine was: timings mean little without it."""
    import psutil

    return f"{psutil.cpu_count() or 1} cores; load over the last minute: {psutil.getloadavg()[0]:.1f}."


BENCHMARKS: dict[str, Callable[[argparse.Namespace], int]] = {
    "ablation": ablation,
    "zero-shot": _zero_shot,
    "synthetic": _synthetic,
    "inference": _inference,
    "overfit": overfit,
    "training": training,
    "capture": _capture,
    "calibration": _calibration,
    "detection": detection,
    "live": live,
    "responsive": responsive,
}
