"""Everything that turns a rectified pair into disparity, for benchmarks: networks as they are, and SGBM."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from depthstudio.evaluation.sgbm import sgbm_disparity
from depthstudio.models import StereoNetwork

# (left, right, largest true disparity in px) -> disparity
Matcher = Callable[[NDArray[np.uint8], NDArray[np.uint8], float], NDArray[np.float32]]


def sgbm_matcher(fill_holes: bool) -> Matcher:
    """SGBM, told the largest true disparity, as its published numbers are."""
    return lambda left, right, largest: sgbm_disparity(left, right, largest, fill_holes)


def network_matcher(network: StereoNetwork, device: torch.device | None = None) -> Matcher:
    """A network in fp32, searching its own max_disparity whatever the truth is."""
    where = device or next(network.parameters()).device

    def match(left: NDArray[np.uint8], right: NDArray[np.uint8], _largest: float) -> NDArray[np.float32]:
        with torch.inference_mode():
            disparity = network(image_tensor(left, where), image_tensor(right, where)).disparity
        return np.asarray(disparity[0].float().cpu().numpy(), np.float32)

    return match


def image_tensor(image: NDArray[np.uint8], device: torch.device | None = None) -> Tensor:
    """(H, W, 3) uint8 RGB, read-only or not -> (1, 3, H, W) float32 in [0, 1]."""
    tensor = torch.tensor(np.ascontiguousarray(image), device=device)
    return tensor.permute(2, 0, 1)[None].float() / 255
