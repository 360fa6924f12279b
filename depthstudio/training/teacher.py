"""The network as it came, asked about the pixels that nobody labelled, so that fine-tuning does not forget them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from depthstudio.models import StereoNetwork


@dataclass
class Teacher:
    """network: frozen, in evaluation mode. weight: of this loss beside that of the labels."""

    network: StereoNetwork
    weight: float
    max_disparity: float

    @torch.no_grad()
    def teach(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        """Disparity (N, H, W) px and how far to trust it, 0..1 of the same shape.

        left, right: (N, 3, H, W), the frames before light, noise and erased patches were varied: the student has to
        say about the spoilt picture what the teacher says about the clean one.
        """
        disparity, confidence, *_ = self.network(left, right)
        disparity = disparity.float()
        trust = torch.ones_like(disparity) if confidence is None else confidence.float()
        return disparity, trust * (disparity <= self.max_disparity) if self.max_disparity else trust

    def loss(self, student: Tensor, taught: tuple[Tensor, Tensor], labelled: Tensor) -> Tensor:
        """Smooth L1 to the teacher, weighted by its trust, per pixel without label; 0 when all are labelled.

        Dividing by all such pixels, not by the trust, lets a teacher who knows nothing be silent.
        """
        disparity, trust = taught
        weight = trust * ~labelled
        error = F.smooth_l1_loss(student.float(), disparity, reduction="none")
        return self.weight * (error * weight).sum() / (~labelled).sum().clamp(min=1)
