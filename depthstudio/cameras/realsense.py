"""realsense://serial?mode=ir: a connected RealSense camera."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from depthstudio.cameras.frame_matching import FrameMatcher, StreamFrame
from depthstudio.cameras.realsense_controls import DeviceControls
from depthstudio.cameras.realsense_devices import RealSenseDevice, describe_device, list_devices
from depthstudio.cameras.realsense_frames import (
    FrameConverter,
    Layout,
    calibration_from_profiles,
    partners_of,
    stream_of,
)
from depthstudio.cameras.realsense_profiles import MODES, Mode, StreamRequest, choose_profiles, offered_modes
from depthstudio.cameras.realsense_sdk import load_sdk, sdk_context
from depthstudio.cameras.source import Control, FrameSource, SourceMode, SourceStatus
from depthstudio.cameras.urls import SourceUrl
from depthstudio.cameras.usb_report import realsense_usb_report
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

_OPTIONS = {"mode", "size", "fps", "color"}
_SILENCE_S = 1.0
_LOST_AFTER_S = 5.0
_QUEUE_CAPACITY = 32


class RealSenseSource(FrameSource):
    """Infrared 1 and 2 as the pair, depth as label, colour beside them (mode=ir); or colour with depth (mode=rgb).

    The sensors are opened one by one, not through rs.pipeline: its start holds Python's lock for as long as the camera
    takes, which would freeze the window, and its matcher splits colour off when metadata is missing.
    device: an SDK device object to use instead of looking the serial number up, such as a software device.
    A serial number left empty takes the first camera.
    """

    def __init__(self, url: SourceUrl, device: Any = None) -> None:
        url.check_options(_OPTIONS)
        super().__init__(str(url), "RealSense camera")
        self._url = url
        fps = url.number("fps", 0, 1, 300)
        self._request = StreamRequest(
            url.choice("mode", MODES, "ir"), url.size(), int(fps) or None, url.flag("color", True)
        )
        self.sees_dots = self._request.mode == "ir"
        self._given_device = device
        self._described = RealSenseDevice(url.target, self.title)
        self._sensors: list[Any] = []
        self._calibration: StereoCalibration | None = None
        self._controls: DeviceControls | None = None
        self._modes: tuple[Mode, ...] = ()
        self._current_mode: Mode = (0, 0, 0)
        self._ready: deque[StereoFrame] = deque()
        self._matcher: FrameMatcher | None = None

    def open(self) -> None:
        """Start streaming. SourceError without the camera (at once), or when it lacks the size or rate."""
        rs = load_sdk()
        device = self._given_device or self._find_device()
        self._described = describe_device(rs, device)
        self.title = self._described.name
        self.settings_key = self._described.key
        self.devices = (self._described.key,)
        try:
            sensors = list(device.query_sensors())
            offered = [profile for sensor in sensors for profile in sensor.get_stream_profiles()]
            self._modes = offered_modes(offered, self._request.mode)
            self._start(rs, device, sensors, choose_profiles(offered, self._request))
        except RuntimeError as error:
            self.close()
            advice = "Close other programs that use it, or plug it in again, into a USB 3 port."
            commands = realsense_usb_report().commands()  # without the udev rules it is listed but cannot be opened
            raise SourceError(f"{self.title} does not start.", f"{error}.", " ".join(commands) or advice) from error

    def _find_device(self) -> Any:
        rs, serial = load_sdk(), self._described.serial
        for device in sdk_context().query_devices():
            if not device.is_playback() and serial in ("", describe_device(rs, device).serial):
                return device
        missing = f"RealSense camera {serial} is not connected." if serial else "No camera is connected."
        advice = realsense_usb_report().lines()
        raise SourceError(missing, advice[0], " ".join(advice[1:]))

    def _start(self, rs: Any, device: Any, sensors: list[Any], profiles: dict[str, Any]) -> None:
        sensor_of = {
            stream: next(i for i, sensor in enumerate(sensors) if _offers(sensor, stream)) for stream in profiles
        }
        layout = Layout.choose(profiles)
        depth_sensor = next((sensor for sensor in sensors if sensor.is_depth_sensor()), None)
        units_m, baseline_m = 0.001, None
        if depth_sensor is not None:
            units_m = depth_sensor.as_depth_sensor().get_depth_scale()
            if depth_sensor.supports(rs.option.stereo_baseline):
                baseline_m = depth_sensor.get_option(rs.option.stereo_baseline) / 1000.0
            color_sensor = next(
                (s for i, s in enumerate(sensors) if s is not depth_sensor and _offers(s, "color")), None
            )
            self._controls = DeviceControls(device, depth_sensor, color_sensor, self._halted)
        self._layout, left = layout, profiles[layout.left]
        self._current_mode = left.width(), left.height(), left.fps()
        self._converter = FrameConverter(layout, profiles, units_m)
        self._calibration = calibration_from_profiles(profiles, baseline_m)
        self._matcher = FrameMatcher(layout.left, partners_of(layout, profiles, sensor_of))
        self._queue = rs.frame_queue(_QUEUE_CAPACITY, True)
        for index in sorted(set(sensor_of.values())):
            sensors[index].open([profiles[stream] for stream, i in sensor_of.items() if i == index])
            self._sensors.append(sensors[index])
            sensors[index].start(self._queue)
        self._last_frame_s = self._next_check_s = time.monotonic()

    @contextmanager
    def _halted(self, sensor: Any) -> Iterator[None]:
        """Stop the streams of a sensor, and start them again."""
        sensor.stop()
        try:
            yield
        finally:
            sensor.start(self._queue)
            self._last_frame_s = time.monotonic()

    def close(self) -> None:
        """Stop streaming."""
        sensors, self._sensors, self._controls = self._sensors, [], None
        self._ready.clear()
        if self._matcher is not None:
            self._matcher.clear()  # frames that wait there hold the SDK's memory
        for sensor in sensors:
            for end in (sensor.stop, sensor.close):
                with suppress(RuntimeError):  # it never started, or the camera is gone already
                    end()

    @property
    def calibration(self) -> StereoCalibration | None:
        """The factory geometry of infrared 1 and 2; None in mode rgb."""
        return self._calibration

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the left image. Valid once open."""
        return self._current_mode[:2]

    @property
    def incomplete(self) -> int:
        """Left images that had no right one of the same exposure."""
        return self._matcher.incomplete if self._matcher is not None else 0

    def read(self, timeout_s: float = 0.5) -> StereoFrame | None:
        """The next matched set. SourceError when the camera was unplugged or fell silent for 5 s."""
        if not self._sensors or self._matcher is None:
            raise SourceError(f"{self.title} is not open.")
        deadline_s = time.monotonic() + timeout_s
        while not self._ready:
            remaining_ms = max(1, round((deadline_s - time.monotonic()) * 1000))
            try:
                found, frame = self._queue.try_wait_for_frame(remaining_ms)
            except RuntimeError as error:
                raise self._lost(f"{error}.") from error
            now_s = time.monotonic()
            if found:
                self._last_frame_s = now_s
                self._take(frame, now_s)
            if now_s >= deadline_s and not self._ready:  # frames may come and never make a set
                self._check_presence(now_s)
                return None
        return self._ready.popleft()

    def _take(self, frame: Any, now_s: float) -> None:
        stream, clock = stream_of(frame.get_profile()), frame.get_frame_timestamp_domain().name
        if stream is None or self._matcher is None:
            return
        taken = StreamFrame(stream, frame.get_frame_number(), frame.get_timestamp(), clock, frame.as_video_frame())
        for frames in self._matcher.push(taken):
            self._ready.append(self._converter.convert({name: one.data for name, one in frames.items()}, now_s))

    def _check_presence(self, now_s: float) -> None:
        silence_s = now_s - self._last_frame_s
        if silence_s >= _LOST_AFTER_S:
            raise self._lost(f"No frame came for {silence_s:.0f} s.")
        if silence_s >= _SILENCE_S and now_s >= self._next_check_s and self._given_device is None:
            self._next_check_s = now_s + _SILENCE_S
            if self._described.serial not in {device.serial for device in list_devices()}:
                raise self._lost("It was unplugged, or its cable or port failed.")

    def _lost(self, why: str) -> SourceError:
        return SourceError(f"{self.title} was lost.", why, "Check the cable and open it again.")

    def controls(self) -> tuple[Control, ...]:
        """Preset, exposure, gain and projector, with the device's own ranges; the colour sensor's too."""
        return self._controls.list() if self._controls is not None else ()

    def set_control(self, name: str, value: float) -> None:
        """Set one of `controls`. SourceError when the device refuses."""
        self._opened_controls().set(name, value)

    def export_settings(self) -> str:
        """The advanced-mode settings as JSON."""
        return self._opened_controls().export_json()

    def import_settings(self, text: str) -> None:
        """Load advanced-mode settings from JSON."""
        self._opened_controls().import_json(text)

    def _opened_controls(self) -> DeviceControls:
        if self._controls is None:
            raise SourceError(f"{self.title} is not open.")
        return self._controls

    def modes(self) -> tuple[SourceMode, ...]:
        """Every size and rate of the left stream that this device lists on this link."""
        return tuple(
            SourceMode(
                _mode_text(mode),
                str(replace(self._url, options=_with_mode(self._url, mode))),
                mode == self._current_mode,
            )
            for mode in self._modes
        )

    def status(self) -> SourceStatus:
        """Warns of a slow USB link, and of a baseline that the device itself contradicts."""
        warnings = []
        if self._described.is_slow_usb and self._modes:
            best = max(self._modes, key=lambda mode: (mode[0] * mode[1] * mode[2], mode))
            warnings.append(
                f"{self.title} is on USB {self._described.usb}: {_mode_text(best)} is the most it offers there, and "
                "streams may share even that. Use a USB 3 port and cable."
            )
        contradiction = self._calibration.extra.get("baseline_contradiction") if self._calibration else None
        if contradiction:
            warnings.append(str(contradiction))
        return SourceStatus(tuple(warnings))


def _offers(sensor: Any, stream: str) -> bool:
    profiles: Iterable[Any] = sensor.get_stream_profiles()
    return any(stream_of(profile) == stream for profile in profiles)


def _mode_text(mode: Mode) -> str:
    return f"{mode[0]}x{mode[1]} at {mode[2]}/s"


def _with_mode(url: SourceUrl, mode: Mode) -> dict[str, str]:
    return {**url.options, "size": f"{mode[0]}x{mode[1]}", "fps": str(mode[2])}
