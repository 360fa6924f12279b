"""The loss of pretraining: regression at every stage and classification on the volume."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from depthstudio.models import StereoPrediction
from depthstudio.training.losses import robust

CENTRE_SHARE = 0.8


@dataclass(frozen=True)
class LossWeights:
    """Weights of the parts; the final disparity has weight 1. robust_px: see _regression; 0 = plain smooth L1.

    occluded: of pixels that the right camera does not see, after the first OCCLUDED_FROM of the time.
    """

    steps: float = 0.5
    volume: float = 0.3
    classification: float = 1.0
    spread: float = 0.1
    robust_px: float = 8.0
    occluded: float = 0.5


def pretraining_loss(
    prediction: StereoPrediction, disparity: Tensor, weight: Tensor, parts: LossWeights
) -> tuple[Tensor, dict[str, Tensor]]:
    """Weighted sum and its parts.

    disparity: (N, H, W) px, H and W multiples of 32. weight: (N, H, W), 0 where there is nothing to learn.
    """
    auxiliary = prediction.auxiliary
    found = {"full": _regression(prediction.disparity, disparity, weight, parts.robust_px)}
    total = found["full"]
    stride = prediction.volume_stride // 2
    coarse, coarse_weight = (map_[:, stride // 2 :: stride, stride // 2 :: stride] for map_ in (disparity, weight))
    for name, stage in auxiliary.items():
        if name == "volume" or name.startswith("step_"):
            found[name] = _regression(stage, coarse, coarse_weight, parts.robust_px)
            total = total + (parts.volume if name == "volume" else parts.steps) * found[name]
    if "scores" in auxiliary:
        found["classification"] = classification_loss(auxiliary["scores"], disparity, weight, prediction.volume_stride)
        total = total + parts.classification * found["classification"]
    if "log_spread" in auxiliary:
        error = (prediction.disparity.detach() - disparity).abs()
        spread = auxiliary["log_spread"]
        found["spread"] = _mean(error * (-spread).exp() + spread, weight)
        total = total + parts.spread * found["spread"]
    return total, found


def classification_loss(scores: Tensor, disparity: Tensor, weight: Tensor, stride: int = 8) -> Tensor:
    """Cross-entropy against the disparities of all pixels that a cell of the volume covers.

    The target is their histogram (linear between bins, slightly spread as a Laplace density), so a cell on an edge has
    two modes instead of one between them (adaptive multi-modal cross-entropy, Xu et al. 2024). stride: px per cell.
    """
    batch, bins, height, width = scores.shape
    position = (disparity / stride).clamp(0, bins - 1)
    below = position.floor().clamp(max=bins - 2)
    upper_share = position - below
    rows = torch.arange(disparity.shape[1], device=disparity.device) // stride
    columns = torch.arange(disparity.shape[2], device=disparity.device) // stride
    cell = rows[:, None] * width + columns
    index = below.long() * (height * width) + cell
    histogram = torch.zeros(batch, bins * height * width, device=disparity.device)
    histogram.scatter_add_(1, index.flatten(1), (weight * (1 - upper_share)).flatten(1))
    histogram.scatter_add_(1, (index + height * width).flatten(1), (weight * upper_share).flatten(1))
    histogram = histogram.view(batch, bins, height, width)
    side = (1 - CENTRE_SHARE) / 2
    beyond = F.pad(histogram, (0, 0, 0, 0, 1, 1))
    spread = CENTRE_SHARE * histogram + side * (beyond[:, :-2] + beyond[:, 2:])
    cells = spread.sum(dim=1)
    entropy = -(spread * scores.log_softmax(dim=1)).sum(dim=1)
    return entropy.sum() / cells.sum().clamp(min=1)


def _regression(predicted: Tensor, truth: Tensor, weight: Tensor, robust_px: float) -> Tensor:
    """Smooth L1; beyond about robust_px it grows like a logarithm, for choosing the right peak is not its work."""
    error = F.smooth_l1_loss(predicted.float(), truth, reduction="none")
    return _mean(robust(error, robust_px), weight)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=1)
