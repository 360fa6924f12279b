"""Measures depth quality of network, camera and SGBM on the newest frames of a source, in a thread of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.evaluation.depth_quality import (
    DepthQuality,
    FrameQuality,
    Region,
    depth_quality,
    frame_quality,
)
from depthstudio.evaluation.sgbm import sgbm_disparity
from depthstudio.frame_loop import FrameFeed, FrameLoop, right_of
from depthstudio.frames import FloatMap, Image, StereoFrame
from depthstudio.geometry import RectifiedGeometry, Rectifier

if TYPE_CHECKING:
    from depthstudio.inference import Predictor

_SGBM_REACH_PX = 128


@dataclass(frozen=True)
class QualityWish:
    """What to measure. frames: how many are averaged. known_distance_m: None when nobody measured it."""

    region: Region
    frames: int = 30
    known_distance_m: float | None = None


@dataclass(frozen=True, eq=False)
class QualityReading:
    """The newest frame and what the last frames together say.

    left: (H, W, 3) uint8 rectified. disparity_px: (H, W) float32 by method. frames: how many are in the means.
    number: frames judged since the wish changed. exact_distance_m: of a simulation, on the axis; None otherwise.
    """

    frame: StereoFrame
    left: Image
    disparity_px: Mapping[str, FloatMap]
    quality: Mapping[str, DepthQuality]
    frames: int
    number: int
    geometry: RectifiedGeometry
    wish: QualityWish
    exact_distance_m: float | None = None


@dataclass
class _Collected:
    wish: QualityWish
    number: int = 0
    frames: dict[str, deque[FrameQuality]] = field(default_factory=dict)

    def add(self, method: str, quality: FrameQuality) -> None:
        self.frames.setdefault(method, deque(maxlen=self.wish.frames)).append(quality)


class QualityLoop(FrameLoop[QualityReading]):
    """Takes the newest frame, judges all methods on it, publishes the newest reading."""

    def __init__(self, feed: FrameFeed, predictor: Predictor, rectifier: Rectifier, wish: QualityWish) -> None:
        super().__init__(feed, "depth measurement")
        self.predictor = predictor
        self._rectifier = rectifier
        self._collected = _Collected(wish)

    def measure(self, wish: QualityWish) -> None:
        """Measure something else, or the same again from the first frame on. What was measured before is not taken."""
        with self._lock:
            self._collected = _Collected(wish)
            self._newest = None

    def _work(self, frame: StereoFrame) -> None:
        left, maps = self._maps(frame)
        geometry = self._rectifier.geometry
        with self._lock:
            collected = self._collected
        wish = collected.wish
        region = wish.region.within(geometry.size)
        for method, disparity_px in maps.items():
            collected.add(method, frame_quality(disparity_px, region, geometry, wish.known_distance_m))
        collected.number += 1
        quality = {
            method: depth_quality(tuple(frames), geometry, wish.known_distance_m)
            for method, frames in collected.frames.items()
        }
        count = min(collected.number, wish.frames)
        exact_m = self._exact_distance_m(frame, region)
        reading = QualityReading(frame, left, maps, quality, count, collected.number, geometry, wish, exact_m)
        with self._lock:
            if self._collected is collected:  # else somebody asked for something else meanwhile
                self._newest = reading

    def _maps(self, frame: StereoFrame) -> tuple[Image, dict[str, FloatMap]]:
        right_raw = right_of(frame)
        prediction = self.predictor.predict(frame.left, right_raw)
        maps = {"network": prediction.disparity_px}
        if frame.depth_mm is not None:
            maps["camera"] = self._rectifier.label_disparity(frame.depth_mm)
        left = self._rectifier.rectify_left(frame.left)
        right = self._rectifier.rectify_right(right_raw)
        reach_px = min(self.predictor.max_disparity or _SGBM_REACH_PX, right.shape[1] // 2)
        maps["sgbm"] = sgbm_disparity(left, right, reach_px)
        return prediction.left_rectified, maps

    def _exact_distance_m(self, frame: StereoFrame, region: Region) -> float | None:
        if frame.exact_depth_m is None:
            return None
        exact_px = self._rectifier.label_disparity(frame.exact_depth_m)
        plane = frame_quality(exact_px, region, self._rectifier.geometry).plane
        return plane.distance_m(self._rectifier.geometry) if plane is not None else None


def board_distance_m(
    points_px: NDArray[np.floating], board_points_m: NDArray[np.floating], geometry: RectifiedGeometry
) -> float | None:
    """Where the plane of a calibration board crosses the axis of the rectified left camera; None when it does not.

    points_px: (N, 2) seen in the rectified left view. board_points_m: (N, 3) on the board.
    """
    f = geometry.focal_px
    K = np.array([[f, 0, geometry.cx], [0, f, geometry.cy], [0, 0, 1]])
    found, turn, place = cv2.solvePnP(
        np.asarray(board_points_m, np.float64), np.asarray(points_px, np.float64).reshape(-1, 1, 2), K, None
    )
    if not found:
        return None
    normal = np.asarray(cv2.Rodrigues(turn)[0], np.float64)[:, 2]
    distance_m = float(normal @ place[:, 0] / normal[2]) if abs(normal[2]) > 1e-6 else 0.0
    return distance_m if distance_m > 0 else None
