"""How many pairs a core makes."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from depthstudio.synthetic.generate import generate_scene
from depthstudio.synthetic.pool import ScenePool
from depthstudio.synthetic.render import render_pair

FIRST_SEED = 500_000_000
WARM_UP_SCENES = 40


def measure(seconds: float = 10.0, size: tuple[int, int] = (512, 256)) -> dict[str, float]:
    """Pairs per second of CPU time on one core: rendered afresh, and drawn from a pool with augmentation.

    size: (width, height). The time is split between the two; CPU time leaves out what other programs take. Drawing the
    textures is left out of the fresh rate: it costs about two seconds per 200 scenes.
    Keys: fresh_pairs_per_s, pooled_pairs_per_s, width, height.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for seed in range(FIRST_SEED, FIRST_SEED + WARM_UP_SCENES):
            generate_scene(seed, size=size)
        seeds = itertools.count(FIRST_SEED)
        fresh = _rate(lambda: render_pair(generate_scene(next(seeds), size=size)), seconds / 2)
        with tempfile.TemporaryDirectory() as folder:
            pool = ScenePool(Path(folder), count=12, first_few=12, seed=FIRST_SEED, crop=size)
            rng = np.random.default_rng(0)
            pool.sample(rng)
            pooled = _rate(lambda: pool.sample(rng), seconds / 2)
    finally:
        cv2.setNumThreads(threads)
    return {"fresh_pairs_per_s": fresh, "pooled_pairs_per_s": pooled, "width": size[0], "height": size[1]}


def _rate(make: Callable[[], object], seconds: float) -> float:
    """Calls of `make` per second of this thread's CPU time."""
    started, deadline, count = time.thread_time(), time.monotonic() + 4 * seconds, 0
    while time.thread_time() - started < seconds and time.monotonic() < deadline:
        make()
        count += 1
    return count / max(time.thread_time() - started, 1e-9)
