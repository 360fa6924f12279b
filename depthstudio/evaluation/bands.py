"""Errors by distance: near and far fail for different reasons, and one mean hides both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, nan

import numpy as np
from numpy.typing import NDArray

from depthstudio.evaluation.metrics import DisparityMetrics, disparity_metrics, mean_metrics, pooled_metrics
from depthstudio.frames import FloatMap
from depthstudio.geometry import RectifiedGeometry
from depthstudio.geometry.disparity import disparity_to_depth

DEPTH_EDGES_M = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
DISPARITY_EDGES_PX = (0.0, 8.0, 16.0, 32.0, 64.0, 128.0)


@dataclass(frozen=True)
class Band:
    """Pixels whose truth lies in low .. high; unit: "m" of true depth, or "px" of true disparity.

    depth_error_m: mean |Z - Z_true|; NaN without a geometry or without pixels.
    """

    low: float
    high: float
    unit: str
    metrics: DisparityMetrics
    depth_error_m: float

    @property
    def title(self) -> str:
        """For tables, e.g. "0.5-1 m" or "over 8 m"."""
        return f"over {self.low:g} {self.unit}" if self.high == inf else f"{self.low:g}-{self.high:g} {self.unit}"


def measure_bands(
    predicted: FloatMap,
    truth: FloatMap,
    geometry: RectifiedGeometry | None,
    mask: NDArray[np.bool_] | None = None,
    *,
    holes_are_bad: bool = False,
) -> tuple[Band, ...]:
    """The errors of one frame, see disparity_metrics, in bands of metres, or of px when the geometry is unknown."""
    if geometry is None:
        place, edges, unit, errors_m = truth, DISPARITY_EDGES_PX, "px", None
    else:
        place, edges, unit = disparity_to_depth(truth, geometry), DEPTH_EDGES_M, "m"
        errors_m = np.abs(disparity_to_depth(predicted, geometry) - place)
    shift_px = geometry.disparity_shift_px if geometry is not None else 0.0
    bands = []
    for low, high in zip(edges, (*edges[1:], inf), strict=True):
        with np.errstate(invalid="ignore"):
            inside = (place >= low) & (place < high)
        if mask is not None:
            inside &= mask
        metrics = disparity_metrics(predicted, truth, inside, holes_are_bad=holes_are_bad, shift_px=shift_px)
        # Negative predictions are holes, though a shifted geometry may give them a depth.
        known = errors_m[inside & np.isfinite(errors_m) & (predicted >= 0)] if errors_m is not None else np.empty(0)
        bands.append(Band(low, high, unit, metrics, float(known.mean()) if known.size else nan))
    return tuple(bands)


def merge_bands(frames: Iterable[Sequence[Band]], *, per_pixel: bool) -> tuple[Band, ...]:
    """One row per band over many frames, the empty ones left out; metres and px stay apart."""
    collected: dict[tuple[str, float, float], list[Band]] = {}
    for bands in frames:
        for band in bands:
            if band.metrics.pixels:
                collected.setdefault((band.unit, band.low, band.high), []).append(band)
    merge = pooled_metrics if per_pixel else mean_metrics
    merged = []
    for (unit, low, high), bands in sorted(collected.items()):
        known = [band for band in bands if np.isfinite(band.depth_error_m)]
        weights = [band.metrics.answered if per_pixel else 1 for band in known]
        error_m = float(np.average([band.depth_error_m for band in known], weights=weights)) if known else nan
        merged.append(Band(low, high, unit, merge([band.metrics for band in bands]), error_m))
    return tuple(merged)
