"""Fixed scenes to validate on, never used for training: their seeds lie far above the pool's."""

from __future__ import annotations

import numpy as np

from depthstudio.synthetic.augment import augment
from depthstudio.synthetic.generate import INFRARED, KINDS, generate_scene
from depthstudio.synthetic.render import SyntheticPair, render_pair

FIRST_SEED = 900_000_000
CALIBRATION_SEED = 910_000_000


def validation_scenes(
    per_kind: int = 4,
    size: tuple[int, int] = (512, 256),
    max_disparity: float = 192.0,
    *,
    kinds: tuple[str, ...] = (*KINDS, INFRARED),
    sensor: bool = True,
    first_seed: int = FIRST_SEED,
) -> list[SyntheticPair]:
    """The same pairs at every call: per_kind of each kind, in the order of `kinds`; size: (width, height).

    first_seed: CALIBRATION_SEED gives other scenes, to set something by them that validation then judges.
    sensor: seen through two slightly unlike cameras, aligned and without erased patches; off, the perfect pictures.
    Infrared scenes are grey with weak texture and noise; every other one is lit by dots by chance of its seed.
    """
    pairs = []
    for number, kind in enumerate(kinds):
        for index in range(per_kind):
            seed = first_seed + 200 * number + index
            pair = render_pair(generate_scene(seed, kind, size, max_disparity))
            if sensor:
                pair = augment(pair, np.random.default_rng([seed, 3]), misalign=False, erase=False)
            pairs.append(pair)
    return pairs
