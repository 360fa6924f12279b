"""Judging networks on labelled frames: numbers per frame, their averages, and the same for SGBM and the camera."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isfinite, nan
from typing import Any, Literal

import numpy as np

from depthstudio.cancel import CancelToken
from depthstudio.datasets.samples import SampleSource, StereoSample
from depthstudio.evaluation.bands import Band, measure_bands, merge_bands
from depthstudio.evaluation.methods import CameraMethod, DisparityMethod, Method, SgbmMethod, predict
from depthstudio.evaluation.metrics import DisparityMetrics, disparity_metrics, mean_metrics, pooled_metrics
from depthstudio.evaluation.truth import MASKS, TRUTHS, Mask, Truth, mask_of, truth_of

__all__ = [
    "CameraMethod",
    "DisparityMethod",
    "Evaluation",
    "FrameResult",
    "Measure",
    "SgbmMethod",
    "Truth",
    "evaluate",
    "evaluate_frames",
    "measure",
    "pooled_metrics",
]

Average = Literal["per_image", "per_pixel"]


@dataclass(frozen=True)
class Measure:
    """How errors are counted. average: what tables show; both are always in the JSON.

    holes_are_bad: a truth pixel without a prediction counts as bad in bad-t and D1, instead of not at all.
    """

    truth: Truth = "auto"
    mask: Mask = "all"
    average: Average = "per_image"
    holes_are_bad: bool = False

    @property
    def conventions(self) -> str:
        """In words, for reports."""
        average = "every frame counts the same" if self.average == "per_image" else "every pixel counts the same"
        holes = "count as bad in bad-t and D1" if self.holes_are_bad else "are left out (see density)"
        return (
            f"Truth: {TRUTHS[self.truth]}. Mask: {MASKS[self.mask]}. In averages {average}. "
            f"Holes {holes}. Errors in px of the left view. bad-t: share of pixels with an error above t px. "
            "D1: above 3 px and 5 %. AbsRel: mean of |Z - true Z| / true Z. RMSE in px. "
            "Density: share of truth pixels with a prediction."
        )


@dataclass(frozen=True)
class FrameResult:
    """One frame. index: in the data. truth: "label" or "exact", what it was compared with.

    truth_px: smallest and largest true disparity looked at; NaN where there is none.
    """

    name: str
    group: str
    truth: str
    metrics: DisparityMetrics
    inference_ms: float
    index: int = -1
    bands: tuple[Band, ...] = ()
    truth_px: tuple[float, float] = (nan, nan)


@dataclass(frozen=True)
class Evaluation:
    """A method on a set of frames. asked: how many frames there were to judge; None when that is not known."""

    method: str
    data: str
    frames: tuple[FrameResult, ...]
    measured: Measure = Measure()
    asked: int | None = None

    @property
    def cut_short(self) -> str:
        """What is missing after a stop, in words; empty when every frame was judged."""
        count = len(self.frames)
        return f"{self.method} was stopped after {count} of {self.asked} frames." if (self.asked or 0) > count else ""

    @property
    def per_image(self) -> DisparityMetrics:
        """Means of the frames' numbers: every frame counts the same."""
        return mean_metrics(frame.metrics for frame in self.frames)

    @property
    def per_pixel(self) -> DisparityMetrics:
        """The numbers over all pixels of all frames together: every pixel counts the same."""
        return pooled_metrics(frame.metrics for frame in self.frames)

    @property
    def mean(self) -> DisparityMetrics:
        """The average that was asked for."""
        return self.per_pixel if self.measured.average == "per_pixel" else self.per_image

    @property
    def bands(self) -> tuple[Band, ...]:
        """By distance, near to far, averaged as asked for."""
        return merge_bands((frame.bands for frame in self.frames), per_pixel=self.measured.average == "per_pixel")

    @property
    def truth_px(self) -> tuple[float, float]:
        """Smallest and largest true disparity; NaN without any."""
        known = [frame.truth_px for frame in self.frames if isfinite(frame.truth_px[0])]
        return (min(low for low, _ in known), max(high for _, high in known)) if known else (nan, nan)

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
            "conventions": self.measured.conventions,
            "measured": asdict(self.measured),
            "frames_asked": self.asked,
            "truth_px": [_number(value) for value in self.truth_px],
            "per_image": _plain(self.per_image),
            "per_pixel": _plain(self.per_pixel),
            "bands": [
                {
                    "band": band.title,
                    "low": band.low,
                    "high": _number(band.high),
                    "unit": band.unit,
                    "depth_error_m": _number(band.depth_error_m),
                    **_plain(band.metrics),
                }
                for band in self.bands
            ],
            "inference_ms": _number(self.inference_ms),
            "frames": [
                {
                    "name": frame.name,
                    "group": frame.group,
                    "truth": frame.truth,
                    "inference_ms": frame.inference_ms,
                    **_plain(frame.metrics),
                }
                for frame in self.worst_first
            ],
        }


def evaluate(
    method: Method, samples: SampleSource, truth: Truth = "auto", cancel: CancelToken | None = None
) -> Evaluation:
    """All frames of `samples`; fewer when cancelled."""
    frames = tuple(evaluate_frames(method, samples, truth, cancel))
    return Evaluation(method.name, samples.title, frames, Measure(truth), len(samples))


def evaluate_frames(
    method: Method,
    samples: SampleSource,
    truth: Truth = "auto",
    cancel: CancelToken | None = None,
    how: Measure | None = None,
) -> Iterator[FrameResult]:
    """The same frame by frame, for progress bars. how: all that can be chosen; its truth takes the place of `truth`.

    A frame without the exact disparity asked for yields no pixels.
    """
    chosen = how or Measure(truth)
    for index in range(len(samples)):
        if cancel is not None and cancel.is_cancelled:
            return
        yield measure(method, samples[index], chosen, index)


def measure(method: Method, sample: StereoSample, how: Measure, index: int = -1) -> FrameResult:
    """Judge one frame."""
    kind, truth = truth_of(sample, how.truth)
    mask = mask_of(sample, truth, how.mask)
    prediction = predict(method, sample)
    shift_px = sample.geometry.disparity_shift_px if sample.geometry is not None else 0.0
    metrics = disparity_metrics(
        prediction.disparity_px, truth, mask, holes_are_bad=how.holes_are_bad, shift_px=shift_px
    )
    bands = measure_bands(prediction.disparity_px, truth, sample.geometry, mask, holes_are_bad=how.holes_are_bad)
    looked_at = truth if mask is None else truth[mask]
    known = looked_at[np.isfinite(looked_at) & (looked_at > 0)]
    truth_px = (float(known.min()), float(known.max())) if known.size else (nan, nan)
    return FrameResult(sample.name, sample.group, kind, metrics, prediction.inference_ms, index, bands, truth_px)


def _plain(metrics: DisparityMetrics) -> dict[str, Any]:
    return {key: _number(value) for key, value in asdict(metrics).items()}


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
