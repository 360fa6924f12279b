"""FrameLoop: works on the newest frame of a camera, again and again, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from depthstudio.errors import NetworkError, UserError
from depthstudio.frames import Image, StereoFrame

WAIT_S = 0.1
_log = logging.getLogger(__name__)
ResultT = TypeVar("ResultT")


class FrameFeed(Protocol):
    """Where frames come from: a newest-frame subscription of a capture."""

    @property
    def closed(self) -> bool:
        """True when no new frame will come."""
        ...

    def take(self, timeout_s: float = 0) -> StereoFrame | None:
        """The newest frame not taken yet, waiting up to `timeout_s`; None when there is none."""
        ...

    def close(self) -> None:
        """Take no more frames."""
        ...


class FrameLoop(ABC, Generic[ResultT]):
    """Takes the newest frame, works on it, keeps the newest result. Nothing is ever queued: who is slow skips.

    `held` (take no frame, whatever comes) may be set at any time. `error` says why it ended by itself.
    """

    def __init__(self, feed: FrameFeed, name: str) -> None:
        self.error: UserError | None = None
        self.held = False
        self._feed = feed
        self._lock = threading.Lock()
        self._newest: ResultT | None = None
        self._stop = threading.Event()
        self._name = name
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; a loop runs once."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> bool:
        """End after the frame in progress and wait for it. False when it took longer."""
        self._stop.set()
        self._feed.close()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def is_running(self) -> bool:
        """True until stopped or failed."""
        return self._thread.is_alive()

    def take(self) -> ResultT | None:
        """The newest result not taken yet."""
        with self._lock:
            result, self._newest = self._newest, None
            return result

    @abstractmethod
    def _work(self, frame: StereoFrame) -> None:
        """Make a result of a new frame. What it raises ends the loop."""

    def _begin(self) -> None:
        """Called once before the first frame, on the loop's thread."""

    def _idle(self) -> None:
        """Called whenever no new frame came within `_wait_s`."""

    def _end(self) -> None:
        """Called once after the last frame, also after a failure."""

    @property
    def _wait_s(self) -> float:
        """How long to wait for a frame before `_idle`."""
        return WAIT_S

    def _run(self) -> None:
        try:
            self._begin()
            while not self._stop.is_set():
                self._step()
        except UserError as error:
            self.error = error
        except Exception as error:
            _log.exception("The %s failed", self._name)
            self.error = NetworkError(
                f"The {self._name} failed on this source.",
                f"{type(error).__name__}: {error}",
                "Choose another network; the log has the details.",
            )
        finally:
            self._feed.close()
            self._end()

    def _step(self) -> None:
        waits, wait_s = not self.held and not self._feed.closed, self._wait_s
        frame = self._feed.take(wait_s) if waits else None
        if frame is not None:
            self._work(frame)
            return
        if not waits:
            self._stop.wait(wait_s)
        self._idle()


def right_of(frame: StereoFrame) -> Image:
    """The right image. NetworkError when the source has none."""
    if frame.right is None:
        raise NetworkError("This source has no right image.", "Stereo compares two.", "Open a source with a pair.")
    return frame.right
