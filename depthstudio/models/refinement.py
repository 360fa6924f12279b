"""From the volume's coarse disparity to full resolution: local matching at 1/4, then convex upsampling."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def softmax(scores: Tensor, dim: int, written_out: bool = False) -> Tensor:
    """Softmax; written_out for exported graphs, where exp and sum run far faster than softmax over channels."""
    if not written_out:
        return scores.softmax(dim)
    weights = (scores - scores.amax(dim=dim, keepdim=True)).exp()
    return weights / weights.sum(dim=dim, keepdim=True)


def peak_expectation(scores: Tensor, reach: int = 2) -> Tensor:
    """Mean disparity around the highest score, so that two surfaces at an edge are not averaged.

    scores: (N, D, H, W). Returns (N, H, W), in units of the volume's steps.
    """
    steps = torch.arange(scores.shape[1], device=scores.device, dtype=scores.dtype).view(1, -1, 1, 1)
    peak = scores.argmax(dim=1, keepdim=True)
    near = ((steps - peak).abs() <= reach).to(scores.dtype)
    weights = (scores - scores.amax(dim=1, keepdim=True)).exp() * near
    return (weights * steps).sum(dim=1) / weights.sum(dim=1)


def convex_upsample(values: Tensor, scores: Tensor, factor: int, exporting: bool = False) -> Tensor:
    """Each fine pixel is a convex combination of the 3x3 coarse neighbourhood (RAFT, Teed and Deng 2020).

    values: (N, H, W). scores: (N, 9 * factor^2, H, W). Returns (N, factor H, factor W).
    """
    batch, height, width = values.shape
    weights = softmax(scores.float().reshape(batch, 9, factor * factor, height, width), 1, exporting)
    padded = F.pad(values[:, None], (1, 1, 1, 1), mode="replicate")
    around = [padded[:, :, y : y + height, x : x + width] for y in range(3) for x in range(3)]
    fine = (weights * torch.stack(around, dim=1)).sum(dim=1)
    return F.pixel_shuffle(fine, factor).squeeze(1)


class RefinementStep(nn.Module):
    """Looks at the correlation around the current disparity and corrects it; every step has the same weights."""

    def __init__(self, lookups: int, hidden: int) -> None:
        super().__init__()
        self.read = nn.Conv2d(lookups + 1 + hidden, hidden, 3, padding=1)
        self.update = nn.Conv2d(hidden, hidden, 3, padding=1)
        self.correction = nn.Conv2d(hidden, 1, 3, padding=1)

    def forward(self, hidden: Tensor, correlation: Tensor, disparity: Tensor) -> tuple[Tensor, Tensor]:
        """hidden (N, C, H, W), correlation (N, L, H, W), disparity (N, H, W) in px of this resolution."""
        here = disparity[:, None]
        relief = (here - F.avg_pool2d(here, 5, 1, 2, count_include_pad=False)).clamp(-8, 8)
        x = F.relu(self.read(torch.cat((hidden, correlation, relief), dim=1)), inplace=True)
        hidden = F.relu(hidden + self.update(x))
        return hidden, disparity + self.correction(hidden).squeeze(1).float()
