"""A moving average of a network's weights: steadier and usually better than the weights of any single step."""

from __future__ import annotations

import copy

import torch

from depthstudio.models import StereoNetwork


class WeightAverage:
    """Exponential moving average of a network's weights and BatchNorm statistics."""

    def __init__(self, network: StereoNetwork, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: StereoNetwork, step: int) -> None:
        """Move towards `network`; faster in the first steps, when the average would only remember noise."""
        decay = min(self.decay, (1 + step) / (10 + step))
        pairs = list(zip(self.network.state_dict().values(), network.state_dict().values(), strict=True))
        floating = [pair for pair in pairs if pair[0].is_floating_point()]
        torch._foreach_lerp_([average for average, _ in floating], [current for _, current in floating], 1 - decay)
        for average, current in pairs:
            if not average.is_floating_point():
                average.copy_(current)
