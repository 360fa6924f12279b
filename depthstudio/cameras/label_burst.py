"""Label bursts: while nothing moves, several depth pictures become one label with a confidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depthstudio.cameras.frame_stages import MOVING, SEEN, DepthNeeded
from depthstudio.datasets.views import (
    NEW_VIEW,
    STILL_LEVELS,
    ViewMemory,
    motion_levels,
    motion_picture,
    view_signature,
)
from depthstudio.frames import DepthMm, FloatMap, StereoFrame
from depthstudio.geometry import StereoCalibration

BURST_FRAMES = 15
# f * B of a D435 at 640x480, for sources whose geometry is unknown.
_USUAL_PX_MM = 385.0 * 50.0
_HALF_CONFIDENT_PX = 0.25
_LEAST_CONFIDENCE = 0.2
# The 75th percentile of |x - median| is 1.15 sigma of a normal distribution. Not the usual median of it: a pixel on an
# edge that is measured on one surface and then on the other, a little less often, must not count as steady.
_SPREAD_QUANTILE, _QUANTILE_SIGMAS = 0.75, 1.15
_NONE = np.iinfo(np.uint16).max


@dataclass(frozen=True, eq=False)
class FusedLabel:
    """depth_mm: (H, W) uint16 median, 0 = none. confidence: (H, W) uint8, 255 = measured every time with one value."""

    depth_mm: DepthMm
    confidence: NDArray[np.uint8]


def fuse_depths(depths_mm: Sequence[DepthMm], focal_baseline_px_mm: float = _USUAL_PX_MM) -> FusedLabel:
    """The median of what was measured at each pixel, and how far the measurements agree.

    The spread over time, from the 75th percentile of the deviations from the median, is turned into disparity by
    f * B / z^2, where a stereo camera's noise is the same at every distance. confidence = share of frames with a
    measurement / (1 + (spread / 0.25 px)^2). Pixels measured in fewer than half of the frames, or less confident than
    0.2, are left without a label. The lower median is taken, so that every label is a value that was measured.
    """
    stack = np.stack([np.where(depth > 0, depth, _NONE) for depth in depths_mm], axis=-1)
    known = (stack != _NONE).sum(axis=-1)
    median = _quantile(stack, known, 0.5)
    deviation = np.where(stack != _NONE, np.abs(stack.astype(np.int32) - median[..., None]), _NONE).astype(np.uint16)
    spread_mm = _quantile(deviation, known, _SPREAD_QUANTILE).astype(np.float32) / _QUANTILE_SIGMAS
    depth = np.maximum(median, 1).astype(np.float32)
    spread_px = focal_baseline_px_mm * spread_mm / depth**2
    confidence = (known / len(depths_mm)) / (1 + (spread_px / _HALF_CONFIDENT_PX) ** 2)
    usable = (2 * known >= len(depths_mm)) & (known > 0) & (confidence >= _LEAST_CONFIDENCE)
    return FusedLabel(
        np.where(usable, median, 0).astype(np.uint16),
        np.where(usable, np.rint(255 * confidence), 0).astype(np.uint8),
    )


def _quantile(stack: NDArray[np.uint16], known: NDArray[np.integer], share: float) -> NDArray[np.int32]:
    """The value below which `share` of the `known` smallest values of each pixel lie."""
    place = np.clip(np.ceil(share * known).astype(np.intp) - 1, 0, None)[..., None]
    return np.take_along_axis(np.sort(stack, axis=-1), place, axis=-1)[..., 0].astype(np.int32)


def focal_baseline_px_mm(calibration: StereoCalibration | None) -> float:
    """f * B of a rig, for judging spreads of depth; that of a D435 when it is unknown."""
    if calibration is None:
        return _USUAL_PX_MM
    return float(calibration.K1[0, 0]) * calibration.baseline_m * 1000


class LabelBursts:
    """Waits until a new view holds still, fuses `frames` depth pictures, and delivers one frame per burst.

    The images are those of the burst's last frame. A burst in which anything moved is refused and begun again.
    """

    def __init__(self, views: ViewMemory, calibration: StereoCalibration | None, frames: int = BURST_FRAMES) -> None:
        self.refused: Counter[str] = Counter()
        self.hint = ""
        self._depth = DepthNeeded(self.refused)
        self._views = views
        self._frames = frames
        self._scale = focal_baseline_px_mm(calibration)
        self._burst: list[StereoFrame] = []
        self._first: FloatMap | None = None

    def take(self, frame: StereoFrame) -> StereoFrame | None:
        """A fused frame when a burst is complete. SourceError when the source has no depth."""
        if self._depth.is_missing(frame, "There is no depth to fuse."):
            return None
        now = motion_picture(frame.left)
        if self._burst and self._first is not None and motion_levels(self._first, now) > STILL_LEVELS:
            self.refused[MOVING] += len(self._burst)
            self.hint = "Something moved: hold still."
            self._burst.clear()
        if not self._burst:
            if self._views.distance(view_signature(frame.left)) < NEW_VIEW:
                self.refused[SEEN] += 1
                self.hint = "Move on to another view."
                return None
            self._first = now
        self._burst.append(frame)
        if len(self._burst) < self._frames:
            if len(self._burst) > 2:
                self.hint = f"Hold still: {len(self._burst)} of {self._frames}."
            return None
        return self._fused()

    def close(self) -> None:
        """Nothing to put back."""

    def _fused(self) -> StereoFrame:
        burst, self._burst = self._burst, []
        label = fuse_depths([frame.depth_mm for frame in burst if frame.depth_mm is not None], self._scale)
        self.hint = "Recorded. Move on to another view."
        last = burst[-1]
        about = {"burst_frames": len(burst), "burst_first_number": burst[0].number}
        return replace(
            last,
            depth_mm=label.depth_mm,
            label_confidence=label.confidence,
            metadata={**last.metadata, **about},
        )
