"""Training crops from synthetic pairs, as an endless stream of batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from depthstudio.synthetic import SyntheticPair, augment, generate_scene, render_pair
from depthstudio.synthetic.crop import vary
from depthstudio.synthetic.pool import ScenePool

Size = tuple[int, int]


class PairSource(Protocol):
    """Draws training pairs of a size; may be sent to other processes."""

    def draw(self, rng: np.random.Generator, size: Size, max_disparity: int) -> SyntheticPair:
        """An augmented pair of (width, height) px, its disparity below max_disparity px where possible."""
        ...


@dataclass(frozen=True)
class RenderedPairs:
    """Every pair is rendered on the spot."""

    scene_size: Size = (864, 432)
    scene_disparity: float = 256.0

    def draw(self, rng: np.random.Generator, size: Size, max_disparity: int) -> SyntheticPair:
        """See PairSource.draw."""
        pair = render_pair(generate_scene(int(rng.integers(2**31)), None, self.scene_size, self.scene_disparity))
        return augment(vary(pair, rng, size, max_disparity), rng)


@dataclass
class PooledPairs:
    """Pairs cut from the scenes of a pool on disk."""

    pool: ScenePool

    def __post_init__(self) -> None:
        self._crops: dict[Size, ScenePool] = {}

    def draw(self, rng: np.random.Generator, size: Size, max_disparity: int) -> SyntheticPair:
        """See PairSource.draw."""
        if size not in self._crops:
            self._crops[size] = replace(self.pool, crop=size)
        return self._crops[size].sample(rng, max_disparity)


def pooled_pairs(folder: Path, count: int, seed: int) -> PooledPairs:
    """A pool of `count` scenes in `folder`; start_refresh on its pool fills it in the background."""
    return PooledPairs(ScenePool(folder, count, seed=seed))


def to_tensors(pair: SyntheticPair) -> dict[str, Tensor]:
    """left, right uint8 (3, H, W); disparity float32 (H, W), 0 where unknown; occluded bool (H, W)."""
    truth = np.nan_to_num(pair.disparity_px, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
    arrays = {
        "left": pair.left.transpose(2, 0, 1),
        "right": pair.right.transpose(2, 0, 1),
        "disparity": truth,
        "occluded": pair.occluded,
    }
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}


class CropStream(IterableDataset[dict[str, Tensor]]):
    """An endless stream of augmented crops; each worker has its own random numbers."""

    def __init__(self, source: PairSource, size: Size, max_disparity: int, seed: tuple[int, ...]) -> None:
        super().__init__()
        self.source, self.size, self.max_disparity, self.seed = source, size, max_disparity, seed

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        """Crops as to_tensors gives them."""
        worker = get_worker_info()
        if worker is not None:
            cv2.setNumThreads(1)
        rng = np.random.default_rng([*self.seed, 0 if worker is None else worker.id])
        while True:
            yield to_tensors(self.source.draw(rng, self.size, self.max_disparity))


def batches(stream: CropStream, batch: int, workers: int, pinned: bool) -> Iterator[dict[str, Tensor]]:
    """Endless batches from `workers` processes; 0 computes them here."""
    # Forked workers inherit the locks of OpenCV's and OpenMP's threads and hang.
    parallel: dict[str, Any] = {"prefetch_factor": 4, "multiprocessing_context": "spawn"} if workers else {}
    return iter(DataLoader(stream, batch, num_workers=workers, pin_memory=pinned, drop_last=True, **parallel))
