"""Recorder: every frame of a capture into a recording session, on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections import deque
from concurrent.futures import Future

from depthstudio.cameras.capture import CaptureThread
from depthstudio.cameras.subscriptions import FrameQueue
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.errors import DatasetError, UserError
from depthstudio.frames import StereoFrame

QUEUE_CAPACITY = 64
_POLL_S = 0.1
_log = logging.getLogger(__name__)


class Recorder:
    """Drains an every-frame queue into a SessionWriter until stopped, the source ends, or the disk refuses.

    queue: subscribed before the capture started, to record a source that is not live from its first frame; by default
    the recorder subscribes when it starts. Frames that come while paused are left out, and not counted as dropped.
    frame_limit, seconds_limit: it ends by itself after so many frames, or so much time on the source's clock.
    """

    def __init__(
        self,
        capture: CaptureThread,
        writer: SessionWriter,
        queue: FrameQueue | None = None,
        *,
        frame_limit: int | None = None,
        seconds_limit: float | None = None,
    ) -> None:
        self.capture = capture
        self.writer = writer
        self.frame_limit = frame_limit
        self._seconds_limit = seconds_limit
        self._taken = 0
        self._first_timestamp_s: float | None = None
        self.error: UserError | None = None
        self._queue = queue
        self._paused = threading.Event()
        self._in_flight: deque[Future[int]] = deque()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    @property
    def recorded(self) -> int:
        """Frames that are safely on disk."""
        return self.writer.frame_count

    @property
    def dropped(self) -> int:
        """Frames lost because the disk was too slow."""
        return self._queue.dropped if self._queue is not None else 0

    @property
    def waiting(self) -> int:
        """Frames in the queue; near QUEUE_CAPACITY the disk is about to be too slow."""
        return len(self._queue) if self._queue is not None else 0

    @property
    def is_running(self) -> bool:
        """False once it was stopped, the source ended, or an error ended the recording."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Record from now on."""
        if self._queue is None:
            self._queue = self.capture.every_frame(QUEUE_CAPACITY)
        self._thread.start()

    def pause(self) -> None:
        """Leave frames out until `resume`."""
        self._paused.set()

    def resume(self) -> None:
        """Record again after `pause`."""
        self._paused.clear()

    def stop(self, timeout_s: float = 30.0) -> bool:
        """Take no more frames, write those waiting, close the session. False when the disk takes longer."""
        if self._queue is not None:
            self._queue.close()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        else:
            self.writer.close()
        return not self._thread.is_alive()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the source ended or an error ended the recording. False after `timeout_s`."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        assert self._queue is not None
        try:
            while not self._queue.ended:
                frame = self._queue.get(_POLL_S)
                if frame is None or self._paused.is_set():
                    continue
                if self._is_beyond_limit(frame):
                    break
                self._write(frame)
            self._settle(0)
        except UserError as error:
            self.error = error
        except Exception as error:
            _log.exception("Recording failed")
            self.error = DatasetError("The recording stopped.", f"{error}.", "What was recorded before is kept.")
        finally:
            self._queue.close()
            self._close_writer()

    def _is_beyond_limit(self, frame: StereoFrame) -> bool:
        if self._first_timestamp_s is None:
            self._first_timestamp_s = frame.timestamp_s
        if self._seconds_limit is not None and frame.timestamp_s - self._first_timestamp_s >= self._seconds_limit:
            return True
        self._taken += 1
        return self.frame_limit is not None and self._taken > self.frame_limit

    def _write(self, frame: StereoFrame) -> None:
        self._in_flight.append(self.writer.submit(frame))
        self._settle(keep=QUEUE_CAPACITY)

    def _settle(self, keep: int) -> None:
        """Raise the error of any frame that could not be written; at most `keep` stay unanswered."""
        while self._in_flight and (len(self._in_flight) > keep or self._in_flight[0].done()):
            self._in_flight.popleft().result()

    def _close_writer(self) -> None:
        try:
            self.writer.close()
        except Exception:
            _log.exception("Closing the session failed")
