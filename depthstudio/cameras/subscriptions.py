"""The two ways to receive frames from a capture thread: the newest only, or every one through a bounded queue."""

from __future__ import annotations

import threading
from collections import deque

from depthstudio.frames import StereoFrame


class _Subscription:
    """At most `capacity` frames waiting, handed out in order. delivered: frames taken; dropped: frames never seen."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("A queue holds at least one frame.")
        self.capacity = capacity
        self._changed = threading.Condition()
        self._frames: deque[StereoFrame] = deque()
        self._closed = False
        self.delivered = 0
        self.dropped = 0

    def close(self) -> None:
        """Take no more frames; those waiting can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """True when no new frame will come."""
        return self._closed

    def drop(self) -> None:
        """Called by the capture thread: a frame found no room."""
        with self._changed:
            self.dropped += 1

    def _next(self, timeout_s: float) -> StereoFrame | None:
        with self._changed:
            if timeout_s > 0:
                self._changed.wait_for(lambda: self._frames or self._closed, timeout_s)
            if not self._frames:
                return None
            self.delivered += 1
            self._changed.notify_all()
            return self._frames.popleft()


class NewestFrame(_Subscription):
    """Holds the newest frame; an older one not taken yet is replaced and counted as dropped."""

    def __init__(self) -> None:
        super().__init__(capacity=1)

    def take(self, timeout_s: float = 0) -> StereoFrame | None:
        """The newest frame not taken yet, waiting up to `timeout_s` for one; None when there is none."""
        return self._next(timeout_s)

    def offer(self, frame: StereoFrame, wait_s: float = 0) -> bool:
        """Called by the capture thread. Always True: the newest frame finds room."""
        with self._changed:
            if not self._closed:
                self.dropped += len(self._frames)
                self._frames.clear()
                self._frames.append(frame)
                self._changed.notify_all()
            return True


class FrameQueue(_Subscription):
    """Every frame in order, at most `capacity` of them waiting; frames that find it full are dropped and counted."""

    def get(self, timeout_s: float) -> StereoFrame | None:
        """The next frame, waiting up to `timeout_s`; None when none came. `ended` tells whether more may come."""
        return self._next(timeout_s)

    @property
    def ended(self) -> bool:
        """True when no new frame will come and every waiting one was got."""
        with self._changed:
            return self._closed and not self._frames

    def __len__(self) -> int:
        return len(self._frames)

    def offer(self, frame: StereoFrame, wait_s: float = 0) -> bool:
        """Called by the capture thread. False when the queue stayed full for `wait_s`; the frame is not counted yet."""
        with self._changed:
            has_room = self._changed.wait_for(lambda: len(self._frames) < self.capacity or self._closed, wait_s)
            if has_room and not self._closed:
                self._frames.append(frame)
                self._changed.notify_all()
            return has_room
