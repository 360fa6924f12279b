"""From the SDK's frames and stream profiles to ours. Recordings and devices go through the same functions."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from depthstudio.cameras.depth_alignment import DepthAligner
from depthstudio.cameras.frame_matching import Partner
from depthstudio.cameras.realsense_sdk import load_sdk
from depthstudio.errors import CalibrationError, SourceError
from depthstudio.frames import DepthMm, Image, StereoFrame
from depthstudio.geometry import StereoCalibration

# The streams we know, as this module and its users call them.
INFRARED_LEFT, INFRARED_RIGHT, DEPTH, COLOR = "infrared 1", "infrared 2", "depth", "color"

_CONVERSIONS = {
    "bgr8": cv2.COLOR_BGR2RGB,
    "rgba8": cv2.COLOR_RGBA2RGB,
    "bgra8": cv2.COLOR_BGRA2RGB,
    "yuyv": cv2.COLOR_YUV2RGB_YUYV,
    "uyvy": cv2.COLOR_YUV2RGB_UYVY,
}
IMAGE_FORMATS = ("y8", "rgb8", *_CONVERSIONS)
_RECTIFIED_TOLERANCE_PX = 1e-2
_RECTIFIED_TOLERANCE_M = 1e-4
_BASELINE_TOLERANCE = 0.02
_log = logging.getLogger(__name__)


def stream_of(profile: Any) -> str | None:
    """Which of our streams an SDK profile is; None for motion, fisheye and formats that are no picture."""
    rs = load_sdk()
    kind, image_format = profile.stream_type(), profile.format().name
    if kind == rs.stream.depth:
        return DEPTH if image_format == "z16" else None
    if image_format not in IMAGE_FORMATS:
        return None
    if kind == rs.stream.color:
        return COLOR
    if kind == rs.stream.infrared:
        return INFRARED_RIGHT if profile.stream_index() == 2 else INFRARED_LEFT
    return None


def streams_of(sensor: Any) -> dict[str, Any]:
    """The first profile of each of our streams that a sensor offers; a recording has one of each."""
    found: dict[str, Any] = {}
    for profile in sensor.get_stream_profiles():
        stream = stream_of(profile)
        if stream is not None:
            found.setdefault(stream, profile.as_video_stream_profile())
    return found


@dataclass(frozen=True)
class Layout:
    """Which stream becomes which image of a StereoFrame. color: only when left is infrared."""

    left: str
    right: str | None
    depth: str | None
    color: str | None

    @classmethod
    def choose(cls, streams: Mapping[str, Any]) -> Layout:
        """Infrared pair when there is one, else colour, else one infrared image. SourceError with depth alone."""
        depth = DEPTH if DEPTH in streams else None
        color = COLOR if COLOR in streams else None
        if INFRARED_LEFT in streams and INFRARED_RIGHT in streams:
            return cls(INFRARED_LEFT, INFRARED_RIGHT, depth, color)
        if color:
            return cls(COLOR, None, depth, None)
        for stream in (INFRARED_LEFT, INFRARED_RIGHT):
            if stream in streams:
                return cls(stream, None, depth if stream == INFRARED_LEFT else None, None)
        raise SourceError(
            "There is no picture to show.",
            "Neither infrared nor colour was recorded." if depth else "None of its streams is a picture.",
            "Record infrared 1 and 2 beside depth.",
        )


def partners_of(layout: Layout, profiles: Mapping[str, Any], sensor_of: Mapping[str, int]) -> list[Partner]:
    """How the other streams accompany the left one. sensor_of: index of each stream's sensor."""

    def interval_ms(stream: str) -> float:
        return 1000.0 / max(1, profiles[stream].fps())

    partners = []
    for stream in (layout.right, layout.depth, layout.color):
        if stream is not None:
            same_sensor = sensor_of[stream] == sensor_of[layout.left]
            slower_ms = max(interval_ms(stream), interval_ms(layout.left))
            tolerance_ms = slower_ms / 2 if same_sensor else slower_ms
            partners.append(Partner(stream, tolerance_ms, stream == layout.right, same_sensor))
    return partners


