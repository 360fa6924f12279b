"""Synthetic pairs among the user's frames, so that a network goes on practising what it knew."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from depthstudio.storage import cache_root
from depthstudio.synthetic import SyntheticPair, augment
from depthstudio.synthetic.crop import vary
from depthstudio.synthetic.pool import ScenePool
from depthstudio.synthetic.storage import UNREADABLE, load_pair
from depthstudio.training.batches import Batch

_MARGIN = 9 / 8  # how much larger than the crop a scene is
_STREAM = 77  # apart from the random numbers of the user's frames
_LARGEST = 192.0


@dataclass
class Rehearsal:
    """A fixed set of scenes, cut and varied anew in every epoch. Item `position` of an epoch is always the same.

    count: scenes. crop: (width, height) px. reach: px, the largest disparity wanted; 0 = no limit. A scene is rendered
    when it is first needed (a third of a second) and kept on disk for all later runs.
    """

    count: int
    crop: tuple[int, int]
    reach: float
    seed: int
    folder: Path = field(default_factory=lambda: cache_root() / "rehearsal")
    _rendering: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        width, height = (int(side * _MARGIN) for side in self.crop)
        largest = min(self.reach or _LARGEST, _LARGEST, self.crop[0] / 2)
        self._pool = ScenePool(self.folder, self.count, (width, height), max_disparity=largest)

    def item(self, epoch: int, position: int) -> Batch:
        """left, right (3, H, W) float32 0..1; disparity (H, W) px, 0 = unknown; weight (H, W), 0 where not to learn.

        Safe from several threads.
        """
        rng = np.random.default_rng((self.seed, epoch, position, _STREAM))
        pair = vary(self._scene(int(rng.integers(self.count))), rng, self.crop, self._pool.max_disparity)
        pair = augment(pair, rng)
        truth = np.nan_to_num(pair.disparity_px, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
        known = (truth > 0) & (truth < (self.reach or np.inf)) & ~pair.occluded
        return {
            "left": _image(pair.left),
            "right": _image(pair.right),
            "disparity": torch.from_numpy(np.ascontiguousarray(truth)),
            "weight": torch.from_numpy(np.ascontiguousarray(known, np.float32)),
        }

    def _scene(self, seed: int) -> SyntheticPair:
        path = self._pool.path(seed)
        for _ in range(2):
            if path.exists():
                try:
                    return load_pair(path)
                except UNREADABLE:
                    path.unlink(missing_ok=True)
            with self._rendering:  # one at a time: several threads would render the same scene
                if not path.exists():
                    self._pool.render(seed)
        return self._pool.render(seed)


def _image(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float().div_(255)
