"""Loss and end-point error over valid pixels: one mask for both, sums instead of means of means."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import torch
import torch.nn.functional as F
from torch import Tensor

from depthstudio.models.base import StereoPrediction
from depthstudio.training.processes import Processes


def usable_pixels(disparity: Tensor, valid: Tensor, max_disparity: float) -> Tensor:
    """The one mask of loss and error: valid labels and, when max_disparity > 0, within the network's reach.

    disparity: (N, H, W) px. valid: (N, H, W) bool. Returns (N, H, W) bool.
    """
    return valid & (disparity <= max_disparity) if max_disparity > 0 else valid


@dataclass(frozen=True)
class BatchLoss:
    """total: smooth L1 summed over usable pixels, with gradient. error_px: summed |difference|. pixels: how many."""

    total: Tensor
    error_px: float
    pixels: int

    @property
    def mean(self) -> Tensor:
        """Loss per usable pixel, what the step minimises. There must be a usable pixel."""
        return self.total / self.pixels


def batch_loss(prediction: Tensor, disparity: Tensor, mask: Tensor) -> BatchLoss:
    """Smooth L1 (quadratic below 1 px) and absolute error of predicted (N, H, W) px where mask is set."""
    predicted, wanted = prediction.float()[mask], disparity[mask]
    total = F.smooth_l1_loss(predicted, wanted, reduction="sum")
    error_px = (predicted.detach() - wanted).abs().sum(dtype=torch.float64)
    return BatchLoss(total, float(error_px), predicted.numel())


@dataclass(frozen=True)
class LossShape:
    """What an error costs the step. auxiliary: weight of the intermediate disparities beside the final one.

    robust_px: errors beyond about this many px cost like a logarithm, for choosing another match is not the work of
    this loss; 0 = plain smooth L1.
    """

    auxiliary: float = 0.0
    robust_px: float = 0.0

    def cost(self, predicted: Tensor, wanted: Tensor, weight: Tensor | None) -> Tensor:
        """Weighted mean cost of predicted against wanted disparities, all 1-D and in px."""
        error = F.smooth_l1_loss(predicted, wanted, reduction="none")
        return _mean(robust(error, self.robust_px), weight)

    def of(self, prediction: StereoPrediction, disparity: Tensor, mask: Tensor, weight: Tensor | None) -> Tensor:
        """The cost of the disparity (N, H, W) px where mask is set, and of what was predicted besides it.

        weight: (N, H, W), how far to trust each label, 0..1; None = all alike. Intermediate disparities ("volume",
        "step_0" ..., smaller, in px of the images) are compared after bilinear enlargement.
        "log_spread" s is the logarithm of the scale of a Laplace distribution, trained by its negative log likelihood
        |error| exp(-s) + s with the error held fixed, so that only the confidence learns from it.
        """
        height, width = disparity.shape[-2:]
        wanted, trust = disparity[mask], None if weight is None else weight[mask]
        cost = self.cost(prediction.disparity.float()[mask], wanted, trust)
        for name, value in prediction.auxiliary.items() if self.auxiliary else ():
            if name == "log_spread":
                spread = value.float()[:, :height, :width][mask]
                error_px = (prediction.disparity.detach().float()[mask] - wanted).abs()
                cost = cost + self.auxiliary * _mean(error_px * (-spread).exp() + spread, trust)
            elif name == "volume" or name.startswith("step_"):
                full = _enlarged(value, prediction.volume_stride // 2, height, width)
                cost = cost + self.auxiliary * self.cost(full[mask], wanted, trust)
        return cost


def robust(error: Tensor, robust_px: float) -> Tensor:
    """An error that grows like a logarithm beyond about robust_px; 0 = as it is."""
    return robust_px * torch.log1p(error / robust_px) if robust_px else error


def _mean(values: Tensor, weight: Tensor | None) -> Tensor:
    return values.mean() if weight is None else (values * weight).sum() / weight.sum().clamp(min=1e-6)


def _enlarged(coarse: Tensor, stride: int, height: int, width: int) -> Tensor:
    """A map (N, h, w) of cells of stride px, at full size and cut to the image."""
    full = F.interpolate(coarse.float().unsqueeze(1), scale_factor=stride, mode="bilinear", align_corners=False)
    return full[:, 0, :height, :width]


@dataclass
class PixelSums:
    """Running sums over an epoch; the means weigh every valid pixel the same, however the batches fell."""

    loss: float = 0.0
    error_px: float = 0.0
    pixels: int = 0
    labelled: int = 0

    def add(self, batch: BatchLoss, labelled: int) -> None:
        """Add one batch. labelled: pixels with a label, those out of the network's reach too."""
        self.loss += float(batch.total.detach())
        self.error_px += batch.error_px
        self.pixels += batch.pixels
        self.labelled += labelled

    def over(self, processes: Processes) -> PixelSums:
        """The sums of all processes together."""
        loss, error_px, pixels, labelled = processes.total([self.loss, self.error_px, self.pixels, self.labelled])
        return PixelSums(loss, error_px, int(pixels), int(labelled))

    @property
    def mean_loss(self) -> float:
        """Smooth L1 per valid pixel; nan without any."""
        return self.loss / self.pixels if self.pixels else nan

    @property
    def epe_px(self) -> float:
        """Mean absolute error per valid pixel, px; nan without any."""
        return self.error_px / self.pixels if self.pixels else nan

    @property
    def beyond_reach(self) -> float:
        """Share of the labelled pixels that were left out because they lie beyond the largest disparity."""
        return 1.0 - self.pixels / self.labelled if self.labelled else 0.0
