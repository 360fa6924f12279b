"""A recording session as a .db3 file of the RealSense SDK, written by the SDK itself from a software device.

Infrared 1 and 2 hold left and right, grey or RGB; depth lies in the left one's pixels. A recording without right images
becomes one of colour (or of infrared 1, when it is grey) and depth. RealSense Viewer and every program of the SDK can
play it. What the format has no place for stays in the session: exact depth, confidences,
metadata, notes.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthstudio.cameras.realsense_frames import COLOR, DEPTH, INFRARED_LEFT, INFRARED_RIGHT
from depthstudio.cameras.realsense_sdk import load_sdk
from depthstudio.cameras.sdk_file import SdkFile
from depthstudio.cameras.source import EndOfStream
from depthstudio.cancel import CancelToken
from depthstudio.datasets.exporting import ExportReport, check_frames
from depthstudio.datasets.session import Session
from depthstudio.errors import DatasetError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

_FPS = 30
_DEPTH_UNITS_M = 0.001
_BROWN_COEFFICIENTS = 5
# The SDK's recorder caches a second of HD video and silently drops what comes faster than the disk takes it.
_MOST_BYTES_PER_S = 120e6
_PAIR_PARTS = {INFRARED_LEFT: "left", INFRARED_RIGHT: "right", DEPTH: "depth_mm", COLOR: "color"}
_STILL_READING_S = 10.0


def export_db3(
    session: Session,
    path: Path,
    on_progress: Callable[[int, int], None] | None = None,
    cancel: CancelToken | None = None,
) -> ExportReport:
    """Write every frame that is not marked out, then read the file back and compare all pixels.

    Where some frames have a right image, those without are left out.
    The calibration is written into the file, and in full into ``<name>.calibration.npz`` beside it. Numbers and times
    are kept when both only grow; else frames are numbered from 1 at 30/s. DatasetError when nothing can be written, or
    the SDK lost a frame; SourceError without the SDK.
    """
    if path.exists():
        raise DatasetError(f"{path} exists already.", "Nothing is overwritten.", "Choose another name.")
    report = ExportReport(path)
    included = session.included
    positions = [i for i in included if "right" in session.records[i]["files"]] or list(included)
    report.left_out["marked out"] = len(session.excluded)
    report.left_out["no right image"] = len(included) - len(positions)
    report.left_out = +report.left_out
    if not positions:
        raise DatasetError(f"Nothing of {session.name} can be exported.", "It has no frame that is not marked out.")
    parts = _parts_of(session, positions[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    total = 2 * len(positions)
    writer = _Writer(session, positions, parts, path)
    try:
        for done, position in enumerate(positions, 1):
            if cancel is not None and cancel.is_cancelled:
                break
            writer.write(session.frame(position))
            report.frames = done
            if on_progress is not None:
                on_progress(done, total)
        writer.close()
        check_frames(report)
        _compare(
            session, positions[: report.frames], parts, path, lambda done: on_progress and on_progress(done, total)
        )
        if session.calibration is not None:
            session.calibration.save(calibration_beside(path))
    except BaseException:
        writer.close()
        path.unlink(missing_ok=True)
        raise
    return report


def calibration_beside(path: Path) -> Path:
    """Where an export keeps the calibration in full; the SDK's file has no room for more than five coefficients."""
    return path.with_suffix(".calibration.npz")


def _parts_of(session: Session, position: int) -> dict[str, str]:
    """Stream -> the part of a frame that it holds; the left image's stream comes first."""
    if "right" in session.records[position]["files"]:
        return _PAIR_PARTS
    return {COLOR if session.frame(position).left.ndim == 3 else INFRARED_LEFT: "left", DEPTH: "depth_mm"}


