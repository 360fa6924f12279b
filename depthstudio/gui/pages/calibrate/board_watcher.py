"""BoardWatcher: looks for the board in the newest frame, in a thread of its own, and offers it to the collector."""

from __future__ import annotations

import threading
import time
from typing import ClassVar

from PySide6.QtCore import QThread, Signal

from depthstudio.calibration import Board, Offer, ViewCollector
from depthstudio.calibration.detection import find_board_quickly
from depthstudio.cameras import NewestFrame
from depthstudio.frames import StereoFrame

_WAIT_S = 0.2
_DISPLAY_TIMEOUT_S = 0.5
_TAKE_WINDOW_S = 1.5


class BoardWatcher(QThread):
    """seen(StereoFrame, Offer) for every frame looked at; the next one is taken after `shown` was called.

    auto: offer every frame to the collector. Otherwise frames are offered for a moment after `take_view`.
    """

    seen = Signal(object, object)
    _retired: ClassVar[set[BoardWatcher]] = set()

    def __init__(self, newest: NewestFrame, collector: ViewCollector, auto: bool) -> None:
        super().__init__()
        self._newest = newest
        self._collector = collector
        self._idle = threading.Event()
        self._idle.set()
        self._take_until_s = 0.0
        self.auto = auto

    def take_view(self) -> None:
        """Take one view now, when the frame is fit for it."""
        self._take_until_s = time.monotonic() + _TAKE_WINDOW_S

    def shown(self) -> None:
        """The window is ready for the next frame."""
        self._idle.set()

    def retire(self) -> None:
        """End soon, and live until then without an owner: destroying a running thread aborts the program."""
        self._retired.difference_update([watcher for watcher in self._retired if watcher.isFinished()])
        self._retired.add(self)
        self.requestInterruption()
        self._idle.set()
        self._newest.close()

    @classmethod
    def wait_for_retired(cls, timeout_ms: int) -> None:
        """Until all that were retired have ended; for closing the program."""
        for watcher in list(cls._retired):
            if watcher.wait(timeout_ms):
                cls._retired.discard(watcher)

    def run(self) -> None:
        """Entry point of the thread."""
        while not self.isInterruptionRequested():
            frame = self._newest.take(_WAIT_S)
            if frame is None:
                if self._newest.closed:
                    return
                continue
            self._idle.clear()
            self.seen.emit(frame, self._look(frame))
            self._idle.wait(_DISPLAY_TIMEOUT_S)

    def _look(self, frame: StereoFrame) -> Offer:
        taking = time.monotonic() < self._take_until_s
        if not self.auto and not taking:
            return _only_look(frame, self._collector.board)
        offer = self._collector.offer(frame)
        if offer.accepted:
            self._take_until_s = 0.0
        return offer


def _only_look(frame: StereoFrame, board: Board) -> Offer:
    right = find_board_quickly(frame.right, board) if frame.right is not None else None
    return Offer(find_board_quickly(frame.left, board), right, False, "")
