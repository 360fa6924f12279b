"""UsbCamera: one camera (or video file) read by a thread of its own, so that every picture is stamped as it comes."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from depthstudio.cameras.source import EndOfStream
from depthstudio.cameras.usb_devices import UsbTarget, is_connected
from depthstudio.errors import SourceError
from depthstudio.frames import Image

_CAPACITY = 8
_USUAL_FPS = 30.0
_PLAUSIBLE_DELAY_S = 1.0
_FAILURES_UNTIL_LOST = 20
_RETRY_S = 0.05
_CLOSE_TIMEOUT_S = 2.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class UsbPicture:
    """image: (H, W, 3) RGB. time_s: when it was taken, on time.monotonic(). number: counts pictures."""

    image: Image
    time_s: float
    arrived_s: float
    number: int


class UsbCamera:
    """Wraps cv2.VideoCapture. A video file plays in real time, so that it behaves as the camera it stands for.

    size, fps: what to ask for; the camera's own choice when None. `size` and `fps` tell what it gives, once open.
    """

    def __init__(self, target: UsbTarget, size: tuple[int, int] | None = None, fps: int | None = None) -> None:
        self.target = target
        self.size = size or (0, 0)
        self.fps = float(fps or 0)
        self._asked = size, fps
        self._capture: Any = None
        self._changed = threading.Condition()
        self._pictures: deque[UsbPicture] = deque()
        self._end: Exception | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, start_s: float | None = None) -> None:
        """Start reading; a video file begins at start_s of time.monotonic(). SourceError when it cannot be opened."""
        backend = cv2.CAP_V4L2 if self.target.device else cv2.CAP_ANY
        capture = cv2.VideoCapture(self.target.opened, backend)
        if not capture.isOpened():
            capture.release()
            if self.target.is_file:
                raise SourceError(
                    f"The video {self.target.title} cannot be read.", "It is damaged, or of unknown kind."
                )
            raise SourceError(
                f"{self.target.title} does not start.", "Another program may be using it.", "Close that program."
            )
        self._capture = capture
        try:
            self._ask(capture)
        except SourceError:
            self.close()
            raise
        begin_s = time.monotonic() if start_s is None else start_s
        self._thread = threading.Thread(
            target=self._run, args=(capture, begin_s), name=f"usb {self.target.key}", daemon=True
        )
        self._thread.start()

    def _ask(self, capture: Any) -> None:
        size, fps = self._asked
        if not self.target.is_file:
            # Uncompressed pictures of two cameras exceed a USB 2 bus; MJPG is what every such camera has beside them.
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 2)
            if size:
                capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
                capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
            if fps:
                capture.set(cv2.CAP_PROP_FPS, fps)
        given = round(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if size and given != size:
            raise SourceError(
                f"{self.target.title} does not offer {size[0]}x{size[1]}.",
                f"It gives {given[0]}x{given[1]} instead.",
                "Leave size= out, or ask for a size that it has.",
            )
        self.size = given
        self.fps = capture.get(cv2.CAP_PROP_FPS) or _USUAL_FPS

    def take(self, timeout_s: float) -> UsbPicture | None:
        """The next picture, oldest first. EndOfStream after a file's last, SourceError when the camera was lost."""
        with self._changed:
            self._changed.wait_for(lambda: self._pictures or self._end is not None, timeout_s)
            if self._pictures:
                return self._pictures.popleft()
            if self._end is not None:
                raise self._end
            return None

    @property
    def is_open(self) -> bool:
        """True between `open` and `close`."""
        return self._capture is not None

    def close(self) -> None:
        """Stop reading. Harmless when closed already."""
        self._closing.set()
        capture, self._capture = self._capture, None
        if self._thread is not None:
            self._thread.join(_CLOSE_TIMEOUT_S)
        elif capture is not None:
            capture.release()

    def _run(self, capture: Any, begin_s: float) -> None:
        """Reads, and releases the camera in the end: a driver that hangs for longer than `close` waits keeps it."""
        try:
            self._read_until_closed(capture, begin_s)
        except Exception as error:  # whatever it was, who takes pictures must hear it
            _log.exception("Reading %s failed", self.target.title)
            self._finish(self._lost(f"{type(error).__name__}: {error}."))
        finally:
            capture.release()

    def _read_until_closed(self, capture: Any, begin_s: float) -> None:
        number = failures = 0
        while not self._closing.is_set():
            found, pixels = capture.read()
            arrived_s = time.monotonic()
            if not found:
                failures += 1
                if self.target.is_file:
                    return self._finish(EndOfStream())
                if failures >= _FAILURES_UNTIL_LOST or not is_connected(self.target):
                    return self._finish(self._lost())
                self._closing.wait(_RETRY_S)
                continue
            failures = 0
            time_s = begin_s + number / self.fps if self.target.is_file else _taken_s(capture, arrived_s)
            if self.target.is_file and self._closing.wait(max(0.0, time_s - arrived_s)):
                return None
            self._put(UsbPicture(_rgb(pixels), time_s, time.monotonic(), number))
            number += 1
        return None

    def _put(self, picture: UsbPicture) -> None:
        with self._changed:
            if len(self._pictures) >= _CAPACITY:
                self._pictures.popleft()  # nobody reads: the gap in the numbers tells
            self._pictures.append(picture)
            self._changed.notify_all()

    def _finish(self, end: Exception) -> None:
        with self._changed:
            self._end = end
            self._changed.notify_all()

    def _lost(self, why: str = "It delivers no pictures any more.") -> SourceError:
        return SourceError(f"{self.target.title} was lost.", why, "Check the cable and open it again.")


def _taken_s(capture: Any, arrived_s: float) -> float:
    """The driver's time stamp where it is one of the monotonic clock, as with UVC; else that of the arrival."""
    stamped_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
    return stamped_s if 0 <= arrived_s - stamped_s <= _PLAUSIBLE_DELAY_S else arrived_s


def _rgb(pixels: np.ndarray) -> Image:
    if pixels.ndim == 2:
        return np.repeat(pixels[:, :, None], 3, axis=2)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
