"""A fake D435 made of the SDK's own software device: everything behind it is the real SDK."""

from __future__ import annotations

import gc
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyrealsense2 as rs

from depthstudio.cameras.realsense_sdk import on_devices_changed, sdk_context

WIDTH, HEIGHT, FPS = 64, 48, 30
FOCAL_PX, BASELINE_M = 38.5, 0.05


def picture(stream: str, number: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> np.ndarray:
    """What stream `stream` of the fake camera shows in frame `number`: every picture is different."""
    rng = np.random.default_rng([number, *stream.encode()])
    shape = (size[1], size[0])
    if stream == "depth":
        return rng.integers(0, 5000, shape, dtype=np.uint16)
    return rng.integers(0, 256, (*shape, 3) if stream == "color" else shape, dtype=np.uint8)


def _intrinsics(focal_px: float, size: tuple[int, int]) -> Any:
    intrinsics = rs.intrinsics()
    intrinsics.width, intrinsics.height = size
    intrinsics.fx = intrinsics.fy = focal_px
    intrinsics.ppx, intrinsics.ppy = size[0] / 2 - 0.5, size[1] / 2 + 0.25
    intrinsics.model, intrinsics.coeffs = rs.distortion.brown_conrady, [0] * 5
    return intrinsics


def _translation(x_m: float) -> Any:
    extrinsics = rs.extrinsics()
    extrinsics.rotation, extrinsics.translation = [1, 0, 0, 0, 1, 0, 0, 0, 1], [x_m, 0, 0]
    return extrinsics


def _range(minimum: float, maximum: float, step: float, default: float) -> Any:
    limits = rs.option_range()
    limits.min, limits.max, limits.step, limits.default = minimum, maximum, step, default
    return limits


class SoftwareCamera:
    """device: for RealSenseSource. `push` delivers one set of pictures; `producing` does so at 30/s until left."""

    _STREAMS = (
        ("depth", rs.stream.depth, 0, rs.format.z16, 2),
        ("infrared 1", rs.stream.infrared, 1, rs.format.y8, 1),
        ("infrared 2", rs.stream.infrared, 2, rs.format.y8, 1),
        ("color", rs.stream.color, 0, rs.format.rgb8, 3),
    )

    def __init__(
        self,
        streams: tuple[str, ...] = ("depth", "infrared 1", "infrared 2", "color"),
        *,
        serial: str = "000111222333",
        depth_units_m: float = 0.001,
        baseline_m: float = BASELINE_M,
        size: tuple[int, int] = (WIDTH, HEIGHT),
        sensor_baseline_m: float | None = None,
        usb: str = "3.2",
        has_metadata: bool = True,
        alternates: bool = True,
    ) -> None:
        self.size = size
        self._seen_by_context: list[Any] = []
        self._listens = self._plugged = False
        self.depth_units_m = depth_units_m
        self.device = rs.software_device()
        for key, value in (
            (rs.camera_info.name, "Intel RealSense D435"),
            (rs.camera_info.serial_number, serial),
            (rs.camera_info.product_line, "D400"),
            (rs.camera_info.product_id, "0B07"),
            (rs.camera_info.firmware_version, "5.16.0.1"),
            (rs.camera_info.usb_type_descriptor, usb),
        ):
            self.device.register_info(key, value)
        self.sensors = {"stereo": self.device.add_sensor("Stereo Module")}
        if "color" in streams:
            self.sensors["color"] = self.device.add_sensor("RGB Camera")
        self.profiles = {}
        for uid, (name, *_) in enumerate(self._STREAMS):
            if name in streams:
                self.profiles[name] = self._add_stream(uid)
        self._add_extrinsics(baseline_m)
        self._add_options(sensor_baseline_m or baseline_m, alternates)
        if has_metadata:
            for sensor in self.sensors.values():
                sensor.set_metadata(rs.frame_metadata_value.actual_fps, FPS * 1000)
        if set(streams) == {name for name, *_ in self._STREAMS}:  # it crashes on a set of streams it does not know
            self.device.create_matcher(rs.matchers.dlr_c)

    def _add_stream(self, uid: int) -> Any:
        stream = rs.video_stream()
        name, stream.type, stream.index, stream.fmt, stream.bpp = self._STREAMS[uid]
        stream.uid = uid
        stream.width, stream.height = self.size
        stream.fps = FPS
        stream.intrinsics = _intrinsics(FOCAL_PX * (1.5 if name == "color" else 1.0), self.size)
        return self._sensor(name).add_video_stream(stream, True).as_video_stream_profile()

    def _add_extrinsics(self, baseline_m: float) -> None:
        for first, second, x_m in (
            ("depth", "infrared 1", 0.0),
            ("infrared 1", "infrared 2", -baseline_m),
            ("depth", "color", 0.015),
        ):
            if first in self.profiles and second in self.profiles:
                self.profiles[first].register_extrinsics_to(self.profiles[second], _translation(x_m))

    def _add_options(self, baseline_m: float, alternates: bool) -> None:
        stereo = self.sensors["stereo"]
        stereo.add_read_only_option(rs.option.depth_units, self.depth_units_m)
        stereo.add_read_only_option(rs.option.stereo_baseline, baseline_m * 1000)
        for option, limits in (
            (rs.option.emitter_enabled, _range(0, 2, 1, 1)),
            (rs.option.exposure, _range(1, 165000, 1, 8500)),
            (rs.option.gain, _range(16, 248, 1, 16)),
            (rs.option.laser_power, _range(0, 360, 30, 150)),
            (rs.option.enable_auto_exposure, _range(0, 1, 1, 1)),
            (rs.option.visual_preset, _range(0, 5, 1, 1)),
            *(((rs.option.emitter_on_off, _range(0, 1, 1, 0)),) if alternates else ()),
        ):
            stereo.add_option(option, limits, True)
            stereo.set_option(option, limits.default)
        if "color" in self.sensors:
            for option, limits in (
                (rs.option.enable_auto_exposure, _range(0, 1, 1, 1)),
                (rs.option.exposure, _range(1, 10000, 1, 156)),
            ):
                self.sensors["color"].add_option(option, limits, True)
                self.sensors["color"].set_option(option, limits.default)

    def plug_in(self) -> None:
        """Let the program's own SDK context find it. The SDK forgets a device whose description nobody holds."""
        if not self._listens:
            on_devices_changed(self._hold)
            self._listens = True
        self._plugged = True
        self.device.add_to(sdk_context())

    def _hold(self, change: Any) -> None:
        if self._plugged:
            self._seen_by_context.append(change.get_new_devices())

    def unplug(self) -> None:
        """The context finds it no more."""
        self._plugged = False
        self._seen_by_context.clear()
        gc.collect()

    def _sensor(self, stream: str) -> Any:
        return self.sensors["color" if stream == "color" else "stereo"]

    def push(self, number: int, leave_out: tuple[str, ...] = ()) -> None:
        """Deliver the pictures of one moment. A new SDK frame object each time: using one twice crashes."""
        for name, profile in self.profiles.items():
            if name in leave_out:
                continue
            pixels = np.ascontiguousarray(picture(name, number, self.size))
            frame = rs.software_video_frame()
            frame.pixels = pixels
            frame.bpp = pixels.dtype.itemsize * (pixels.shape[2] if pixels.ndim == 3 else 1)
            frame.stride = self.size[0] * frame.bpp
            frame.timestamp = number * 1000 / FPS
            frame.domain = rs.timestamp_domain.hardware_clock
            frame.frame_number = number
            frame.profile = profile
            frame.depth_units = self.depth_units_m if name == "depth" else 0.0
            self._sensor(name).on_video_frame(frame)

    def produce(self, stop: threading.Event) -> threading.Thread:
        """Deliver pictures at 30/s from another thread until `stop`.

        A busy computer makes it lose frames, as a camera would, and never slows its clock down.
        """

        def run() -> None:
            start_s, number = time.monotonic(), 1
            while not stop.wait(max(0.0, start_s + number / FPS - time.monotonic())):
                self.push(number)
                number = max(number + 1, int((time.monotonic() - start_s) * FPS))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def record(self, path: Path, frames: int, leave_out: dict[int, tuple[str, ...]] | None = None) -> None:
        """Write a .db3 with frames numbered from 1. leave_out: streams missing in a frame, by its number."""
        recorder = rs.recorder(str(path), self.device)
        queue = rs.frame_queue(1)
        sensors = list(recorder.query_sensors())
        by_sensor = [[p for n, p in self.profiles.items() if self._sensor(n) is s] for s in self.sensors.values()]
        for sensor, profiles in zip(sensors, by_sensor, strict=True):
            sensor.open(profiles)
            sensor.start(queue)
        for number in range(1, frames + 1):
            self.push(number, (leave_out or {}).get(number, ()))
        for sensor in sensors:
            sensor.stop()
            sensor.close()
        del sensor, sensors, recorder
        gc.collect()  # the file is complete only when the recorder is gone
