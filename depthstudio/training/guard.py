"""The generalisation guard: the same network on scenes that it does not learn from, before and during fine-tuning."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from depthstudio.cancel import CancelToken
from depthstudio.errors import DatasetError
from depthstudio.evaluation.benchmark_pairs import BenchmarkPair, read_benchmark_pairs
from depthstudio.evaluation.matchers import network_matcher
from depthstudio.models import StereoNetwork
from depthstudio.storage import atomic_path, cache_root
from depthstudio.synthetic.pool import GENERATION
from depthstudio.synthetic.validation import validation_scenes

WORSE_SHARE = 0.1  # what the guard may lose before the user is told
_PER_KIND = 2
_SIZE = (320, 192)
_LARGEST_DISPARITY = 96.0


@dataclass
class Guard:
    """pairs: always the same ones. title: what they are, for people."""

    title: str
    pairs: Sequence[BenchmarkPair]

    @classmethod
    def of(cls, wish: str) -> Guard | None:
        """wish: "off", "synthetic", or a folder with <name>/{left.png, right.png, disp.npy}. DatasetError as there."""
        if wish == "off":
            return None
        if wish == "synthetic":
            scenes = _synthetic_pairs()
            return cls(f"{len(scenes)} synthetic scenes of {len({pair.name for pair in scenes})} kinds", scenes)
        folder = Path(wish).expanduser()
        if not folder.is_dir():
            raise DatasetError(
                f"There is no folder {wish} for the generalisation guard.",
                next_step="Choose 'synthetic', 'off', or a folder of pairs with known disparity.",
            )
        pairs = read_benchmark_pairs(folder)
        return cls(f"{len(pairs)} pairs in {folder.name}", pairs)

    def measure(self, network: StereoNetwork, cancel: CancelToken) -> float | None:
        """Mean over the pairs of their EPE in px, over all pixels with known disparity; None when cancelled.

        The network is left in evaluation mode.
        """
        match = network_matcher(network.eval(), next(network.parameters()).device)
        errors = []
        for pair in self.pairs:
            if cancel.is_cancelled:
                return None
            truth = pair.disparity_px
            known = np.isfinite(truth) & (truth > 0)
            disparity = match(pair.left, pair.right, pair.largest_disparity_px)
            errors.append(float(np.abs(disparity - truth)[known].mean(dtype=np.float64)))
        return float(np.mean(errors))


@lru_cache(maxsize=1)
def _synthetic_pairs() -> tuple[BenchmarkPair, ...]:
    """The same scenes always; rendered once per computer, which takes some ten seconds."""
    path = cache_root() / f"guard-{_PER_KIND}x{_SIZE[0]}x{_SIZE[1]}-g{GENERATION}.npz"
    try:
        with np.load(path, allow_pickle=False) as kept:
            names, left, right, disparity = (kept[name] for name in ("names", "left", "right", "disparity"))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        scenes = validation_scenes(_PER_KIND, _SIZE, _LARGEST_DISPARITY)
        names = np.array([scene.kind for scene in scenes])
        left, right = (np.stack([getattr(scene, side) for scene in scenes]) for side in ("left", "right"))
        disparity = np.stack([scene.disparity_px for scene in scenes])
        with suppress(OSError), atomic_path(path) as temporary:
            np.savez(temporary, names=names, left=left, right=right, disparity=disparity)
    return tuple(BenchmarkPair(str(name), *maps) for name, *maps in zip(names, left, right, disparity, strict=True))