class _Writer:
    """The software device and the SDK's recorder on it."""

    def __init__(self, session: Session, positions: list[int], parts: dict[str, str], path: Path) -> None:
        rs = load_sdk()
        self._rs, self._parts, self._left = rs, parts, next(iter(parts))
        self._keeps_times = _only_grows(session, positions)
        self._written = 0
        self._device = rs.software_device()
        for key, value in (
            (rs.camera_info.name, f"DepthStudio {session.name}"),
            (rs.camera_info.serial_number, session.folder.name),
            (rs.camera_info.product_line, "D400"),
        ):
            self._device.register_info(key, value)
        stereo = self._device.add_sensor("Stereo Module")
        stereo.add_read_only_option(rs.option.depth_units, _DEPTH_UNITS_M)
        if session.calibration is not None:
            stereo.add_read_only_option(rs.option.stereo_baseline, session.calibration.baseline_m * 1000)
        self._sensors = {"stereo": stereo}
        examples = {stream: self._example(session, positions, part) for stream, part in parts.items()}
        self._shapes = {stream: pixels.shape for stream, pixels in examples.items() if pixels is not None}
        if COLOR in self._shapes:
            self._sensors["color"] = self._device.add_sensor("RGB Camera")
        self._profiles = {stream: self._add(stream, session.calibration) for stream in self._shapes}
        self._relate(session.calibration)
        for sensor in self._sensors.values():
            sensor.set_metadata(rs.frame_metadata_value.actual_fps, _FPS * 1000)
        self._open(path)

    @staticmethod
    def _example(session: Session, positions: list[int], part: str) -> NDArray[Any] | None:
        position = next((i for i in positions if part in session.records[i]["files"]), None)
        return None if position is None else getattr(session.frame(position), part)

    def _sensor(self, stream: str) -> Any:
        return self._sensors["color" if stream == COLOR else "stereo"]

    def _add(self, stream: str, calibration: StereoCalibration | None) -> Any:
        rs = self._rs
        made, shape = rs.video_stream(), self._shapes[stream]
        kinds = {
            INFRARED_LEFT: (rs.stream.infrared, 1),
            INFRARED_RIGHT: (rs.stream.infrared, 2),
            DEPTH: (rs.stream.depth, 0),
            COLOR: (rs.stream.color, 0),
        }
        made.type, made.index = kinds[stream]
        is_rgb = len(shape) == 3
        made.fmt = rs.format.z16 if stream == DEPTH else rs.format.rgb8 if is_rgb else rs.format.y8
        made.bpp = 2 if stream == DEPTH else 3 if is_rgb else 1
        made.uid = list(self._shapes).index(stream)
        made.width, made.height, made.fps = shape[1], shape[0], _FPS
        made.intrinsics = self._intrinsics(stream, calibration)
        return self._sensor(stream).add_video_stream(made, True).as_video_stream_profile()

    def _intrinsics(self, stream: str, calibration: StereoCalibration | None) -> Any:
        intrinsics = self._rs.intrinsics()
        intrinsics.height, intrinsics.width = self._shapes[stream][:2]
        intrinsics.model, intrinsics.coeffs = self._rs.distortion.brown_conrady, [0.0] * _BROWN_COEFFICIENTS
        if (
            calibration is None or stream == COLOR != self._left
        ):  # nobody knows; the picture is kept, its geometry is a guess
            intrinsics.fx = intrinsics.fy = float(intrinsics.width)
            intrinsics.ppx, intrinsics.ppy = (intrinsics.width - 1) / 2, (intrinsics.height - 1) / 2
            return intrinsics
        is_right = stream == INFRARED_RIGHT
        K, D = (calibration.K2, calibration.D2) if is_right else (calibration.K1, calibration.D1)
        intrinsics.fx, intrinsics.fy, intrinsics.ppx, intrinsics.ppy = (
            float(v) for v in (K[0, 0], K[1, 1], K[0, 2], K[1, 2])
        )
        if D.size <= _BROWN_COEFFICIENTS or not D[_BROWN_COEFFICIENTS:].any():
            intrinsics.coeffs = [*map(float, D[:_BROWN_COEFFICIENTS]), *[0.0] * (_BROWN_COEFFICIENTS - D.size)]
        return intrinsics

    def _relate(self, calibration: StereoCalibration | None) -> None:
        """Where the right camera stands; all others share the left one's place."""
        for stream, profile in self._profiles.items():
            if stream == self._left:
                continue
            pose = self._rs.extrinsics()
            R, T = (np.eye(3), np.zeros(3))
            if stream == INFRARED_RIGHT and calibration is not None:
                R, T = calibration.R, calibration.T
            pose.rotation, pose.translation = [float(v) for v in R.T.ravel()], [float(v) for v in T]
            self._profiles[self._left].register_extrinsics_to(profile, pose)

    def _open(self, path: Path) -> None:
        self._recorder: Any = None
        self._recorded: list[Any] = []
        self._queue = self._rs.frame_queue(1)
        try:
            self._recorder = self._rs.recorder(str(path), self._device, False)
            for sensor, name in zip(self._recorder.query_sensors(), self._sensors, strict=True):
                wanted = [p for stream, p in self._profiles.items() if (stream == COLOR) == (name == "color")]
                if not wanted:
                    continue
                sensor.open(wanted)
                sensor.start(self._queue)
                self._recorded.append(sensor)
        except RuntimeError as error:
            self.close()
            path.unlink(missing_ok=True)
            raise DatasetError(f"{path} cannot be written.", f"{error}.", "Choose another folder.") from error

    def write(self, frame: StereoFrame) -> None:
        """Hand one frame to the SDK, no faster than it writes."""
        self._written += 1
        started_s, size = time.monotonic(), 0
        for stream, profile in self._profiles.items():
            pixels = getattr(frame, self._parts[stream])
            if pixels is None:
                continue
            if pixels.shape != self._shapes[stream]:
                raise DatasetError(f"Frame {frame.number} differs in size.", "A .db3 has one size per stream.")
            self._push(stream, profile, np.ascontiguousarray(pixels), frame)
            size += pixels.nbytes
        time.sleep(max(0.0, size / _MOST_BYTES_PER_S - (time.monotonic() - started_s)))

    def _push(self, stream: str, profile: Any, pixels: NDArray[Any], frame: StereoFrame) -> None:
        made = self._rs.software_video_frame()  # one object per frame: using one twice crashes the SDK
        made.pixels = pixels
        made.bpp = pixels.dtype.itemsize * (pixels.shape[2] if pixels.ndim == 3 else 1)
        made.stride = pixels.shape[1] * made.bpp
        timestamp_s, number = frame.timestamp_s, frame.number
        if stream == INFRARED_RIGHT and frame.right_timestamp_s is not None:
            timestamp_s = frame.right_timestamp_s
        if not self._keeps_times:
            timestamp_s, number = self._written / _FPS, self._written
        made.timestamp = timestamp_s * 1000.0
        made.domain = self._rs.timestamp_domain.hardware_clock
        made.frame_number = number
        made.profile = profile
        made.depth_units = _DEPTH_UNITS_M if stream == DEPTH else 0.0
        self._sensor(stream).on_video_frame(made)

    def close(self) -> None:
        """Complete the file. Harmless when closed already."""
        if self._recorder is None:
            return
        while self._recorded:
            sensor = self._recorded.pop()
            for end in (sensor.stop, sensor.close):
                with suppress(RuntimeError):  # a full disk must not leave the file open
                    end()
            del sensor, end
        self._recorder = None
        gc.collect()  # the file is complete only when the SDK's recorder is gone


