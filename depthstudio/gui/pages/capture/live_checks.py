"""What a recording is worth, judged on the newest frame: each check is a short value, a tone and one sentence."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from depthstudio.frames import StereoFrame

_CHECK_WIDTH_PX = 320
_BLURRED_BELOW = 15.0
_SOFT_BELOW = 40.0
_CLIPPED_SHARE = 0.05
_DARK_MEAN = 25.0
_LOW_FILL = 0.5
_FAIR_FILL = 0.7
_SKEW_OK_MS = 5.0
_SKEW_BAD_MS = 20.0


@dataclass(frozen=True)
class LiveCheck:
    """name: key of the chip. tone: good, warning, bad or empty. sentence: why, for the tooltip."""

    name: str
    value: str
    tone: str
    sentence: str


def check_frame(frame: StereoFrame) -> list[LiveCheck]:
    """Label fill, sharpness, exposure and skew of one frame; a few milliseconds."""
    image = frame.left
    grey = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    scale = _CHECK_WIDTH_PX / grey.shape[1]
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    checks = [_fill(frame)] if frame.depth_mm is not None else []
    return [*checks, _sharpness(small), _exposure(small), _skew(frame)]


def _fill(frame: StereoFrame) -> LiveCheck:
    assert frame.depth_mm is not None
    share = np.count_nonzero(frame.depth_mm) / frame.depth_mm.size
    tone = "bad" if share < _LOW_FILL else "warning" if share < _FAIR_FILL else "good"
    sentence = {
        "good": "Most pixels of the depth label are measured.",
        "warning": "Many holes in the depth label: switch the projector on or add texture and light.",
        "bad": "Less than half of the label is measured; these frames teach little.",
    }[tone]
    return LiveCheck("fill", f"{share:.0%}", tone, sentence)


def _sharpness(grey: np.ndarray) -> LiveCheck:
    # The variance of the Laplacian grows with contrast too, so it is set against the image's own variance.
    spread = max(float(grey.std()), 4.0)
    sharpness = float(cv2.Laplacian(grey, cv2.CV_32F).var()) * (40.0 / spread) ** 2
    if sharpness < _BLURRED_BELOW:
        return LiveCheck("sharp", "blurred", "bad", "The picture is blurred: hold still, clean the lens, add light.")
    if sharpness < _SOFT_BELOW:
        return LiveCheck("sharp", "soft", "warning", "The picture is soft: move more slowly or add light.")
    return LiveCheck("sharp", "sharp", "good", "Edges are sharp.")


def _exposure(grey: np.ndarray) -> LiveCheck:
    bright = float((grey >= 254).mean())
    if bright > _CLIPPED_SHARE:
        return LiveCheck("exposure", "too bright", "warning", f"{bright:.0%} of the pixels are saturated.")
    if float(grey.mean()) < _DARK_MEAN:
        return LiveCheck("exposure", "dark", "warning", "The picture is dark: raise exposure or gain, or add light.")
    return LiveCheck("exposure", "well lit", "good", "Neither saturated nor dark.")


def _skew(frame: StereoFrame) -> LiveCheck:
    skew_ms = frame.skew_ms
    tone = "good" if skew_ms <= _SKEW_OK_MS else "warning" if skew_ms <= _SKEW_BAD_MS else "bad"
    sentence = (
        "Left and right are exposed together." if tone == "good" else "Left and right differ in time: keep still."
    )
    return LiveCheck("skew", f"{skew_ms:.0f} ms", tone, sentence)
