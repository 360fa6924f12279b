"""A whole comparison: several methods on the same frames, with progress, and its report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from depthstudio.cancel import CancelToken
from depthstudio.datasets import split
from depthstudio.datasets.samples import SampleSource, SampleSubset
from depthstudio.errors import DatasetError
from depthstudio.evaluation.error_map import frame_pictures
from depthstudio.evaluation.evaluate import CameraMethod, Evaluation, FrameResult, Measure, SgbmMethod, evaluate_frames
from depthstudio.evaluation.html_report import ReportPictures
from depthstudio.evaluation.methods import Method
from depthstudio.evaluation.report import write_report
from depthstudio.inference import Predictor
from depthstudio.workspace import label_of_folder

_SGBM_RANGE_PX = 192
PICTURES_PER_METHOD = 4

# What a table shows -> what answers.
Methods = dict[str, Method]


@dataclass(frozen=True)
class FrameDone:
    """One frame of one method was judged; share of the whole comparison that is done, 0..1."""

    method: str
    frame: FrameResult
    share: float


@dataclass(frozen=True)
class MethodDone:
    """A method has judged all frames."""

    evaluation: Evaluation


def comparison(
    predictors: dict[str, Predictor], *, sgbm: bool, camera: bool, sgbm_range_px: float | None = None
) -> Methods:
    """Networks by name, and what they are compared with. sgbm_range_px: None searches as far as the networks do."""
    methods: Methods = dict(predictors)
    if sgbm:
        searched = [predictor.max_disparity or _SGBM_RANGE_PX for predictor in predictors.values()]
        reach = sgbm_range_px or max(searched, default=_SGBM_RANGE_PX)
        for method in (SgbmMethod(reach), SgbmMethod(reach, fill_holes=True)):
            methods[method.name] = method
    if camera:
        methods[CameraMethod.name] = CameraMethod()
    return methods


def compare(
    methods: Methods, samples: SampleSource, how: Measure, cancel: CancelToken | None = None
) -> Iterator[FrameDone | MethodDone]:
    """Judge method by method. When cancelled, the method in progress is given with the frames it has.

    The camera's own depth is left out where it is itself the truth. DatasetError when a method measured nothing.
    """
    total = len(samples) * len(methods)
    for number, (name, method) in enumerate(methods.items()):
        frames: list[FrameResult] = []
        for frame in evaluate_frames(method, samples, cancel=cancel, how=how):
            frames.append(frame)
            yield FrameDone(name, frame, (number * len(samples) + len(frames)) / max(total, 1))
        stopped = cancel is not None and cancel.is_cancelled
        if any(frame.metrics.pixels for frame in frames):
            yield MethodDone(Evaluation(name, samples.title, tuple(frames), how, len(samples)))
        elif not stopped and not isinstance(method, CameraMethod):
            raise DatasetError(
                f"Nothing could be measured on {samples.title}.",
                "No pixel has both a prediction and a truth of the kind asked for.",
                "Choose truth 'auto', mask 'all', or other data.",
            )
        if stopped:
            return


def evenly(samples: SampleSource, limit: int) -> SampleSource:
    """At most `limit` samples, spread over all; 0 for all of them."""
    if limit <= 0 or limit >= len(samples):
        return samples
    return SampleSubset(samples, split.evenly(len(samples), limit), f"{limit} of {samples.title}")


def report_pictures(
    methods: Methods,
    samples: SampleSource,
    evaluations: Sequence[Evaluation],
    progress: Callable[[float], object] = lambda _: None,
    cancel: CancelToken | None = None,
) -> list[ReportPictures]:
    """The worst frames of the first method, as every method sees them."""
    if not evaluations:
        return []
    first = evaluations[0]
    worst = [frame for frame in first.worst_first if frame.metrics.pixels][:PICTURES_PER_METHOD]
    shown: list[ReportPictures] = []
    for number, frame in enumerate(worst):
        for evaluation in evaluations:
            if cancel is not None and cancel.is_cancelled:
                return shown
            result = next((one for one in evaluation.frames if one.index == frame.index), None)
            if result is None or not result.metrics.pixels:
                continue
            pictures = frame_pictures(methods[evaluation.method], samples, frame.index, first.measured)
            shown.append(ReportPictures(evaluation.method, frame.name, result.metrics.epe_px, pictures))
        progress((number + 1) / len(worst))
    return shown


def save_comparison(
    folder: Path,
    methods: Methods,
    samples: SampleSource,
    evaluations: Sequence[Evaluation],
    *,
    progress: Callable[[float], object] = lambda _: None,
    cancel: CancelToken | None = None,
) -> Path:
    """Write the report with pictures, see write_report; returns the page's path."""
    write_report(folder, evaluations, report_pictures(methods, samples, evaluations, progress, cancel))
    return folder / "report.html"


def network_title(path: Path) -> str:
    """What a network's file is called in tables: a run by its folder's label."""
    return label_of_folder(path.parent.name) if path.stem == "best" else path.stem
