"""How far a disparity map is from the truth.

Conventions, the same everywhere in the program: an error is |predicted - true| in px of the left view, averaged over
the pixels of one image; averages over several images are means of the images' numbers (per-image averaging).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

D1_PX = 3.0
D1_SHARE = 0.05


@dataclass(frozen=True)
class DisparityMetrics:
    """Errors of one image, or means over images. NaN where nothing could be measured.

    epe_px, rmse_px: mean absolute and root mean square error over pixels that have both a truth and a prediction.
    bad_1, bad_2, bad_3: share (0..1) of pixels with an error above 1, 2, 3 px. d1: share with an error above 3 px and
    above 5 % of the truth (KITTI). density: share of truth pixels that have a prediction. pixels: how many pixels the
    shares are counted over.
    """

    epe_px: float
    bad_1: float
    bad_2: float
    bad_3: float
    d1: float
    rmse_px: float
    density: float
    pixels: int


def disparity_metrics(
    predicted: NDArray[np.float32],
    truth: NDArray[np.float32],
    mask: NDArray[np.bool_] | None = None,
    *,
    holes_are_bad: bool = False,
) -> DisparityMetrics:
    """Compare a disparity map with the truth.

    predicted: (H, W) px; NaN, infinite or negative means a hole, 0 is an answer.
    truth: (H, W) px; NaN, infinite or <= 0 means unknown.
    mask: (H, W), further restricts the pixels looked at. holes_are_bad: count a hole as bad in bad-t and D1; off, the
    shares are over predicted pixels only. Raises ValueError when the sizes differ.
    """
    if predicted.shape != truth.shape or (mask is not None and mask.shape != truth.shape):
        raise ValueError(f"sizes differ: predicted {predicted.shape}, truth {truth.shape}")
    known = np.isfinite(truth) & (truth > 0)
    if mask is not None:
        known &= mask.astype(bool)
    with np.errstate(invalid="ignore"):
        answered = np.isfinite(predicted) & (predicted >= 0) & known
    total, valid = int(known.sum()), int(answered.sum())
    error = np.abs(predicted[answered].astype(np.float64) - truth[answered])
    holes = total - valid if holes_are_bad else 0
    counted = valid + holes
    nothing = float("nan")

    def share(bad: NDArray[np.bool_]) -> float:
        return (float(bad.sum()) + holes) / counted if counted else nothing

    return DisparityMetrics(
        epe_px=float(error.mean()) if valid else nothing,
        bad_1=share(error > 1),
        bad_2=share(error > 2),
        bad_3=share(error > 3),
        d1=share((error > D1_PX) & (error > D1_SHARE * truth[answered])),
        rmse_px=float(np.sqrt(np.square(error).mean())) if valid else nothing,
        density=valid / total if total else nothing,
        pixels=counted,
    )


def mean_metrics(images: Iterable[DisparityMetrics]) -> DisparityMetrics:
    """Per-image average: every image counts the same; images where a number is NaN are left out of that number."""
    listed = list(images)
    means = {}
    for field in fields(DisparityMetrics):
        values = np.array([getattr(image, field.name) for image in listed], np.float64)
        values = values[np.isfinite(values)]
        means[field.name] = float(values.mean()) if values.size else float("nan")
    means["pixels"] = sum(image.pixels for image in listed)
    return DisparityMetrics(**means)  # type: ignore[arg-type]
