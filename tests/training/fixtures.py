"""A tiny network and frames in memory: training that takes a fraction of a second per epoch."""

from __future__ import annotations

import numpy as np
import torch

from depthstudio.datasets.stereo_sample import StereoSample
from depthstudio.models import StereoNetwork, create_network
from depthstudio.training.settings import TrainingSettings

WIDTH, HEIGHT = 64, 32


class MemorySamples:
    """Frames with constant disparity; `holes` are the indices of frames without any valid label."""

    title = "frames in memory"

    def __init__(self, count: int, seed: int = 0, holes: tuple[int, ...] = (), label_offset_px: float = 0.0) -> None:
        self.groups = ["memory"] * count
        self.roles: dict[str, str] = {}
        self.samples = [self._sample(seed * 1000 + i, i in holes, label_offset_px) for i in range(count)]

    def _sample(self, seed: int, hole: bool, label_offset_px: float) -> StereoSample:
        rng = np.random.default_rng(seed)
        shift = int(rng.integers(3, 12))
        scene = rng.integers(0, 256, (HEIGHT, WIDTH + shift, 3), dtype=np.uint8)
        disparity = np.full((HEIGHT, WIDTH), shift + label_offset_px, np.float32)
        valid = np.zeros((HEIGHT, WIDTH), bool) if hole else rng.random((HEIGHT, WIDTH)) < rng.uniform(0.2, 0.9)
        valid[:, :shift] = False
        left = np.ascontiguousarray(scene[:, :WIDTH])
        right = np.ascontiguousarray(scene[:, shift:])
        disparity[~valid] = np.nan
        return StereoSample(left, right, disparity, valid, None, None, f"{seed:06d}", "memory")

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> StereoSample:
        return self.samples[index]


def tiny_network(seed: int = 0) -> StereoNetwork:
    """The default network's code at a fraction of its width."""
    torch.manual_seed(seed)
    return create_network(
        "depthstudio-s",
        channels=(8, 8, 8, 8, 8),
        match=8,
        groups=2,
        fine_match=8,
        fine_groups=2,
        aggregation=(4, 4, 4),
        hidden=8,
        steps=2,
        radius=2,
        max_disparity=32,
    )


def quick_settings(**changes: object) -> TrainingSettings:
    """Two epochs on whole frames, fp32, no loader thread."""
    values = {
        "epochs": 2,
        "batch_size": 2,
        "crop_width": WIDTH,
        "crop_height": HEIGHT,
        "learning_rate": 1e-3,
        "precision": "fp32",
        "device": "cpu",
        "num_workers": 0,
        "augment": False,
        "guard": "off",
        **changes,
    }
    return TrainingSettings.checked(values)