def calibration_from_profiles(
    profiles: Mapping[str, Any], sensor_baseline_m: float | None = None
) -> StereoCalibration | None:
    """The geometry of infrared 1 and 2 as the device states it; None without both, or without usable numbers.

    The baseline comes from the extrinsics; `sensor_baseline_m`, the depth sensor's own figure, replaces it when there
    are none and is compared otherwise.
    """
    if INFRARED_LEFT not in profiles or INFRARED_RIGHT not in profiles:
        return None
    try:
        left, right = profiles[INFRARED_LEFT], profiles[INFRARED_RIGHT]
        left_intrinsics, right_intrinsics = left.get_intrinsics(), right.get_intrinsics()
    except RuntimeError:
        return None  # Y16 calibration streams and damaged recordings have none
    R, T = _pose(left, right)
    extrinsics_m = float(np.linalg.norm(T))
    baseline_m = extrinsics_m or sensor_baseline_m or 0.0
    K1, K2 = _matrix(left_intrinsics), _matrix(right_intrinsics)
    D1, D2 = np.array(left_intrinsics.coeffs), np.array(right_intrinsics.coeffs)
    size = (left_intrinsics.width, left_intrinsics.height)
    extra: dict[str, Any] = {"source": "device", "sensor_baseline_m": sensor_baseline_m}
    if contradiction := _baseline_contradiction(extrinsics_m, sensor_baseline_m):
        _log.warning(contradiction)
        extra["baseline_contradiction"] = contradiction
    is_rectified = (
        np.allclose(K1, K2, atol=_RECTIFIED_TOLERANCE_PX)
        and not D1.any()
        and not D2.any()
        and np.allclose(R, np.eye(3), atol=_RECTIFIED_TOLERANCE_M)
        and np.allclose(T[1:], 0, atol=_RECTIFIED_TOLERANCE_M)
    )
    try:
        if is_rectified and abs(K1[0, 0] - K1[1, 1]) < _RECTIFIED_TOLERANCE_PX:
            return StereoCalibration.rectified_pair(K1[0, 0], baseline_m, K1[0, 2], K1[1, 2], size, extra=extra)
        if is_rectified:
            K2, D1, D2, R, T = K1, np.zeros(5), np.zeros(5), np.eye(3), np.array([-baseline_m, 0, 0])
        return StereoCalibration(K1, D1, K2, D2, R, T, image_size=size, extra=extra)
    except CalibrationError as error:
        _log.warning("The device's own calibration is not used: %s", error)
        return None


def _baseline_contradiction(extrinsics_m: float, sensor_m: float | None) -> str:
    if not sensor_m or not extrinsics_m or abs(extrinsics_m - sensor_m) <= _BASELINE_TOLERANCE * sensor_m:
        return ""
    return (
        f"The camera contradicts itself: its baseline is {extrinsics_m * 1e3:.2f} mm by its extrinsics, "
        f"{sensor_m * 1e3:.2f} mm by its depth sensor. Calibrate it."
    )


def _pose(profile: Any, other: Any) -> tuple[np.ndarray, np.ndarray]:
    """R (3, 3) and T (3,) m of x_other = R @ x + T; no rotation and zero when the recording does not say."""
    try:
        extrinsics = profile.get_extrinsics_to(other)
    except RuntimeError:
        return np.eye(3), np.zeros(3)
    rotation = np.array(extrinsics.rotation, np.float64).reshape(3, 3).T
    return rotation, np.array(extrinsics.translation, np.float64)


def _matrix(intrinsics: Any) -> np.ndarray:
    return np.array([[intrinsics.fx, 0, intrinsics.ppx], [0, intrinsics.fy, intrinsics.ppy], [0, 0, 1]])


