"""realsense://serial?mode=ir: a connected RealSense camera."""

from __future__ import annotations

import time
from typing import Any

from depthstudio.cameras.realsense_controls import SensorControls
from depthstudio.cameras.realsense_devices import describe_device, list_devices
from depthstudio.cameras.realsense_frames import FrameConverter, Layout, calibration_from_profiles, stream_of
from depthstudio.cameras.realsense_profiles import MODES, StreamRequest, choose_profiles
from depthstudio.cameras.realsense_sdk import load_sdk, sdk_context
from depthstudio.cameras.source import Control, FrameSource
from depthstudio.cameras.urls import SourceUrl
from depthstudio.cameras.usb_report import realsense_usb_report
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

_OPTIONS = {"mode", "size", "fps", "color"}
_SILENCE_S = 1.0
_LOST_AFTER_S = 5.0


class RealSenseSource(FrameSource):
    """Infrared 1 and 2 as the pair, depth as label, colour beside them (mode=ir); or colour with depth (mode=rgb).

    device: an SDK device object to use instead of looking the serial number up, such as a software device.
    A serial number left empty takes the first camera.
    """

    def __init__(self, url: SourceUrl, device: Any = None) -> None:
        url.check_options(_OPTIONS)
        super().__init__(str(url), "RealSense camera")
        self._serial = url.target
        fps = url.number("fps", 0, 1, 300)
        self._request = StreamRequest(
            url.choice("mode", MODES, "ir"), url.size(), int(fps) or None, url.flag("color", True)
        )
        self._given_device = device
        self._pipeline: Any = None
        self._calibration: StereoCalibration | None = None
        self._controls: SensorControls | None = None
        self.incomplete = 0

    def open(self) -> None:
        """Start streaming. SourceError without the camera (at once), or when it lacks the size or rate."""
        rs = load_sdk()
        device = self._given_device or self._find_device()
        described = describe_device(rs, device)
        self.title, self._serial = described.name, described.serial
        try:
            profiles = choose_profiles(
                (profile for sensor in device.query_sensors() for profile in sensor.get_stream_profiles()),
                self._request,
            )
            self._start(rs, device, profiles)
        except RuntimeError as error:
            self.close()
            advice = "Close other programs that use it, or plug it in again, into a USB 3 port."
            commands = realsense_usb_report().commands()  # without the udev rules it is listed but cannot be opened
            raise SourceError(f"{self.title} does not start.", f"{error}.", " ".join(commands) or advice) from error

    def _find_device(self) -> Any:
        # pipeline.start() without the camera would block for 15 s holding Python's lock: ask first.
        rs = load_sdk()
        for device in sdk_context().query_devices():
            if not device.is_playback() and self._serial in ("", describe_device(rs, device).serial):
                return device
        missing = f"RealSense camera {self._serial} is not connected." if self._serial else "No camera is connected."
        advice = realsense_usb_report().lines()
        raise SourceError(missing, advice[0], " ".join(advice[1:]))

    def _start(self, rs: Any, device: Any, profiles: dict[str, Any]) -> None:
        config = rs.config()
        for profile in profiles.values():
            config.enable_stream(
                profile.stream_type(),
                profile.stream_index(),
                profile.width(),
                profile.height(),
                profile.format(),
                profile.fps(),
            )
        pipeline = rs.pipeline(sdk_context())
        pipeline.set_device(device)
        started = pipeline.start(config)
        self._pipeline = pipeline
        active = {stream_of(profile): profile.as_video_stream_profile() for profile in started.get_streams()}
        streams = {stream: profile for stream, profile in active.items() if stream is not None}
        depth_sensor = next((s for s in started.get_device().query_sensors() if s.is_depth_sensor()), None)
        units_m, baseline_m = 0.001, None
        if depth_sensor is not None:
            units_m = depth_sensor.as_depth_sensor().get_depth_scale()
            if depth_sensor.supports(rs.option.stereo_baseline):
                baseline_m = depth_sensor.get_option(rs.option.stereo_baseline) / 1000.0
            self._controls = SensorControls(depth_sensor)
        self._layout = Layout.choose(streams)
        self._converter = FrameConverter(self._layout, streams, units_m)
        self._calibration = calibration_from_profiles(streams, baseline_m)
        self._half_interval_ms = 500.0 / max(1, streams[self._layout.left].fps())
        self._last_frame_s = self._next_check_s = time.monotonic()

    def close(self) -> None:
        """Stop streaming."""
        pipeline, self._pipeline, self._controls = self._pipeline, None, None
        if pipeline is not None:
            try:
                pipeline.stop()
            except RuntimeError:
                return  # the camera is gone already

    @property
    def calibration(self) -> StereoCalibration | None:
        """The factory geometry of infrared 1 and 2; None in mode rgb."""
        return self._calibration

    def read(self, timeout_s: float = 0.5) -> StereoFrame | None:
        """The next matched set. SourceError when the camera was unplugged or fell silent for 5 s."""
        if self._pipeline is None:
            raise SourceError(f"{self.title} is not open.")
        try:
            found, frameset = self._pipeline.try_wait_for_frames(max(1, round(timeout_s * 1000)))
        except RuntimeError as error:
            raise self._lost(f"{error}.") from error
        now_s = time.monotonic()
        if not found:
            self._check_presence(now_s)
            return None
        self._last_frame_s = now_s
        frames = {stream_of(frame.get_profile()): frame for frame in frameset}
        if not self._belong_together(frames):
            self.incomplete += 1
            return None
        return self._converter.convert({name: data for name, data in frames.items() if name is not None}, now_s)

    def _belong_together(self, frames: dict[str | None, Any]) -> bool:
        """Right and depth must be of the left image's exposure; sets of other moments do occur while starting."""
        left = frames.get(self._layout.left)
        if left is None or (self._layout.right and self._layout.right not in frames):
            return False
        for stream in (self._layout.right, self._layout.depth if self._layout.right else None):
            other = frames.get(stream) if stream else None
            if other is not None and other.get_frame_number() != left.get_frame_number():
                apart_ms = abs(other.get_timestamp() - left.get_timestamp())
                if apart_ms > self._half_interval_ms:
                    return False
        return True

    def _check_presence(self, now_s: float) -> None:
        silence_s = now_s - self._last_frame_s
        if silence_s >= _LOST_AFTER_S:
            raise self._lost(f"No frame came for {silence_s:.0f} s.")
        if silence_s >= _SILENCE_S and now_s >= self._next_check_s and self._given_device is None:
            self._next_check_s = now_s + _SILENCE_S
            if self._serial not in {device.serial for device in list_devices()}:
                raise self._lost("It was unplugged, or its cable or port failed.")

    def _lost(self, why: str) -> SourceError:
        return SourceError(f"{self.title} was lost.", why, "Check the cable and open it again.")

    def controls(self) -> tuple[Control, ...]:
        """Exposure, gain and projector, with the device's own ranges."""
        return self._controls.list() if self._controls is not None else ()

    def set_control(self, name: str, value: float) -> None:
        """Set one of `controls`. SourceError when the device refuses."""
        if self._controls is None:
            raise SourceError(f"{self.title} is not open.")
        self._controls.set(name, value)
