"""Making a network's confidence mean what it says: of the pixels with confidence 0.8, eight in ten are right.

A network learns the scale of its errors beside its disparity, on crops with strong augmentation and weights that still
move. Platt scaling of the logarithm of that scale, on scenes never trained on, puts it right without touching disparity
(Guo et al., On Calibration of Modern Neural Networks, 2017).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from depthstudio.evaluation.matchers import image_tensor
from depthstudio.models.volume_network import VolumeStereoNetwork
from depthstudio.synthetic import SyntheticPair
from depthstudio.synthetic.validation import CALIBRATION_SEED, validation_scenes
from depthstudio.training.optimisation import channels_last

RIGHT_WITHIN_PX = 1.0
_BINS = 20
_PIXELS_PER_PAIR = 20_000
_SMALLEST_GAIN = 0.05


@dataclass(frozen=True)
class ConfidenceFit:
    """log_spread * gain + offset is calibrated. error_before, error_after: expected calibration errors, 0..1."""

    gain: float
    offset: float
    error_before: float
    error_after: float


def calibration_scenes(per_kind: int = 4, size: tuple[int, int] = (448, 256)) -> list[SyntheticPair]:
    """Scenes that neither training nor validation sees. size: (width, height)."""
    return validation_scenes(per_kind, size, 128.0, first_seed=CALIBRATION_SEED)


def calibrate_confidence(network: VolumeStereoNetwork, pairs: Iterable[SyntheticPair]) -> ConfidenceFit:
    """Rescale the network's confidence in place so that it is the share of pixels within RIGHT_WITHIN_PX.

    All pixels with known disparity count, occluded ones too; pairs: never trained on.
    """
    log_spread, right = _observations(network, pairs)
    gain, offset = _fit(log_spread, right)
    before = calibration_error(_confidence(log_spread), right)
    after = calibration_error(_confidence(gain * log_spread + offset), right)
    network.rescale_log_spread(gain, offset)
    return ConfidenceFit(gain, offset, before, after)


def calibration_error(confidence: Tensor, right: Tensor) -> float:
    """Expected calibration error: mean |confidence - share of right pixels| over equal bins, weighted by their pixels.

    confidence, right: 1-D, values in 0..1.
    """
    bins = (confidence * _BINS).long().clamp(0, _BINS - 1)
    sums = torch.zeros(2, _BINS, dtype=torch.float64, device=confidence.device)
    sums[0].scatter_add_(0, bins, confidence.double())
    sums[1].scatter_add_(0, bins, right.double())
    return float((sums[0] - sums[1]).abs().sum() / max(len(confidence), 1))


def _confidence(log_spread: Tensor) -> Tensor:
    """P(|error| < 1 px) of a Laplace distribution of scale exp(log_spread) px, as the network computes it."""
    return 1 - torch.exp(-torch.exp(-log_spread))


@torch.inference_mode()
def _observations(network: VolumeStereoNetwork, pairs: Iterable[SyntheticPair]) -> tuple[Tensor, Tensor]:
    """Log spread and whether the disparity was right, float32, of pixels drawn evenly from the pairs."""
    device = next(network.parameters()).device
    network.eval()
    found: list[tuple[Tensor, Tensor]] = []
    for pair in pairs:
        left, right_image = (image_tensor(image, device) for image in (pair.left, pair.right))
        prediction = network(channels_last(left), channels_last(right_image))
        truth = torch.from_numpy(np.nan_to_num(pair.disparity_px)).to(device)
        known = truth > 0
        right = (prediction.disparity[0] - truth).abs() < RIGHT_WITHIN_PX
        height, width = truth.shape
        spread = prediction.auxiliary["log_spread"][0, :height, :width][known]
        step = max(1, len(spread) // _PIXELS_PER_PAIR)
        found.append((spread[::step].float(), right[known][::step].float()))
    return torch.cat([spread for spread, _ in found]), torch.cat([right for _, right in found])


def _fit(log_spread: Tensor, right: Tensor) -> tuple[float, float]:
    """Gain and offset with the largest likelihood of what was right. The gain stays positive: the order is kept."""
    log_spread, right = log_spread.clone(), right.clone()
    parameters = torch.zeros(2, device=log_spread.device, requires_grad=True)  # logarithm of the gain, offset
    optimiser = torch.optim.LBFGS([parameters], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        probability = _confidence(parameters[0].exp() * log_spread + parameters[1]).clamp(1e-6, 1 - 1e-6)
        loss = F.binary_cross_entropy(probability, right)
        loss.backward()
        return loss

    optimiser.step(closure)
    gain, offset = parameters.detach()[0].exp().item(), parameters.detach()[1].item()
    return max(gain, _SMALLEST_GAIN), offset
