"""Rendered scenes as training frames, for a network that has to learn stereo from nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from depthstudio.datasets.stereo_sample import StereoSample
from depthstudio.storage import cache_root
from depthstudio.synthetic.pool import ScenePool
from depthstudio.synthetic.storage import UNREADABLE, load_pair

_MARGIN = 9 / 8


@dataclass
class SceneSamples:
    """`count` scenes, a little larger than the crop (width, height), with exact labels. first: the first one's seed."""

    count: int
    crop: tuple[int, int]
    first: int = 0
    folder: Path = field(default_factory=lambda: cache_root() / "rehearsal")

    def __post_init__(self) -> None:
        width, height = (int(side * _MARGIN) for side in self.crop)
        largest = min(192.0, self.crop[0] / 2)
        self._pool = ScenePool(self.folder, self.count, (width, height), max_disparity=largest)
        self.title = f"{self.count} synthetic scenes"
        self.groups = [f"scene {self.first + index}" for index in range(self.count)]
        self.roles: dict[str, str] = {}

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> StereoSample:
        seed = self.first + index
        try:
            pair = load_pair(self._pool.path(seed))
        except UNREADABLE:
            self._pool.render(seed)
            pair = load_pair(self._pool.path(seed))  # as every later epoch sees it: files hold 1/64 px
        truth = np.where(pair.occluded, np.nan, pair.disparity_px).astype(np.float32)
        return StereoSample(pair.left, pair.right, truth, np.isfinite(truth), None, None, str(seed), self.groups[index])
