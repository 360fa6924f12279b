"""SdkFile: a .db3 or .bag recording read through the SDK, sensor by sensor.

Not through rs.pipeline: for recordings without a product line its matcher hands out sets that mix frames of different
moments, and it loses the first set of a .bag.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from depthstudio.cameras.frame_matching import FrameMatcher, StreamFrame
from depthstudio.cameras.realsense_frames import (
    FrameConverter,
    Layout,
    calibration_from_profiles,
    partners_of,
    streams_of,
)
from depthstudio.cameras.realsense_sdk import load_sdk
from depthstudio.cameras.sdk_sensor import SensorReader
from depthstudio.cameras.source import EndOfStream
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

_SQLITE = re.compile(r"SQLite error \(\d+\): (.+)")


class SdkFile:
    """One pass over a recording, from `open` to EndOfStream. Opening a damaged .bag can hang: probe it first.

    name: the recorded camera's. profiles: the streams we read, of those the recording has.
    start_s: begin there, in the file's time of arrivals, `duration_s` long.
    """

    def __init__(self, path: Path, start_s: float = 0.0) -> None:
        self.path = path
        self.duration_s = 0.0
        self._start_s = start_s
        self.name = ""
        self.profiles: dict[str, Any] = {}
        self.calibration: StereoCalibration | None = None
        self._readers: dict[int, SensorReader] = {}
        self._ready: list[StereoFrame] = []

    def open(self) -> None:
        """Start reading. SourceError when the SDK cannot read the file or nothing in it is a picture."""
        try:
            first = SensorReader(self.path, self._start_s)
            self.duration_s = first.duration_s
            self._describe(first.device)
            for index in sorted(set(self._sensor_of.values())):
                self._readers[index] = SensorReader(self.path, self._start_s) if self._readers else first
            for index, reader in self._readers.items():
                reader.start(index, {stream for stream, sensor in self._sensor_of.items() if sensor == index})
        except RuntimeError as error:
            self.close()
            raise damaged_file(self.path, str(error)) from error

    def _describe(self, device: Any) -> None:
        rs = load_sdk()
        self.name = device.get_info(rs.camera_info.name) if device.supports(rs.camera_info.name) else self.path.name
        sensor_of: dict[str, int] = {}
        depth_units_m, baseline_m = 0.001, None
        for index, sensor in enumerate(device.query_sensors()):
            for stream, profile in streams_of(sensor).items():
                self.profiles.setdefault(stream, profile)
                sensor_of.setdefault(stream, index)
            if sensor.is_depth_sensor():
                depth_units_m = sensor.as_depth_sensor().get_depth_scale()
                if sensor.supports(rs.option.stereo_baseline):
                    baseline_m = sensor.get_option(rs.option.stereo_baseline) / 1000.0
        layout = Layout.choose(self.profiles)
        wanted = {layout.left, layout.right, layout.depth, layout.color}
        self._sensor_of = {stream: index for stream, index in sensor_of.items() if stream in wanted}
        self.calibration = calibration_from_profiles(self.profiles, baseline_m)
        self._matcher = FrameMatcher(layout.left, partners_of(layout, self.profiles, self._sensor_of))
        self._converter = FrameConverter(layout, self.profiles, depth_units_m)

    def close(self) -> None:
        """Stop reading. Harmless when closed already."""
        readers, self._readers = self._readers, {}
        for reader in readers.values():
            reader.close()

    @property
    def incomplete(self) -> int:
        """Left images that had no right one."""
        return self._matcher.incomplete

    def read(self, timeout_s: float) -> StereoFrame | None:
        """The next frame, None when it takes longer than `timeout_s`, EndOfStream after the last."""
        deadline_s = time.monotonic() + timeout_s
        while not self._ready:
            sensor = self._sensor_of[self._matcher.awaited]
            if sensor not in self._readers:
                raise EndOfStream
            try:
                frame = self._readers[sensor].read(timeout_s)
            except EndOfStream:
                self._readers.pop(sensor).close()
                ended = [stream for stream, index in self._sensor_of.items() if index == sensor]
                self._ready += self._converted(self._matcher.end(ended))
                continue
            if frame is not None:
                self._ready += self._converted(self._matcher.push(frame))
            elif time.monotonic() >= deadline_s:
                return None
        return self._ready.pop(0)

    def _converted(self, matched: Iterator[dict[str, StreamFrame]]) -> Iterator[StereoFrame]:
        for frames in matched:
            yield self._converter.convert({stream: frame.data for stream, frame in frames.items()})


def damaged_file(path: Path, reason: str) -> SourceError:
    """What the user is told about a recording that cannot be read. reason: the SDK's words, cut to what matters."""
    if path.exists() and not path.stat().st_size:
        reason = "The file is empty"
    elif found := _SQLITE.search(reason):
        reason = f"SQLite says: {found[1]}"
    return SourceError(
        f"The recording {path.name} cannot be read.",
        f"{reason.rstrip('.')}.",
        "It may be damaged or incomplete: copy it again, or open another one.",
    )
