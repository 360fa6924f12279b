"""Stereo pairs with known disparity that no network of ours was trained on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.errors import DatasetError
from depthstudio.frames import Image
from depthstudio.synthetic import generate_scene, render_pair

_CHECKED_PAIRS = 3
_SYNTHETIC_SIZE = (320, 240)
# The scenes over which the headline mean is taken.
HEADLINE = (
    "mb14_motorcycle_q",
    "mb03_cones_q",
    "mb03_teddy_q",
    "mb01_tsukuba",
    "mb01_venus",
    "mb06_aloe_t",
    "mb06_baby_t",
)


@dataclass(frozen=True)
class BenchmarkPair:
    """left, right: (H, W, 3) uint8 RGB, rectified. disparity_px: (H, W) float32, left view, NaN = unknown."""

    name: str
    left: NDArray[np.uint8]
    right: NDArray[np.uint8]
    disparity_px: NDArray[np.float32]
    source: str = ""

    @property
    def largest_disparity_px(self) -> float:
        """Largest true disparity."""
        return float(np.nanmax(self.disparity_px))


def read_benchmark_pairs(folder: Path) -> list[BenchmarkPair]:
    """All `<name>/{left.png, right.png, disp.npy}` below `folder`, by name.

    disp.npy: (H, W) px of the left view; NaN, infinite or <= 0 where it is unknown. DatasetError when there is no pair,
    or when one cannot be read, does not fit together or knows nothing.
    """
    pairs = [_read(path.parent) for path in sorted(folder.glob("*/disp.npy"))]
    if not pairs:
        raise DatasetError(f"There are no stereo pairs with disparity in {folder}.", "Expected <name>/disp.npy.")
    return pairs


def check_pairs() -> Iterator[tuple[Image, Image]]:
    """Pairs to check an exported network with: real ones of DEPTHSTUDIO_DATA where that is set, else synthetic ones."""
    data = os.environ.get("DEPTHSTUDIO_DATA")
    if data and (Path(data) / "stereo").is_dir():
        yield from ((pair.left, pair.right) for pair in read_benchmark_pairs(Path(data) / "stereo")[:_CHECKED_PAIRS])
        return
    for seed in range(_CHECKED_PAIRS):
        pair = render_pair(generate_scene(seed, size=_SYNTHETIC_SIZE, max_disparity=64))
        yield pair.left, pair.right


def _read(folder: Path) -> BenchmarkPair:
    left, right = (_read_rgb(folder / f"{side}.png") for side in ("left", "right"))
    truth = _read_truth(folder / "disp.npy")
    if left.shape != right.shape or left.shape[:2] != truth.shape:
        raise DatasetError(f"The pair {folder} does not fit together.", f"{left.shape}, {right.shape}, {truth.shape}.")
    return BenchmarkPair(folder.name, left, right, truth, _read_source(folder / "meta.json"))


def _read_truth(path: Path) -> NDArray[np.float32]:
    try:
        truth = np.load(path).astype(np.float32)
    except (OSError, ValueError, EOFError, AttributeError) as error:
        raise DatasetError(f"{path} cannot be read as a disparity.", f"{error}.", "Save it with numpy.save.") from error
    truth[~(np.isfinite(truth) & (truth > 0))] = np.nan
    if np.isnan(truth).all():
        raise DatasetError(f"{path} knows no disparity.", "No pixel of it is a number above 0.", "Leave the pair out.")
    return truth


def _read_source(path: Path) -> str:
    try:
        return str(json.loads(path.read_text("utf-8")).get("dataset", ""))
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, AttributeError) as error:
        raise DatasetError(f"{path} cannot be read.", f"{error}.", "Mend it, or remove it.") from error


def _read_rgb(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise DatasetError(f"{path} cannot be read as an image.")
    return np.ascontiguousarray(image[:, :, ::-1]).astype(np.uint8, copy=False)
