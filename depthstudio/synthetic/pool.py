"""A folder of rendered scenes that training draws from while a background process keeps replacing the oldest."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from depthstudio.synthetic.augment import augment
from depthstudio.synthetic.crop import vary
from depthstudio.synthetic.generate import DEFAULT_MIX, generate_scene
from depthstudio.synthetic.render import SyntheticPair, render_pair
from depthstudio.synthetic.storage import UNREADABLE, load_pair, save_pair

# Part of the folder's name: raise it when the generator changes enough that old scenes should go.
GENERATION = 1
LISTING_LIFE_S = 30.0
LEFTOVER_AGE_S = 600.0
STOP_TIMEOUT_S = 10.0


@dataclass
class ScenePool:
    """At most `count` scenes of `size` (width, height), about 3.7 MB each at 864x432, under `folder`.

    crop: (width, height) of the samples. max_disparity: px, of the scenes.
    seed: the first scene's. mix: scene kind -> share. augmented: photometry and sensor model on samples.
    first_few: scenes rendered on the spot when the folder is empty.

    The folder survives kills and restarts; a pool can be pickled to worker processes, which then only read.
    """

    folder: Path
    count: int = 3000
    size: tuple[int, int] = (864, 432)
    seed: int = 0
    crop: tuple[int, int] = (512, 256)
    max_disparity: float = 256.0
    mix: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_MIX))
    augmented: bool = True
    first_few: int = 4
    _names: list[str] = field(default_factory=list, init=False, repr=False)
    _listed_at: float = field(default=-1e9, init=False, repr=False)
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list, init=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_processes": [], "_names": [], "_listed_at": -1e9}

    @property
    def scenes_folder(self) -> Path:
        """Where the files lie; scenes of other settings have another folder beside it."""
        width, height = self.size
        name = f"scenes-{width}x{height}-d{self.max_disparity:g}-g{GENERATION}"
        if self.mix != DEFAULT_MIX:
            name += f"-mix{zlib.crc32(json.dumps(dict(self.mix), sort_keys=True).encode()):08x}"
        return Path(self.folder) / name

    def path(self, seed: int) -> Path:
        """The file of a scene."""
        return self.scenes_folder / f"{seed:010d}.npz"

    def seeds(self) -> list[int]:
        """Seeds of the scenes on disk, oldest first."""
        folder = self.scenes_folder
        names = (path.stem for path in folder.glob("[0-9]*.npz")) if folder.is_dir() else ()
        return sorted(int(name) for name in names if name.isdigit())

    def sample(self, rng: np.random.Generator, max_disparity: float | None = None) -> SyntheticPair:
        """A random scene, cut, flipped, scaled and, unless switched off, seen through two imperfect cameras.

        max_disparity: px, kept where the scene allows; None: that of the scenes.
        """
        pair = vary(self._draw(rng), rng, self.crop, max_disparity or self.max_disparity)
        return augment(pair, rng) if self.augmented else pair

    def render(self, seed: int) -> SyntheticPair:
        """Render a scene and put it into the pool."""
        pair = render_pair(generate_scene(seed, None, self.size, self.max_disparity, self.mix))
        save_pair(self.path(seed), pair)
        return pair

    def _draw(self, rng: np.random.Generator) -> SyntheticPair:
        """A random stored scene at full size; a damaged file is removed, one just replaced is skipped."""
        while True:
            if not self._names or time.monotonic() - self._listed_at > LISTING_LIFE_S:
                self._list()
            name = self._names[int(rng.integers(len(self._names)))]
            path = self.scenes_folder / name
            try:
                return load_pair(path)
            except FileNotFoundError:
                self._names.remove(name)
            except UNREADABLE:
                path.unlink(missing_ok=True)
                self._names.remove(name)

    def _list(self) -> None:
        seeds = self.seeds()
        if not seeds:
            seeds = [self.seed + index for index in range(max(1, min(self.first_few, self.count)))]
            for seed in seeds:
                if not self.path(seed).exists():
                    self.render(seed)
        self._names = [self.path(seed).name for seed in seeds]
        self._listed_at = time.monotonic()

    def trim(self) -> None:
        """Remove the oldest scenes beyond `count`."""
        for seed in self.seeds()[: -self.count]:
            self.path(seed).unlink(missing_ok=True)

    def remove_leftovers(self) -> None:
        """Remove half-written files of processes that were killed."""
        for path in self.scenes_folder.glob(".*.tmp.npz"):
            try:
                if time.time() - path.stat().st_mtime > LEFTOVER_AGE_S:
                    path.unlink()
            except FileNotFoundError:
                continue

    @property
    def is_refreshing(self) -> bool:
        """True while a background process of this pool object runs."""
        return any(process.poll() is None for process in self._processes)

    def start_refresh(self, processes: int = 1, replace_share: float = 0.3) -> None:
        """Start background processes at the lowest priority: they fill the pool, then keep replacing its oldest scenes.

        replace_share: share of its time that a process works once the pool is full.
        They end with `stop`, and by themselves when this process ends, however it ends.
        """
        if self.is_refreshing:
            return
        self.remove_leftovers()
        settings = json.dumps(
            {
                "folder": str(self.folder),
                "count": self.count,
                "size": self.size,
                "seed": self.seed,
                "max_disparity": self.max_disparity,
                "mix": dict(self.mix),
            }
        )
        command = [sys.executable, "-m", "depthstudio.synthetic.refresh", settings, str(replace_share), str(processes)]
        self._processes = [
            subprocess.Popen([*command, str(index)], stdin=subprocess.PIPE) for index in range(processes)
        ]

    def stop(self) -> None:
        """End the background processes; scenes on disk stay."""
        for process in self._processes:
            if process.stdin is not None:
                # A byte, since forked loader workers may hold the pipe open.
                with contextlib.suppress(OSError):
                    process.stdin.write(b"q")
                    process.stdin.close()
        for process in self._processes:
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes = []
