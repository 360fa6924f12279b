"""Recorder: every frame of a capture into a recording session, on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from depthstudio.cameras.capture import CaptureThread
from depthstudio.cameras.frame_stages import FrameStage
from depthstudio.cameras.subscriptions import FrameQueue
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.datasets.views import ViewMemory, view_signature
from depthstudio.errors import DatasetError, UserError
from depthstudio.frames import StereoFrame

QUEUE_CAPACITY = 64
_POLL_S = 0.1
_log = logging.getLogger(__name__)


class Recorder:
    """Drains an every-frame queue through a stage into a SessionWriter until stopped, the source ends, or an error.

    queue: subscribed before the capture started, to record a source that is not live from its first frame; by default
    the recorder subscribes when it starts. Frames that come while paused are left out, and not counted as dropped.
    stage: decides which frames are recorded, or makes them of several; None records every frame.
    views: what was recorded so far, kept up to date here; hand in the one that the stage looks at.
    frame_limit, seconds_limit: it ends by itself after so many recorded frames, or so much time on the source's clock.
    """

    def __init__(
        self,
        capture: CaptureThread,
        writer: SessionWriter,
        queue: FrameQueue | None = None,
        *,
        stage: FrameStage | None = None,
        views: ViewMemory | None = None,
        frame_limit: int | None = None,
        seconds_limit: float | None = None,
    ) -> None:
        self.capture = capture
        self.writer = writer
        self.stage = stage
        self.views = views or ViewMemory()
        self.frame_limit = frame_limit
        self._seconds_limit = seconds_limit
        self._taken = 0
        self._begin_s = 0.0
        self._last_timestamp_s: float | None = None
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
    def refused(self) -> dict[str, int]:
        """Why frames were left out, and how many; those of a pause are not counted."""
        return dict(self.stage.refused) if self.stage is not None else {}

    @property
    def hint(self) -> str:
        """What the person at the camera should do now; empty when nothing."""
        return self.stage.hint if self.stage is not None else ""

    @property
    def is_paused(self) -> bool:
        """True between `pause` and `resume`."""
        return self._paused.is_set()

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
            while not self._queue.ended and not self._is_complete():
                frame = self._queue.get(_POLL_S)
                if frame is None or self._paused.is_set():
                    self._settle(QUEUE_CAPACITY)  # a disk that failed is noticed even when no frame comes
                    continue
                if self._is_beyond_time(frame):
                    break
                self._take(frame)
            self._settle(0)
        except UserError as error:
            self.error = _with_kept(error, self.recorded)
        except Exception as error:
            _log.exception("Recording failed")
            self.error = DatasetError("The recording stopped.", f"{error}.", "What was recorded before is kept.")
        finally:
            self._queue.close()
            if self.stage is not None:
                _quietly(self.stage.close)
            _quietly(self.writer.close)

    def _is_complete(self) -> bool:
        return self.frame_limit is not None and self._taken >= self.frame_limit

    def _is_beyond_time(self, frame: StereoFrame) -> bool:
        """A clock that jumps back, as that of a looped recording does, goes on counting from where it was."""
        now_s, last_s = frame.timestamp_s, self._last_timestamp_s
        if last_s is None:
            self._begin_s = now_s
        elif now_s < last_s:
            self._begin_s -= last_s - now_s
        self._last_timestamp_s = now_s
        return self._seconds_limit is not None and now_s - self._begin_s >= self._seconds_limit

    def _take(self, frame: StereoFrame) -> None:
        chosen = frame if self.stage is None else self.stage.take(frame)
        if chosen is None:
            self._settle(QUEUE_CAPACITY)
            return
        self._taken += 1
        self._in_flight.append(self.writer.submit(chosen))
        self.views.add(view_signature(chosen.left))
        self._settle(keep=QUEUE_CAPACITY)

    def _settle(self, keep: int) -> None:
        """Raise the error of any frame that could not be written; at most `keep` stay unanswered."""
        while self._in_flight and (len(self._in_flight) > keep or self._in_flight[0].done()):
            self._in_flight.popleft().result()


def _with_kept(error: UserError, recorded: int) -> UserError:
    """The same error, saying what is kept."""
    if not recorded:
        return error
    kept = f"The {recorded} frames before are kept." if recorded > 1 else "The frame before is kept."
    told = type(error)(error.what, error.why, f"{kept} {error.next_step}".strip())
    told.__cause__ = error
    return told


def _quietly(close: Callable[[], None]) -> None:
    """The recording is over and its error told: another one that comes now must not keep the rest open."""
    try:
        close()
    except Exception:
        _log.exception("Closing the recording failed")
