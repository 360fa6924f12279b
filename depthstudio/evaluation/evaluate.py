"""Judging networks on labelled frames: numbers per frame, their averages, and the same for SGBM."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import isfinite, nan, sqrt
from typing import Any, Literal, Protocol

import numpy as np

from depthstudio.cancel import CancelToken
from depthstudio.datasets.samples import SampleSource, StereoSample
from depthstudio.evaluation.metrics import DisparityMetrics, disparity_metrics, mean_metrics
from depthstudio.evaluation.sgbm import sgbm_disparity
from depthstudio.frames import FloatMap, Image
from depthstudio.inference import Prediction

Truth = Literal["auto", "label", "exact"]
CONVENTIONS = (
    "Errors in px of the left view, over pixels that have both a truth and a prediction. per_image: every frame counts "
    "the same. per_pixel: every pixel counts the same. bad_t: share of pixels with an error above t px. "
    "d1: above 3 px and 5 %. density: share of truth pixels with a prediction."
)


class DisparityMethod(Protocol):
    """A Predictor, or anything that answers like one."""

    @property
    def name(self) -> str:
        """For tables."""
        ...

    def predict(self, left: Image, right: Image) -> Prediction:
        """Disparity of a rectified pair."""
        ...


class SgbmMethod:
    """OpenCV's SGBM as a method. max_disparity: px searched. fill_holes: a value for every pixel."""

    def __init__(self, max_disparity: float, *, fill_holes: bool = False) -> None:
        self.max_disparity = max_disparity
        self.fill_holes = fill_holes

    @property
    def name(self) -> str:
        """SGBM, and whether its holes are filled."""
        return "SGBM, holes filled" if self.fill_holes else "SGBM"

    def predict(self, left: Image, right: Image) -> Prediction:
        """See DisparityMethod.predict; NaN in holes."""
        started = time.perf_counter()
        disparity_px = sgbm_disparity(left, right, self.max_disparity, self.fill_holes)
        return Prediction(disparity_px, None, left, (time.perf_counter() - started) * 1000.0)


@dataclass(frozen=True)
class FrameResult:
    """One frame. truth: "label" or "exact", what it was compared with."""

    name: str
    group: str
    truth: str
    metrics: DisparityMetrics
    inference_ms: float


@dataclass(frozen=True)
class Evaluation:
    """A method on a set of frames."""

    method: str
    data: str
    frames: tuple[FrameResult, ...]

    @property
    def per_image(self) -> DisparityMetrics:
        """Means of the frames' numbers: every frame counts the same."""
        return mean_metrics(frame.metrics for frame in self.frames)

    @property
    def per_pixel(self) -> DisparityMetrics:
        """The numbers over all pixels of all frames together: every pixel counts the same."""
        return pooled_metrics([frame.metrics for frame in self.frames])

    @property
    def inference_ms(self) -> float:
        """Median time per frame; nan without frames."""
        return float(np.median([frame.inference_ms for frame in self.frames])) if self.frames else nan

    @property
    def worst_first(self) -> list[FrameResult]:
        """Frames by falling EPE; those without any pixel last."""
        return sorted(self.frames, key=lambda frame: -frame.metrics.epe_px if isfinite(frame.metrics.epe_px) else 1.0)

    def to_json(self) -> dict[str, Any]:
        """JSON-able; null where nothing could be measured."""
        return {
            "method": self.method,
            "data": self.data,
            "conventions": CONVENTIONS,
            "per_image": _plain(self.per_image),
            "per_pixel": _plain(self.per_pixel),
            "inference_ms": self.inference_ms if isfinite(self.inference_ms) else None,
            "frames": [
                {
                    "name": frame.name,
                    "group": frame.group,
                    "truth": frame.truth,
                    "inference_ms": frame.inference_ms,
                    **_plain(frame.metrics),
                }
                for frame in self.frames
            ],
        }


def evaluate(
    method: DisparityMethod, samples: SampleSource, truth: Truth = "auto", cancel: CancelToken | None = None
) -> Evaluation:
    """All frames of `samples`; fewer when cancelled."""
    return Evaluation(method.name, samples.title, tuple(evaluate_frames(method, samples, truth, cancel)))


def evaluate_frames(
    method: DisparityMethod, samples: SampleSource, truth: Truth = "auto", cancel: CancelToken | None = None
) -> Iterator[FrameResult]:
    """The same frame by frame, for progress bars.

    truth: "label" = valid pixels of the label, the mask of training; "exact" = a simulated frame's exact disparity, all
    pixels; "auto" = exact where a frame has it. A frame without the exact disparity asked for yields no pixels.
    """
    for index in range(len(samples)):
        if cancel is not None and cancel.is_cancelled:
            return
        sample = samples[index]
        kind, disparity_px = _truth_of(sample, truth)
        prediction = method.predict(sample.left, sample.right)
        metrics = disparity_metrics(prediction.disparity_px, disparity_px)
        yield FrameResult(sample.name, sample.group, kind, metrics, prediction.inference_ms)


def pooled_metrics(images: Sequence[DisparityMetrics]) -> DisparityMetrics:
    """Metrics over the pixels of all images together, from those of each."""
    known = [image for image in images if image.pixels]
    pixels = sum(image.pixels for image in known)
    if not pixels:
        return DisparityMetrics(nan, nan, nan, nan, nan, nan, 0.0 if images else nan, 0)

    def mean(name: str) -> float:
        return sum(getattr(image, name) * image.pixels for image in known) / pixels

    asked = sum(image.pixels / image.density for image in known)
    return DisparityMetrics(
        epe_px=mean("epe_px"),
        bad_1=mean("bad_1"),
        bad_2=mean("bad_2"),
        bad_3=mean("bad_3"),
        d1=mean("d1"),
        rmse_px=sqrt(sum(image.rmse_px**2 * image.pixels for image in known) / pixels),
        density=pixels / asked,
        pixels=pixels,
    )


def _truth_of(sample: StereoSample, wish: Truth) -> tuple[str, FloatMap]:
    if wish == "exact" or (wish == "auto" and sample.exact_disparity_px is not None):
        exact = sample.exact_disparity_px
        return "exact", np.full(sample.valid.shape, np.nan, np.float32) if exact is None else exact
    return "label", np.where(sample.valid, sample.disparity_px, np.nan).astype(np.float32)


def _plain(metrics: DisparityMetrics) -> dict[str, Any]:
    return {key: value if isfinite(value) else None for key, value in asdict(metrics).items()}
