"""SensorReader: the frames of one sensor of a .db3 or .bag recording."""

from __future__ import annotations

import queue
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from depthstudio.cameras.frame_matching import StreamFrame
from depthstudio.cameras.realsense_frames import stream_of, streams_of
from depthstudio.cameras.realsense_sdk import load_sdk
from depthstudio.cameras.source import EndOfStream

_CAPACITY = 8
_POLL_S = 0.1
# current_status() reads 'stopped' until playback has begun, and from its end on; frames may still be on their way then.
_SILENCE_AT_START_S = 2.0
_SILENCE_AT_END_S = 0.3


class SensorReader:
    """Every frame of one sensor, once and in order, as fast as they are read.

    Each reader loads the file for itself. Two sensors of one playback device would start one after the other, so that
    the second misses frames, or never starts because the first waits for its reader.
    start_s: begin there, in the file's time of arrivals, `duration_s` long; the first frames then lack partners.
    RuntimeError from the SDK when the file cannot be read.
    """

    def __init__(self, path: Path, start_s: float = 0.0) -> None:
        # A context of its own: in a shared one a file can be loaded once only, and shows among the cameras.
        self._context = load_sdk().context()
        self.device = self._context.load_device(str(path))
        self._playback = self.device.as_playback()
        self._playback.set_real_time(False)
        self.duration_s = self._playback.get_duration().total_seconds()
        if start_s > 0:  # before the sensors start: later, frames of both places would come mixed
            self._playback.seek(timedelta(seconds=start_s))
        self._sensor: Any = None
        self._closing = threading.Event()
        # Not an rs.frame_queue: when one is full, the SDK waits for room in it while holding Python's lock.
        self._frames: queue.Queue[Any] = queue.Queue(_CAPACITY)

    def start(self, sensor_index: int, streams: set[str]) -> None:
        """Begin to deliver these streams of a sensor."""
        self._sensor = self.device.query_sensors()[sensor_index]
        self._sensor.open([profile for stream, profile in streams_of(self._sensor).items() if stream in streams])
        self._has_frames, self._last_frame_s = False, time.monotonic()
        self._sensor.start(self._take)

    def _take(self, frame: Any) -> None:
        """Called on the SDK's thread, which waits until there is room: that is what makes playback lossless."""
        frame.keep()
        while not self._closing.is_set():
            try:
                self._frames.put(frame, timeout=_POLL_S)
                return
            except queue.Full:
                continue

    def read(self, timeout_s: float) -> StreamFrame | None:
        """The next frame, None when it takes longer than `timeout_s` (0.1 s at most), EndOfStream after the last."""
        try:
            frame = self._frames.get(timeout=min(timeout_s, _POLL_S))
        except queue.Empty:
            if self._has_ended():
                raise EndOfStream from None
            return None
        self._has_frames, self._last_frame_s = True, time.monotonic()
        return StreamFrame(
            stream_of(frame.get_profile()) or "",
            frame.get_frame_number(),
            frame.get_timestamp(),
            frame.get_frame_timestamp_domain().name,
            frame.as_video_frame(),
        )

    def _has_ended(self) -> bool:
        if self._playback.current_status() != load_sdk().playback_status.stopped:
            return False
        silence_s = time.monotonic() - self._last_frame_s
        return silence_s >= (_SILENCE_AT_END_S if self._has_frames else _SILENCE_AT_START_S)

    def close(self) -> None:
        """Stop delivering. Harmless when closed already."""
        self._closing.set()
        sensor, self._sensor = self._sensor, None
        if sensor is not None:
            for end in (sensor.stop, sensor.close):
                with suppress(RuntimeError):  # it never started, or stopped by itself at a damaged place
                    end()
