"""A source whose frames, pace and failures a test decides."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from depthstudio.cameras import Control, EndOfStream, FrameSource
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration


def frame(number: int) -> StereoFrame:
    """A small frame whose pixels tell its number."""
    left = np.full((48, 64), number % 256, np.uint8)
    return StereoFrame(number, number / 30, left, left.copy(), np.full((48, 64), 1000 + number, np.uint16))


class ScriptedSource(FrameSource):
    """Delivers `numbers`, then ends, or fails with `failure`. before_read(number) may wait or raise."""

    def __init__(
        self,
        numbers: list[int],
        live: bool = True,
        failure: Exception | None = None,
        before_read: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__("test://scripted", "Scripted source")
        self._numbers = list(numbers)
        self._live = live
        self._failure = failure
        self._before_read = before_read
        self.values = {"gain": 16.0}
        self.threads: set[int] = set()
        self.closed = False

    @property
    def is_live(self) -> bool:
        return self._live

    @property
    def calibration(self) -> StereoCalibration | None:
        return StereoCalibration.rectified_pair(38.5, 0.05, 31.5, 23.5, (64, 48))

    def open(self) -> None:
        self.threads.add(threading.get_ident())

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed = True

    def read(self, timeout_s: float = 0.5) -> StereoFrame | None:
        self.threads.add(threading.get_ident())
        if not self._numbers:
            raise self._failure or EndOfStream
        if self._numbers[0] < 0:  # silence
            time.sleep(timeout_s)
            return None
        number = self._numbers.pop(0)
        if self._before_read is not None:
            self._before_read(number)
        return frame(number)

    def controls(self) -> tuple[Control, ...]:
        return (Control("gain", "Gain", self.values["gain"], 16, 248),)

    def set_control(self, name: str, value: float) -> None:
        self.threads.add(threading.get_ident())
        if name not in self.values:
            raise SourceError(f"no {name}")
        self.values[name] = value