def _only_grows(session: Session, positions: list[int]) -> bool:
    records = [session.records[i] for i in positions]
    numbers = [record.get("number") or 0 for record in records]
    times = [float(record.get("timestamp_s", 0.0)) for record in records]
    steps = zip(numbers, numbers[1:], times, times[1:], strict=False)
    return all(a < b and s < t for a, b, s, t in steps)


def _compare(
    session: Session, positions: list[int], parts: dict[str, str], path: Path, on_done: Callable[[int], object]
) -> None:
    """DatasetError unless the file gives back every pixel."""
    file = SdkFile(path)
    file.open()
    try:
        for number, position in enumerate(positions, 1):
            frame, stored = session.frame(position), _next(file)
            for part in parts.values():
                mine, theirs = getattr(frame, part), getattr(stored, part, None)
                if (mine is not None or theirs is not None) and not _equal(mine, theirs):
                    raise DatasetError(
                        f"{path.name} could not be written completely.",
                        f"Frame {number} came back from the SDK without its {part.partition('_')[0]} image.",
                        "Try again with less else going on, or export as image folders.",
                    )
            on_done(len(positions) + number)
    finally:
        file.close()


def _equal(mine: NDArray[Any] | None, theirs: NDArray[Any] | None) -> bool:
    return mine is not None and theirs is not None and np.array_equal(mine, theirs)


def _next(file: SdkFile) -> StereoFrame | None:
    deadline_s = time.monotonic() + _STILL_READING_S
    while time.monotonic() < deadline_s:
        try:
            frame = file.read(0.5)
        except EndOfStream:
            return None
        if frame is not None:
            return frame
    return None
