"""RecordedSource: what playing a file, a session and a folder of images have in common."""

from __future__ import annotations

import dataclasses
import time
from abc import abstractmethod

from depthstudio.cameras.source import EndOfStream, FrameSource
from depthstudio.cameras.urls import SourceUrl
from depthstudio.frames import StereoFrame

RECORDED_OPTIONS = {"realtime", "loop"}
_LONGEST_GAP_S = 1.0
_USUAL_GAP_S = 1 / 30


class Pacer:
    """Says when a recorded frame is due, so that frames come at the rate they were recorded at."""

    def __init__(self) -> None:
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
            # A reader that fell behind gets the next frame at once, but what it missed is not made up for.
            due_s = max(self._last_due_s + gap_s, now_s - gap_s)
        self._last_timestamp_s, self._last_due_s = timestamp_s, due_s
        return due_s


class RecordedSource(FrameSource):
    """Plays frames that exist already, every one once and in order.

    realtime: at the recorded rate; else as fast as they are read. loop: begin again at the end, for ever.
    """

    def __init__(self, url: SourceUrl, title: str) -> None:
        super().__init__(str(url), title)
        self.realtime = url.flag("realtime", True)
        self.loop = url.flag("loop", False)
        self.frame_count: int | None = None
        self._pacer = Pacer()
        self._due: tuple[float, StereoFrame] | None = None
        self._delivered = 0

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

    def read(self, timeout_s: float = 0.5) -> StereoFrame | None:
        """The next frame when it is due."""
        if self._due is None:
            frame = self._next_or_rewound(timeout_s)
            if frame is None:
                return None
            now_s = time.monotonic()
            self._due = (self._pacer.schedule(frame.timestamp_s, now_s) if self.realtime else now_s, frame)
        due_s, frame = self._due
        wait_s = due_s - time.monotonic()
        if wait_s > 0:
            time.sleep(min(wait_s, timeout_s))
            if wait_s > timeout_s:
                return None
        self._due = None
        self._delivered += 1
        return dataclasses.replace(frame, arrived_s=time.monotonic())

    def _next_or_rewound(self, timeout_s: float) -> StereoFrame | None:
        try:
            return self.next_frame(timeout_s)
        except EndOfStream:
            if not self.loop or not self._delivered:  # looping over nothing would never return
                raise
            self.rewind()
            return self.next_frame(timeout_s)
