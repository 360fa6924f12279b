"""How far a disparity map is from the truth.

Conventions, the same everywhere in the program: an error is |predicted - true| in px of the left view, averaged over
the pixels of one image. Several images are averaged per image (mean_metrics: every image counts the same) or per pixel
(pooled_metrics: every pixel counts the same).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from math import nan, sqrt

import numpy as np
from numpy.typing import NDArray

D1_PX = 3.0
D1_SHARE = 0.05
SMALLEST_PX = 0.1
_COUNTS = ("pixels", "answered", "asked")
_OVER_SHARES = ("bad_05", "bad_1", "bad_2", "bad_3", "d1")  # shares of `pixels`; the others are means over `answered`


@dataclass(frozen=True)
class DisparityMetrics:
    """Errors of one image, or means over images. NaN where nothing could be measured.

    epe_px, rmse_px: mean absolute and root mean square error over pixels that have both a truth and a prediction.
    bad_05, bad_1, bad_2, bad_3: share (0..1) of pixels with an error above 0.5, 1, 2, 3 px. d1: share with an error
    above 3 px and above 5 % of the truth (KITTI). abs_rel: mean of |Z - Z_true| / Z_true over the same pixels as
    epe_px, Z being depth. density: share of truth pixels that have a prediction. pixels: how many pixels the shares are
    counted over. answered: how many the means are taken over. asked: how many have a truth.
    """

    epe_px: float
    bad_1: float
    bad_2: float
    bad_3: float
    d1: float
    rmse_px: float
    density: float
    pixels: int
    bad_05: float = nan
    abs_rel: float = nan
    answered: int = 0
    asked: int = 0


def disparity_metrics(
    predicted: NDArray[np.float32],
    truth: NDArray[np.float32],
    mask: NDArray[np.bool_] | None = None,
    *,
    holes_are_bad: bool = False,
    shift_px: float = 0.0,
) -> DisparityMetrics:
    """Compare a disparity map with the truth.

    predicted: (H, W) px; NaN, infinite or negative means a hole, 0 is an answer.
    truth: (H, W) px; NaN, infinite or <= 0 means unknown.
    mask: (H, W), further restricts the pixels looked at. holes_are_bad: count a hole as bad in bad-t and D1; off, the
    shares are over predicted pixels only. shift_px: RectifiedGeometry.disparity_shift_px, for abs_rel alone; f * B
    cancels in it. Raises ValueError when the sizes differ.
    """
    if predicted.shape != truth.shape or (mask is not None and mask.shape != truth.shape):
        raise ValueError(f"sizes differ: predicted {predicted.shape}, truth {truth.shape}")
    known = np.isfinite(truth) & (truth > 0)
    if mask is not None:
        known &= mask.astype(bool)
    with np.errstate(invalid="ignore"):
        answered = np.isfinite(predicted) & (predicted >= 0) & known
    total, valid = int(known.sum()), int(answered.sum())
    given, true = predicted[answered].astype(np.float64), truth[answered].astype(np.float64)
    error = np.abs(given - true)
    holes = total - valid if holes_are_bad else 0
    counted = valid + holes

    def share(bad: NDArray[np.bool_]) -> float:
        return (float(bad.sum()) + holes) / counted if counted else nan

    return DisparityMetrics(
        epe_px=float(error.mean()) if valid else nan,
        bad_1=share(error > 1),
        bad_2=share(error > 2),
        bad_3=share(error > 3),
        d1=share((error > D1_PX) & (error > D1_SHARE * true)),
        rmse_px=float(np.sqrt(np.square(error).mean())) if valid else nan,
        density=valid / total if total else nan,
        pixels=counted,
        bad_05=share(error > 0.5),
        abs_rel=_relative_depth_error(given + shift_px, true + shift_px) if valid else nan,
        answered=valid,
        asked=total,
    )


def _relative_depth_error(given: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """Mean of |Z - Z_true| / Z_true = |d_true / d - 1|; a disparity below SMALLEST_PX counts as SMALLEST_PX."""
    return float(np.abs(true / np.maximum(given, SMALLEST_PX) - 1).mean())


def mean_metrics(images: Iterable[DisparityMetrics]) -> DisparityMetrics:
    """Per-image average: every image counts the same; images where a number is NaN are left out of that number."""
    listed = list(images)
    means = {}
    for field in fields(DisparityMetrics):
        values = np.array([getattr(image, field.name) for image in listed], np.float64)
        values = values[np.isfinite(values)]
        means[field.name] = float(values.mean()) if values.size else float("nan")
    for count in _COUNTS:
        means[count] = sum(getattr(image, count) for image in listed)
    return DisparityMetrics(**means)  # type: ignore[arg-type]


def pooled_metrics(images: Iterable[DisparityMetrics]) -> DisparityMetrics:
    """Per-pixel average: the metrics over the pixels of all images together, from those of each."""
    listed = list(images)
    pixels, answered, asked = (sum(getattr(image, name) for image in listed) for name in _COUNTS)

    def mean(name: str, count: str) -> float:
        known = [image for image in listed if getattr(image, count)]
        total = sum(getattr(image, count) for image in known)
        return sum(getattr(image, name) * getattr(image, count) for image in known) / total if total else nan

    squares = sum(image.rmse_px**2 * image.answered for image in listed if image.answered)
    return DisparityMetrics(
        epe_px=mean("epe_px", "answered"),
        rmse_px=sqrt(squares / answered) if answered else nan,
        abs_rel=mean("abs_rel", "answered"),
        density=answered / asked if asked else nan,
        pixels=pixels,
        answered=answered,
        asked=asked,
        **{name: mean(name, "pixels") for name in _OVER_SHARES},
    )
