"""What a frame is worth for learning: each check is a short value, a tone and one sentence."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.datasets.session_format import fill_rate
from depthstudio.datasets.views import NEW_VIEW, SAME_VIEW, ViewMemory, grey_of, view_signature
from depthstudio.frames import Image, StereoFrame

_CHECK_WIDTH_PX = 320
_BLURRED_BELOW = 15.0
_SOFT_BELOW = 40.0
_LEAST_SPREAD = 16.0  # below it, the rounding to whole grey levels would pass for sharp edges
_BRIGHT_LEVEL = 254
_DARK_LEVEL = 2
_CLIPPED_SHARE = 0.05
_DARK_MEAN = 25.0
_LOW_FILL = 0.5
_FAIR_FILL = 0.7
_SKEW_OK_MS = 5.0
_SKEW_BAD_MS = 20.0
_NARROW_RANGE = 1.3
_LITTLE_DISK_BYTES = 5e9
_NO_DISK_BYTES = 1e9


@dataclass(frozen=True)
class FrameCheck:
    """name: key of the chip. tone: good, warning, bad or empty. sentence: why, for the tooltip."""

    name: str
    value: str
    tone: str
    sentence: str


def check_frame(frame: StereoFrame) -> list[FrameCheck]:
    """Label fill, depth range, sharpness, exposure and skew of one frame; a few milliseconds."""
    small = _small(frame.left)
    checks = [_fill(frame.depth_mm), _depth_range(frame.depth_mm)] if frame.depth_mm is not None else []
    checks += [_sharpness(small), _exposure(small)]
    return [*checks, _skew(frame)] if frame.right is not None else checks


def sharpness(image: Image) -> float:
    """Variance of the Laplacian, set against the picture's own variance because it grows with contrast too."""
    small = _small(image)
    spread = max(float(small.std()), _LEAST_SPREAD)
    return float(cv2.Laplacian(small, cv2.CV_32F).var()) * (40.0 / spread) ** 2


def is_blurred(image: Image) -> bool:
    """True when a picture is too blurred to learn from."""
    return sharpness(image) < _BLURRED_BELOW


def clipped_shares(image: Image) -> tuple[float, float]:
    """Shares of pixels that are black (grey 2 or less) and saturated (254 or more)."""
    grey = grey_of(image)
    return float((grey <= _DARK_LEVEL).mean()), float((grey >= _BRIGHT_LEVEL).mean())


def check_novelty(frame: StereoFrame, views: ViewMemory) -> FrameCheck:
    """Whether the view adds something to what was recorded."""
    distance = views.distance(view_signature(frame.left))
    if distance < SAME_VIEW:
        return FrameCheck("novelty", "seen", "warning", "This view is recorded already: move the camera or the scene.")
    if distance < NEW_VIEW:
        return FrameCheck("novelty", "similar", "", "A view like this one is recorded already.")
    return FrameCheck("novelty", "new", "good", "Nothing like this view was recorded yet.")


def check_disk(folder: Path, bytes_per_s: float = 0.0) -> FrameCheck:
    """Free space where recordings go, and how long it lasts at the present rate of writing."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), None)
    if there is None:
        return FrameCheck("disk", "gone", "bad", f"{folder} does not exist any more.")
    free = shutil.disk_usage(there).free
    tone = "bad" if free < _NO_DISK_BYTES else "warning" if free < _LITTLE_DISK_BYTES else "good"
    lasts = f" That is {free / bytes_per_s / 60:.0f} minutes of recording like this." if bytes_per_s > 0 else ""
    return FrameCheck("disk", f"{free / 1e9:.0f} GB", tone, f"{free / 1e9:.1f} GB are free for recordings.{lasts}")


def check_queue(waiting: int, capacity: int, dropped: int) -> FrameCheck:
    """Whether the disk keeps up."""
    if dropped:
        words = f"{dropped} frames were lost because the disk was too slow."
        return FrameCheck("dropped", f"{dropped}", "bad", words)
    if waiting > capacity / 2:
        words = f"{waiting} of {capacity} frames wait for the disk; at {capacity} frames get lost."
        return FrameCheck("dropped", f"0, {waiting} wait", "warning", words)
    return FrameCheck("dropped", "0", "good", f"No frame was lost; {waiting} of {capacity} wait for the disk.")


def _small(image: Image) -> Image:
    grey = grey_of(image)
    scale = _CHECK_WIDTH_PX / grey.shape[1]
    if scale >= 1:
        return grey
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _fill(depth_mm: NDArray[np.uint16]) -> FrameCheck:
    share = fill_rate(depth_mm)
    tone = "bad" if share < _LOW_FILL else "warning" if share < _FAIR_FILL else "good"
    sentence = {
        "good": "Most pixels of the depth label are measured.",
        "warning": "Many holes in the depth label: switch the projector on or add texture and light.",
        "bad": "Less than half of the label is measured; these frames teach little.",
    }[tone]
    return FrameCheck("fill", f"{share:.0%}", tone, sentence)


def _depth_range(depth_mm: NDArray[np.uint16]) -> FrameCheck:
    coarse = depth_mm[::4, ::4]
    known = coarse[coarse > 0]
    if not known.size:
        return FrameCheck("range", "none", "bad", "No depth is measured at all.")
    near, far = (float(end) / 1000 for end in np.percentile(known, [5, 95]))
    if far < _NARROW_RANGE * near:
        words = "Everything is at one distance: add things nearer and farther."
        return FrameCheck("range", f"{near:.2f}–{far:.2f} m", "warning", words)
    return FrameCheck(
        "range",
        f"{near:.1f}–{far:.1f} m",
        "good",
        f"Nine tenths of the label lie between {near:.2f} m and {far:.2f} m.",
    )


def _sharpness(small: Image) -> FrameCheck:
    value = sharpness(small)
    if value < _BLURRED_BELOW:
        return FrameCheck("sharp", "blurred", "bad", "The picture is blurred: hold still, clean the lens, add light.")
    if value < _SOFT_BELOW:
        return FrameCheck("sharp", "soft", "warning", "The picture is soft: move more slowly or add light.")
    return FrameCheck("sharp", "sharp", "good", "Edges are sharp.")


def _exposure(small: Image) -> FrameCheck:
    _, bright = clipped_shares(small)
    if bright > _CLIPPED_SHARE:
        return FrameCheck("exposure", "too bright", "warning", f"{bright:.0%} of the pixels are saturated.")
    if float(small.mean()) < _DARK_MEAN:
        return FrameCheck("exposure", "dark", "warning", "The picture is dark: raise exposure or gain, or add light.")
    return FrameCheck("exposure", "well lit", "good", "Neither saturated nor dark.")


def _skew(frame: StereoFrame) -> FrameCheck:
    skew_ms = frame.skew_ms
    tone = "good" if skew_ms <= _SKEW_OK_MS else "warning" if skew_ms <= _SKEW_BAD_MS else "bad"
    sentence = (
        "Left and right are exposed together." if tone == "good" else "Left and right differ in time: keep still."
    )
    return FrameCheck("skew", f"{skew_ms:.0f} ms", tone, sentence)
