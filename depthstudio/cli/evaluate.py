"""``depthstudio evaluate``: measure networks on labelled frames."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from depthstudio.cli.numbers import positive
from depthstudio.cli.tables import table_console

if TYPE_CHECKING:
    from rich.console import Console

    from depthstudio.datasets.samples import SampleSource
    from depthstudio.evaluation.evaluate import Evaluation, Measure
    from depthstudio.evaluation.jobs import Methods
    from depthstudio.inference import Predictor

_WORST_SHOWN = 5


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register this module's verbs."""
    judge = verbs.add_parser(
        "evaluate",
        help="measure networks on labelled frames",
        description="DATA: recordings, the seed's folders, image pairs with depth, or a benchmark as it is downloaded: "
        "Middlebury (2001 to 2021, MiddEval3), ETH3D, KITTI 2012 and 2015, SceneFlow.",
    )
    judge.add_argument("network", metavar="NETWORK", help="name, file or run")
    judge.add_argument("data", nargs="+", metavar="DATA", help="recordings, data sets or benchmark folders")
    judge.add_argument("--also", action="append", default=[], metavar="NETWORK", help="compare with this one too")
    judge.add_argument("--calibration", type=Path, metavar="C.npz", help="instead of the one stored with the data")
    judge.add_argument(
        "--truth",
        choices=("auto", "label", "exact"),
        default="auto",
        help="auto: exact where a simulation knows it",
    )
    judge.add_argument(
        "--mask", choices=("all", "nonoccluded", "occluded"), default="all", help="which pixels are looked at"
    )
    judge.add_argument(
        "--average", choices=("per_image", "per_pixel"), default="per_image", help="every frame or every pixel counts"
    )
    judge.add_argument(
        "--holes-are-bad", action="store_true", help="a pixel without a prediction counts in bad-t and D1"
    )
    judge.add_argument("--limit", type=positive(int), default=0, metavar="N", help="at most N frames, evenly spread")
    judge.add_argument("--no-sgbm", action="store_true", help="leave OpenCV's SGBM out")
    judge.add_argument("--no-camera", action="store_true", help="leave the camera's own depth out")
    judge.add_argument(
        "--max-disparity", type=positive(float), metavar="PX", help="SGBM's range (default: the network's)"
    )
    judge.add_argument("--device", default="auto")
    judge.add_argument("--half-resolution", action="store_true", help="networks compute at half the size")
    judge.add_argument("--json", action="store_true", help="print JSON instead of a table")
    judge.add_argument(
        "--report", type=Path, metavar="DIR", help="write report.html, evaluation.json, frames.csv and methods.csv"
    )
    judge.set_defaults(run=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> int:
    import json

    from depthstudio.datasets.samples import CombinedSamples, open_samples
    from depthstudio.evaluation.evaluate import Measure
    from depthstudio.evaluation.jobs import comparison, evenly, save_comparison
    from depthstudio.geometry import StereoCalibration
    from depthstudio.storage import check_target

    if arguments.report is not None:
        check_target(arguments.report / "evaluation.json")
    predictors = _predictors(arguments)
    calibration = StereoCalibration.load(arguments.calibration) if arguments.calibration else None
    sources = [open_samples(path, calibration) for path in arguments.data]
    samples = evenly(sources[0] if len(sources) == 1 else CombinedSamples(sources), arguments.limit)
    methods = comparison(
        predictors,
        sgbm=not arguments.no_sgbm,
        camera=not arguments.no_camera,
        sgbm_range_px=arguments.max_disparity,
    )
    how = Measure(arguments.truth, arguments.mask, arguments.average, arguments.holes_are_bad)
    console = table_console(stderr=arguments.json)
    evaluations = _judge(methods, samples, how, console)
    if arguments.report is not None:
        page = save_comparison(arguments.report, methods, samples, evaluations)
        console.print(f"Report: {page}", highlight=False)
    if arguments.json:
        print(json.dumps([evaluation.to_json() for evaluation in evaluations], indent=1))
    else:
        _print_evaluations(evaluations, console)
    return 0


def _predictors(arguments: argparse.Namespace) -> dict[str, Predictor]:
    from depthstudio.evaluation.jobs import network_title
    from depthstudio.inference import Predictor
    from depthstudio.models import resolve_network
    from depthstudio.workspace import Workspace

    workspace = Workspace.find(arguments.workspace)
    predictors: dict[str, Predictor] = {}
    for spec in (arguments.network, *arguments.also):
        file = resolve_network(spec, workspace)
        title = network_title(file)
        name = title if title not in predictors else str(file)
        predictors[name] = Predictor(file, device=arguments.device, half_resolution=arguments.half_resolution)
    return predictors


def _judge(methods: Methods, samples: SampleSource, how: Measure, console: Console) -> list[Evaluation]:
    from rich.progress import Progress

    from depthstudio.evaluation.jobs import FrameDone, compare

    evaluations = []
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("", total=1.0)
        for event in compare(methods, samples, how):
            if isinstance(event, FrameDone):
                progress.update(bar, completed=event.share, description=event.method)
            else:
                evaluations.append(event.evaluation)
    return evaluations


def _print_evaluations(evaluations: list[Evaluation], console: Console) -> None:
    from rich.table import Table

    from depthstudio.evaluation.html_report import COLUMNS, number

    first = evaluations[0]
    kinds = sorted({frame.truth for frame in first.frames})
    table = Table(title=f"{first.data}, {len(first.frames)} frames, truth: {', '.join(kinds)}")
    table.add_column("", no_wrap=True)
    for evaluation in evaluations:  # folded when it is narrow: names that differ at their end must not be cut there
        table.add_column(evaluation.method, justify="right", overflow="fold")
    means = [evaluation.mean for evaluation in evaluations]
    for title, key, factor, digits in COLUMNS:
        table.add_row(title, *(number(getattr(mean, key), factor, digits) for mean in means))
    table.add_row("ms per frame", *(number(evaluation.inference_ms, 1, 0) for evaluation in evaluations))
    console.print(table)
    if first.bands:
        by_distance = Table("EPE px", *(band.title for band in first.bands))
        for evaluation in evaluations:
            found = {band.title: band.metrics.epe_px for band in evaluation.bands}
            values = (number(found.get(band.title, float("nan")), 1, 3) for band in first.bands)
            by_distance.add_row(evaluation.method, *values)
        console.print(by_distance)
    worst = first.worst_first[:_WORST_SHOWN]
    listed = ", ".join(f"{frame.name} ({number(frame.metrics.epe_px, 1, 2)} px)" for frame in worst)
    console.print(f"Worst frames of {first.method}: {listed}.", highlight=False)
    console.print(first.measured.conventions, style="dim", highlight=False)