def image_of(frame: Any) -> Image:
    """A copy of an SDK picture: (H, W) grey or (H, W, 3) RGB, uint8."""
    pixels = np.asanyarray(frame.get_data())
    conversion = _CONVERSIONS.get(frame.get_profile().format().name)
    if conversion is None:
        return pixels.copy()
    if pixels.dtype == np.uint16:  # packed YUV comes as one 16-bit number per pixel
        pixels = pixels.view(np.uint8).reshape(*pixels.shape, 2)
    return np.asarray(cv2.cvtColor(pixels, conversion), np.uint8)


def depth_mm_of(frame: Any, depth_units_m: float) -> DepthMm:
    """A copy of an SDK depth picture as (H, W) uint16 millimetres; what exceeds 65.5 m becomes 0 = none."""
    raw = np.asanyarray(frame.get_data())
    if abs(depth_units_m - 0.001) < 1e-7:
        return raw.copy()
    depth_mm = np.rint(raw * round(depth_units_m * 1000.0, 6))  # the SDK states 0.1 mm as 0.099999998
    return np.where(depth_mm <= np.iinfo(np.uint16).max, depth_mm, 0).astype(np.uint16)


class FrameConverter:
    """Turns matched SDK frames, one per stream, into a StereoFrame.

    Depth is moved into the left image's pixels when it is not there already; lens distortion of a colour camera, some
    tenths of a pixel on D400, is not undone.
    """

    def __init__(self, layout: Layout, profiles: Mapping[str, Any], depth_units_m: float) -> None:
        self._layout = layout
        self._depth_units_m = depth_units_m
        self._aligner: DepthAligner | None = None
        if layout.depth:
            depth, left = profiles[layout.depth], profiles[layout.left]
            if layout.left == COLOR or _size(depth) != _size(left):
                R, T = _pose(depth, left)
                K_depth, K_left = _matrix(depth.get_intrinsics()), _matrix(left.get_intrinsics())
                self._aligner = DepthAligner(K_depth, _size(depth), K_left, _size(left), R=R, T=T)

    def convert(self, frames: Mapping[str, Any], arrived_s: float = 0.0) -> StereoFrame:
        """`frames` holds the left stream and, when the layout has one, the right; depth and colour may be missing."""
        layout = self._layout
        left, right = frames[layout.left], frames[layout.right] if layout.right else None
        depth = frames.get(layout.depth) if layout.depth else None
        color = frames.get(layout.color) if layout.color else None
        metadata = frame_metadata(left)
        for name, other in (("depth_timestamp_s", depth), ("color_timestamp_s", color)):
            if other is not None:
                metadata[name] = other.get_timestamp() / 1000.0
        return StereoFrame(
            number=left.get_frame_number(),
            timestamp_s=left.get_timestamp() / 1000.0,
            left=image_of(left),
            right=image_of(right) if right is not None else None,
            right_timestamp_s=right.get_timestamp() / 1000.0 if right is not None else None,
            depth_mm=self._depth_mm(depth) if depth is not None else None,
            color=image_of(color) if color is not None else None,
            arrived_s=arrived_s,
            metadata=metadata,
        )

    def _depth_mm(self, depth: Any) -> DepthMm:
        depth_mm = depth_mm_of(depth, self._depth_units_m)
        return depth_mm if self._aligner is None else self._aligner.align(depth_mm)


_METADATA = {
    "actual_exposure": "exposure_us",
    "gain_level": "gain",
    "frame_laser_power": "laser_power_mw",
    "frame_emitter_mode": "emitter_mode",
    "auto_exposure": "auto_exposure",
}


def frame_metadata(frame: Any) -> dict[str, Any]:
    """What the device says about one picture; what it does not say is left out."""
    rs = load_sdk()
    metadata: dict[str, Any] = {"clock": frame.get_frame_timestamp_domain().name}
    for name, ours in _METADATA.items():
        key = getattr(rs.frame_metadata_value, name)
        if frame.supports_frame_metadata(key):
            metadata[ours] = frame.get_frame_metadata(key)
    return metadata


def _size(profile: Any) -> tuple[int, int]:
    return profile.width(), profile.height()
