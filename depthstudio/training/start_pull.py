"""L2-SP: decay towards the weights that a network came with, instead of towards zero."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from depthstudio.models import StereoNetwork


class StartPull:
    """Adds strength * (weight - start weight) to the gradients, as Adam's L2 penalty adds strength * weight.

    Li, Grandvalet, Davoine, Explicit inductive bias for transfer learning with convolutional networks, 2018.
    """

    def __init__(self, network: StereoNetwork, start: StereoNetwork, strength: float) -> None:
        self.strength = strength
        anchors = dict(start.named_parameters())
        self._pairs: list[tuple[nn.Parameter, Tensor]] = [
            (parameter, anchors[name].detach().to(parameter.device, parameter.dtype).clone())
            for name, parameter in network.named_parameters()
            if parameter.requires_grad
        ]

    @torch.no_grad()
    def apply(self) -> None:
        """Between backward (and clipping) and the optimiser's step."""
        moving = [pair for pair in self._pairs if pair[0].grad is not None]
        gradients = [parameter.grad for parameter, _ in moving if parameter.grad is not None]
        away = torch._foreach_sub([parameter for parameter, _ in moving], [anchor for _, anchor in moving])
        torch._foreach_add_(gradients, away, alpha=self.strength)

    @torch.no_grad()
    def distance(self) -> float:
        """How far the weights are from their start (Euclidean)."""
        return float(sum(((parameter - anchor) ** 2).sum() for parameter, anchor in self._pairs)) ** 0.5
