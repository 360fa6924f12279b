"""Pictures of validation frames for people: left image, label, prediction and error side by side."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.frames import FloatMap, Image
from depthstudio.storage import atomic_path
from depthstudio.training.events import SampleImages

_ERROR_LIMIT_PX = 5.0
_LARGEST_WIDTH = 400  # of one part: a run keeps three pictures per epoch


def save_picture(picture: SampleImages, folder: Path) -> Path:
    """Write `frame_<index>_epoch_<epoch>.png`. Colours span the label's own range, the error's 0 to 5 px."""
    path = folder / f"frame_{picture.index:06d}_epoch_{picture.epoch:04d}.png"
    with atomic_path(path) as temporary:
        cv2.imwrite(str(temporary), cv2.cvtColor(panel(picture), cv2.COLOR_RGB2BGR))
    return path


def panel(picture: SampleImages) -> Image:
    """(H, 4 W, 3) uint8 RGB: left, label, prediction, |error|; black where there is no label. W is 400 at most."""
    labelled = np.isfinite(picture.label)
    low, high = np.percentile(picture.label[labelled], (1, 99)) if labelled.any() else (0.0, 1.0)
    error_px = np.abs(picture.prediction - picture.label)
    maps = (
        colour(picture.label, low, high),
        colour(picture.prediction, low, high),
        colour(error_px.astype(np.float32), 0.0, _ERROR_LIMIT_PX),
    )
    return np.hstack([_small(part) for part in (picture.left, *maps)])


def colour(values: FloatMap, low: float, high: float) -> NDArray[np.uint8]:
    """(H, W) px -> (H, W, 3) uint8 RGB in the turbo map, NaN black."""
    scaled = np.clip((np.nan_to_num(values, nan=low) - low) / max(high - low, 1e-6), 0, 1)
    painted = cv2.cvtColor(cv2.applyColorMap((scaled * 255).astype(np.uint8), cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    painted[~np.isfinite(values)] = 0
    return painted.astype(np.uint8)


def _small(image: Image) -> Image:
    height, width = image.shape[:2]
    if width <= _LARGEST_WIDTH:
        return image
    size = (_LARGEST_WIDTH, round(height * _LARGEST_WIDTH / width))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
