"""RecordedSource: what playing a file, a session and a folder of images have in common."""

from __future__ import annotations

import dataclasses
import time
from abc import abstractmethod

from depthstudio.cameras.source import EndOfStream, FrameSource, PlaybackState, SourceStatus
from depthstudio.cameras.urls import SourceUrl
from depthstudio.frames import StereoFrame

RECORDED_OPTIONS = {"realtime", "loop"}
SLOWEST, FASTEST = 0.1, 16.0
_LONGEST_GAP_S = 1.0
_USUAL_GAP_S = 1 / 30
_PAUSED_POLL_S = 0.02


class Pacer:
    """Says when a recorded frame is due, so that frames come at the rate they were recorded at, times `speed`."""

    def __init__(self) -> None:
        self.speed = 1.0
        self._last_timestamp_s: float | None = None
        self._last_due_s = 0.0

    def schedule(self, timestamp_s: float, now_s: float) -> float:
        """Time (on the clock of `now_s`) at which the frame is due. Pauses and jumps of the recording are skipped."""
        if self._last_timestamp_s is None:
            due_s = now_s
        else:
            gap_s = timestamp_s - self._last_timestamp_s
            if not 0 < gap_s <= _LONGEST_GAP_S:
                gap_s = _USUAL_GAP_S
            gap_s /= self.speed
            # A reader that fell behind gets the next frame at once, but what it missed is not made up for.
            due_s = max(self._last_due_s + gap_s, now_s - gap_s)
        self._last_timestamp_s, self._last_due_s = timestamp_s, due_s
        return due_s

    def restart(self) -> None:
        """The next frame is due at once: playing begins, or goes on elsewhere."""
        self._last_timestamp_s = None


class RecordedSource(FrameSource):
    """Plays frames that exist already, every one once and in order, as if they came from the camera now.

    realtime: at the recorded rate; else as fast as they are read. loop: begin again at the end, for ever.
    `pause`, `step`, `seek`, `set_speed` and `loop` are for the reading thread.
    """

    def __init__(self, url: SourceUrl, title: str) -> None:
        super().__init__(str(url), title)
        self.realtime = url.flag("realtime", True)
        self.loop = url.flag("loop", False)
        self.frame_count: int | None = None
        self.duration_s: float | None = None
        self._pacer = Pacer()
        self._due: tuple[float, StereoFrame] | None = None
        self._delivered = 0
        self._paused = False
        self._steps = 0
        self._origin_s: float | None = None
        self._position_s = 0.0
        self._interval_s = _USUAL_GAP_S
        self._shown: int | None = None
        self._sought_s: float | None = None

    @property
    def is_live(self) -> bool:
        """True when it plays in real time: then it waits for nobody."""
        return self.realtime

    @abstractmethod
    def next_frame(self, timeout_s: float) -> StereoFrame | None:
        """The next recorded frame, None when it takes longer, EndOfStream after the last."""

    @abstractmethod
    def rewind(self) -> None:
        """Begin again at the first frame."""

    @abstractmethod
    def jump(self, position_s: float) -> None:
        """Make the frame at `position_s` after the first, or the one that follows, the next one."""

    @property
    def fetched_index(self) -> int | None:
        """Index of the frame that `next_frame` gave last; None when the recording cannot tell."""
        return None

    @property
    def frame_index(self) -> int | None:
        """Index of the frame delivered last, which one that waits for its time is not yet."""
        return self._shown

    def pause(self, paused: bool) -> None:
        """Deliver nothing until it goes on."""
        self._paused, self._steps = paused, 0
        self._pacer.restart()

    def step(self, frames: int) -> None:
        """Pause, and deliver the next frame (1) or the one before (-1)."""
        self._paused = True
        if frames > 0:
            self._steps += frames
        elif self._sought_s is not None:  # asked for again before the frame there was shown
            self.seek(self._sought_s + frames * self._interval_s)
        else:
            self.seek(self._position_s + (frames - 0.5) * self._interval_s)

    def seek(self, position_s: float) -> None:
        """Go on at `position_s` after the first frame. A paused recording shows the frame there."""
        last_s = self.duration_s if self.duration_s is not None else position_s
        self._sought_s = min(max(position_s, 0.0), last_s)
        self.jump(self._sought_s)
        self._due = None
        self._steps = int(self._paused)
        self._pacer.restart()

    def set_speed(self, speed: float) -> None:
        """Play `speed` times as fast as it was recorded, 0.1 to 16."""
        self._pacer.speed = min(max(speed, SLOWEST), FASTEST)
        self._pacer.restart()

    def read(self, timeout_s: float = 0.5) -> StereoFrame | None:
        """The next frame when it is due; None while paused."""
        if self._paused and not self._steps:
            time.sleep(min(timeout_s, _PAUSED_POLL_S))
            return None
        if self._due is None:
            frame = self._next_or_rewound(timeout_s)
            if frame is None:
                return None
            now_s = time.monotonic()
            waits = self.realtime and not self._paused
            self._due = (self._pacer.schedule(frame.timestamp_s, now_s) if waits else now_s, frame)
        due_s, frame = self._due
        wait_s = due_s - time.monotonic()
        if wait_s > 0:
            time.sleep(min(wait_s, timeout_s))
            if wait_s > timeout_s:
                return None
        self._due = None
        self._note(frame)
        return dataclasses.replace(frame, arrived_s=time.monotonic())

    def _note(self, frame: StereoFrame) -> None:
        self._delivered += 1
        self._shown = self.fetched_index
        was_sought, self._sought_s = self._sought_s is not None, None
        self._steps = max(0, self._steps - 1)
        if self._origin_s is None:
            self._origin_s = self.first_timestamp_s if self.first_timestamp_s is not None else frame.timestamp_s
        position_s = frame.timestamp_s - self._origin_s
        if not was_sought and 0 < position_s - self._position_s <= _LONGEST_GAP_S:
            self._interval_s = position_s - self._position_s
        self._position_s = position_s

    @property
    def first_timestamp_s(self) -> float | None:
        """Time stamp of the first frame, where it is known without reading it."""
        return None

    def status(self) -> SourceStatus:
        """Where playing stands."""
        state = PlaybackState(
            self._position_s,
            self.duration_s,
            self.frame_index,
            self.frame_count,
            self._paused,
            self.loop,
            self._pacer.speed,
        )
        return SourceStatus(playback=state)

    def _next_or_rewound(self, timeout_s: float) -> StereoFrame | None:
        try:
            return self.next_frame(timeout_s)
        except EndOfStream:
            if self._steps:  # there is nothing behind the last frame to step to
                self._steps = 0
                return None
            if not self.loop or not self._delivered:  # looping over nothing would never return
                raise
            self.rewind()
            return self.next_frame(timeout_s)
