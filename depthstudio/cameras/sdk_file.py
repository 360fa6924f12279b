"""SdkFile: a .db3 or .bag recording read through the SDK, sensor by sensor.

Not through rs.pipeline: for recordings without a product line its matcher hands out sets that mix frames of different
moments, and it loses the first set of a .bag. The sensors deliver every frame of every stream once and in order.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from depthstudio.cameras.frame_matching import FrameMatcher, Partner, StreamFrame
from depthstudio.cameras.realsense_frames import (
    FrameConverter,
    Layout,
    calibration_from_profiles,
    stream_of,
)
from depthstudio.cameras.realsense_sdk import load_sdk
from depthstudio.cameras.source import EndOfStream
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame

_QUEUE_CAPACITY = 16
_POLL_MS = 100
# current_status() reads 'stopped' until playback has begun, and from its end on; frames may still be on their way then.
_SILENCE_AT_START_S = 2.0
_SILENCE_AT_END_S = 0.3


class SdkFile:
    """One pass over a recording, from `open` to EndOfStream. Opening a damaged .bag can hang: probe it first.

    name: the recorded camera's. profiles: the streams we read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = ""
        self.serial = ""
        self.profiles: dict[str, Any] = {}
        self._sensors: list[Any] = []
        self._ready: list[StereoFrame] = []

    def open(self) -> None:
        """Start reading. SourceError when the SDK cannot read the file or nothing in it is a picture."""
        rs = load_sdk()
        try:
            # A context of its own: in the shared one the file would appear among the connected cameras.
            self._context = rs.context()
            device = self._context.load_device(str(self.path))
            self._playback = device.as_playback()
            self._playback.set_real_time(False)
            self._describe(rs, device)
            self._queue = rs.frame_queue(_QUEUE_CAPACITY, keep_frames=True)
            self._start_sensors(device)
        except RuntimeError as error:
            self.close()
            raise damaged_file(self.path, str(error)) from error
        self._started_s = self._last_frame_s = time.monotonic()
        self._has_frames = False

    def _describe(self, rs: Any, device: Any) -> None:
        self.name = device.get_info(rs.camera_info.name) if device.supports(rs.camera_info.name) else self.path.name
        if device.supports(rs.camera_info.serial_number):
            self.serial = device.get_info(rs.camera_info.serial_number)
        self._sensor_of: dict[str, int] = {}
        self.depth_units_m, baseline_m = 0.001, None
        for index, sensor in enumerate(device.query_sensors()):
            for profile in sensor.get_stream_profiles():
                stream = stream_of(profile)
                if stream is not None and stream not in self.profiles:
                    self.profiles[stream] = profile.as_video_stream_profile()
                    self._sensor_of[stream] = index
            if sensor.is_depth_sensor():
                self.depth_units_m = sensor.as_depth_sensor().get_depth_scale()
                if sensor.supports(rs.option.stereo_baseline):
                    baseline_m = sensor.get_option(rs.option.stereo_baseline) / 1000.0
        self.layout = Layout.choose(self.profiles)
        self.calibration = calibration_from_profiles(self.profiles, baseline_m)
        self._matcher = self._make_matcher()
        self._converter = FrameConverter(self.layout, self.profiles, self.depth_units_m)

    def _make_matcher(self) -> FrameMatcher:
        layout = self.layout

        def interval_ms(stream: str) -> float:
            return 1000.0 / max(1, self.profiles[stream].fps())

        partners = []
        for stream in (layout.right, layout.depth, layout.color):
            if stream is not None:
                same_sensor = self._sensor_of[stream] == self._sensor_of[layout.left]
                slower_ms = max(interval_ms(stream), interval_ms(layout.left))
                tolerance_ms = slower_ms / 2 if same_sensor else slower_ms
                partners.append(Partner(stream, tolerance_ms, stream == layout.right, same_sensor))
        return FrameMatcher(layout.left, partners)

    def _start_sensors(self, device: Any) -> None:
        opened: dict[int, list[Any]] = {}
        for stream, index in self._sensor_of.items():
            opened.setdefault(index, []).append(self.profiles[stream])
        sensors = device.query_sensors()
        for index, profiles in opened.items():
            sensors[index].open(profiles)
            self._sensors.append(sensors[index])
        for sensor in self._sensors:
            sensor.start(self._queue)

    def close(self) -> None:
        """Stop reading. Harmless when closed already."""
        sensors, self._sensors = self._sensors, []
        for sensor in sensors:
            try:
                sensor.stop()
                sensor.close()
            except RuntimeError:
                continue  # it never started, or the file ended meanwhile
        self._playback = self._context = None

    @property
    def incomplete(self) -> int:
        """Left images that had no right one."""
        return self._matcher.incomplete

    def read(self, timeout_s: float) -> StereoFrame | None:
        """The next frame, None when it takes longer than `timeout_s`, EndOfStream after the last."""
        deadline_s = time.monotonic() + timeout_s
        while not self._ready:
            if not self._sensors:
                raise EndOfStream
            found, frame = self._queue.try_wait_for_frame(min(_POLL_MS, max(1, round(timeout_s * 1000))))
            if found:
                self._has_frames, self._last_frame_s = True, time.monotonic()
                self._ready += self._converted(self._matcher.push(_describe_frame(frame)))
            elif self._has_ended():
                self._ready += self._converted(self._matcher.flush())
                self.close()
            elif time.monotonic() >= deadline_s:
                return None
        return self._ready.pop(0)

    def _converted(self, matched: Iterator[dict[str, StreamFrame]]) -> Iterator[StereoFrame]:
        for frames in matched:
            yield self._converter.convert({stream: frame.data for stream, frame in frames.items()})

    def _has_ended(self) -> bool:
        if self._playback.current_status() != load_sdk().playback_status.stopped:
            return False
        silence_s = time.monotonic() - self._last_frame_s
        return silence_s >= (_SILENCE_AT_END_S if self._has_frames else _SILENCE_AT_START_S)


def _describe_frame(frame: Any) -> StreamFrame:
    profile = frame.get_profile()
    return StreamFrame(
        stream_of(profile) or "",
        frame.get_frame_number(),
        frame.get_timestamp(),
        frame.get_frame_timestamp_domain().name,
        frame.as_video_frame(),
    )


def damaged_file(path: Path, reason: str) -> SourceError:
    """What the user is told about a recording that cannot be read."""
    return SourceError(
        f"The recording {path.name} cannot be read.",
        f"{reason.rstrip('.')}.",
        "It may be damaged or incomplete: copy it again, or open another one.",
    )
