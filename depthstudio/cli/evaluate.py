"""``depthstudio evaluate``: measure networks on labelled frames."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from depthstudio.cli.numbers import positive

if TYPE_CHECKING:
    from rich.console import Console

    from depthstudio.datasets.samples import SampleSource
    from depthstudio.evaluation.evaluate import DisparityMethod, Evaluation, Truth

_SGBM_RANGE = 192


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register this module's verbs."""
    judge = verbs.add_parser("evaluate", help="measure networks on labelled frames")
    judge.add_argument("network", metavar="NETWORK", help="name, file or run")
    judge.add_argument("data", nargs="+", metavar="DATA", help="recordings or data set folders")
    judge.add_argument("--also", action="append", default=[], metavar="NETWORK", help="compare with this one too")
    judge.add_argument("--calibration", type=Path, metavar="C.npz", help="instead of the one stored with the data")
    judge.add_argument(
        "--truth",
        choices=("auto", "label", "exact"),
        default="auto",
        help="auto: exact where a simulation knows it",
    )
    judge.add_argument("--limit", type=positive(int), default=0, metavar="N", help="at most N frames, evenly spread")
    judge.add_argument("--no-sgbm", action="store_true", help="leave OpenCV's SGBM out")
    judge.add_argument(
        "--max-disparity", type=positive(float), metavar="PX", help="SGBM's range (default: the network's)"
    )
    judge.add_argument("--device", default="auto")
    judge.add_argument("--json", action="store_true", help="print JSON instead of a table")
    judge.add_argument("--report", type=Path, metavar="DIR", help="write evaluation.json and frames.csv there")
    judge.set_defaults(run=_evaluate)


def _evaluate(arguments: argparse.Namespace) -> int:
    import json

    from rich.console import Console

    from depthstudio.datasets.samples import CombinedSamples, open_samples
    from depthstudio.evaluation.evaluate import SgbmMethod
    from depthstudio.evaluation.report import write_report
    from depthstudio.geometry import StereoCalibration
    from depthstudio.inference import Predictor
    from depthstudio.models import resolve_network
    from depthstudio.storage import check_target
    from depthstudio.workspace import Workspace

    if arguments.report is not None:
        check_target(arguments.report / "evaluation.json")
    workspace = Workspace.find(arguments.workspace)
    predictors = [
        Predictor(resolve_network(spec, workspace), device=arguments.device)
        for spec in (arguments.network, *arguments.also)
    ]
    methods: list[tuple[str, DisparityMethod]] = [
        (Path(spec).name, predictor)
        for spec, predictor in zip((arguments.network, *arguments.also), predictors, strict=True)
    ]
    calibration = StereoCalibration.load(arguments.calibration) if arguments.calibration else None
    sources = [open_samples(path, calibration) for path in arguments.data]
    samples = _evenly(sources[0] if len(sources) == 1 else CombinedSamples(sources), arguments.limit)
    if not arguments.no_sgbm:
        reach = arguments.max_disparity or max(predictor.max_disparity or _SGBM_RANGE for predictor in predictors)
        methods += [(method.name, method) for method in (SgbmMethod(reach), SgbmMethod(reach, fill_holes=True))]
    console = Console(stderr=arguments.json)
    evaluations = [_judge(label, method, samples, arguments.truth, console) for label, method in methods]
    if arguments.report is not None:
        write_report(arguments.report, evaluations)
    if arguments.json:
        print(json.dumps([evaluation.to_json() for evaluation in evaluations], indent=1))
    else:
        _print_evaluations(evaluations, console)
    return 0


def _evenly(samples: SampleSource, limit: int) -> SampleSource:
    from depthstudio.datasets.samples import SampleSubset

    if limit <= 0 or limit >= len(samples):
        return samples
    chosen = [round(i * (len(samples) - 1) / max(limit - 1, 1)) for i in range(limit)]
    return SampleSubset(samples, chosen, f"{limit} of {samples.title}")


def _judge(label: str, method: DisparityMethod, samples: SampleSource, truth: Truth, console: Console) -> Evaluation:
    from rich.progress import track

    from depthstudio.errors import DatasetError
    from depthstudio.evaluation.evaluate import Evaluation, evaluate_frames

    frames = evaluate_frames(method, samples, truth)
    shown = track(frames, label, total=len(samples), console=console, transient=True)
    evaluation = Evaluation(label, samples.title, tuple(shown))
    if not evaluation.per_pixel.pixels:
        raise DatasetError(
            f"Nothing could be measured on {samples.title}.",
            "No pixel has both a prediction and a truth of the kind asked for.",
            "Choose --truth auto, or other data.",
        )
    return evaluation


def _print_evaluations(evaluations: list[Evaluation], console: Console) -> None:
    from rich.table import Table

    from depthstudio.evaluation.evaluate import CONVENTIONS

    kinds = sorted({frame.truth for frame in evaluations[0].frames})
    table = Table("", "EPE", "EPE per pixel", "bad-1", "bad-2", "bad-3", "D1", "density", "ms")
    table.title = f"{evaluations[0].data}, {len(evaluations[0].frames)} frames, truth: {', '.join(kinds)}"
    for evaluation in evaluations:
        mean = evaluation.per_image
        shares = (mean.bad_1, mean.bad_2, mean.bad_3, mean.d1, mean.density)
        table.add_row(
            evaluation.method,
            f"{mean.epe_px:.3f}",
            f"{evaluation.per_pixel.epe_px:.3f}",
            *(f"{100 * share:.1f}" for share in shares),
            f"{evaluation.inference_ms:.0f}",
        )
    console.print(table)
    console.print(
        f"EPE in px, shares in %, averages per_image unless they say otherwise. {CONVENTIONS}",
        style="dim",
        highlight=False,
    )
