"""StereoFrame: what every camera, recording and simulated rig delivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
DepthMm = NDArray[np.uint16]
FloatMap = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class StereoFrame:
    """One synchronised set of images as the cameras delivered them (not rectified). Immutable; arrays are read-only.

    number: the source's own counter; a gap means frames were lost before they reached us.
    timestamp_s, right_timestamp_s: capture times on the source's clock; their difference is the synchronisation skew.
    arrived_s: time.monotonic() when the frame reached this program, the start of every latency figure.
    left, right: (H, W) grey or (H, W, 3) RGB, uint8. right is None for a recording that holds one image stream only.
    depth_mm: (H, W) uint16 in the left camera's pixels, 0 = no measurement.
    color: (H', W', 3) RGB, for sources whose left and right are infrared.
    exact_depth_m: (H, W) float32 in the left camera's pixels, NaN = unknown. Simulated sources only: for judging, never
        for training.
    label_confidence: (H, W) uint8, how sure each pixel of depth_mm is; for labels made of several measurements.
    """

    number: int
    timestamp_s: float
    left: Image
    right: Image | None
    depth_mm: DepthMm | None = None
    color: Image | None = None
    right_timestamp_s: float | None = None
    arrived_s: float = 0.0
    exact_depth_m: FloatMap | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    label_confidence: Image | None = None

    def __post_init__(self) -> None:
        for image in (self.left, self.right, self.depth_mm, self.color, self.exact_depth_m, self.label_confidence):
            if image is not None:
                image.flags.writeable = False
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the left image."""
        return self.left.shape[1], self.left.shape[0]

    @property
    def skew_ms(self) -> float:
        """Absolute time between the two images of the pair, in milliseconds; 0 when the source does not know."""
        if self.right_timestamp_s is None:
            return 0.0
        return abs(self.right_timestamp_s - self.timestamp_s) * 1000.0
