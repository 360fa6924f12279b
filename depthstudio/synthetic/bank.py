"""Textures and outlines shared by neighbouring seeds, so that drawing them costs little per scene.

A block of 200 consecutive seeds draws from the same pictures; the next block from new ones. A scene's pictures
depend on its seed alone, whatever was rendered before.
"""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np

from depthstudio.synthetic.disparity import FloatMap
from depthstudio.synthetic.outlines import OUTLINES, SOLID, THIN, signed_distance
from depthstudio.synthetic.painters import PAINTERS
from depthstudio.synthetic.texture import Texture

SEEDS_PER_BLOCK = 200
TEXTURES_PER_PAINTER = 12
OUTLINES_PER_SHAPE = 8
TEXTURE_PX = 512

EVERYDAY = ("value_noise", "grain", "wood", "dead_leaves", "stripes", "text", "line_drawing", "bricks", "collage")
FAINT = ("ramps", "ramps", "value_noise", "grain", "wood")
REPEATING = ("lattice", "bricks", "stripes")


def random_texture(rng: np.random.Generator, seed: int, painters: tuple[str, ...] = EVERYDAY) -> Texture:
    """One of the block's textures, by one of the named painters."""
    name = painters[int(rng.integers(len(painters)))]
    return _texture(name, seed // SEEDS_PER_BLOCK, int(rng.integers(TEXTURES_PER_PAINTER)))


def random_outline(rng: np.random.Generator, seed: int, thin: bool = False) -> FloatMap:
    """Signed distances of one of the block's shapes."""
    names = tuple(THIN if thin else SOLID)
    name = names[int(rng.integers(len(names)))]
    return _outline(name, seed // SEEDS_PER_BLOCK, int(rng.integers(OUTLINES_PER_SHAPE)))


@lru_cache(maxsize=160)
def _texture(name: str, block: int, index: int) -> Texture:
    return Texture.from_image(PAINTERS[name](_generator(name, block, index), TEXTURE_PX))


@lru_cache(maxsize=100)
def _outline(name: str, block: int, index: int) -> FloatMap:
    return signed_distance(OUTLINES[name](_generator(name, block, index)))


def _generator(name: str, block: int, index: int) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32(name.encode()), block, index])
