"""How late the window's event loop comes round, and where it was when it was very late."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer

from depthstudio.errors import SettingsError

_TICK_MS = 5
_WATCH_S = 0.01
_STALL_MS = 50.0
_PACKAGE = f"{os.sep}depthstudio{os.sep}"


@dataclass(frozen=True)
class LoopDelays:
    """How much later than due a timer of the window fired."""

    ticks: int
    p50_ms: float
    p99_ms: float
    max_ms: float

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


@dataclass(frozen=True)
class Stall:
    """The loop was this late.

    place: what the window's thread did, innermost last; "event loop" when it was in Qt or waited for the interpreter.
    starved_ms: how long of that the thread was ready but had no processor; None where the system does not tell.
    """

    late_ms: float
    place: str
    starved_ms: float | None = None


class EventLoopDelay(QObject):
    """A timer that listens to how late it is. Made and used on the window's thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._delay_ms: list[float] = []
        self.ticked_s = time.perf_counter()
        self._ticking = QTimer(self, interval=_TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._ticking.timeout.connect(self._on_tick)
        self._ticking.start()

    def stop(self) -> LoopDelays:
        """Everything so far; no more is measured."""
        self._ticking.stop()
        values = np.asarray(self._delay_ms)
        if not len(values):
            return LoopDelays(0, float("nan"), float("nan"), float("nan"))
        p50_ms, p99_ms = np.percentile(values, (50, 99))
        return LoopDelays(len(values), float(p50_ms), float(p99_ms), float(values.max()))

    def _on_tick(self) -> None:
        now_s = time.perf_counter()
        self._delay_ms.append(max(0.0, (now_s - self.ticked_s) * 1000.0 - _TICK_MS))
        self.ticked_s = now_s


class StallWatch:
    """Looks at the stack of the window's thread whenever the loop is late, from a thread of its own."""

    def __init__(self, delay: EventLoopDelay) -> None:
        self._delay = delay
        self._watched = threading.get_ident()
        self._schedule = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stall watch", daemon=True)
        self.stalls: list[Stall] = []
        self._thread.start()

    def stop(self) -> list[Stall]:
        """The stalls, the longest first."""
        self._over.set()
        self._thread.join()
        return sorted(self.stalls, key=lambda stall: -stall.late_ms)

    def _watch(self) -> None:
        seen_s, stalled_s = 0.0, 0.0
        waited_ms = self._waited_ms()
        while not self._over.wait(_WATCH_S):
            ticked_s = self._delay.ticked_s
            late_ms = (time.perf_counter() - ticked_s) * 1000.0 - _TICK_MS
            if ticked_s != seen_s:
                seen_s, waited_ms = ticked_s, self._waited_ms()
            if late_ms < _STALL_MS:
                continue
            if ticked_s == stalled_s:  # still the same one: the last look at it counts
                self.stalls.pop()
            stalled_s, now_ms = ticked_s, self._waited_ms()
            starved_ms = None if now_ms is None or waited_ms is None else now_ms - waited_ms
            self.stalls.append(Stall(late_ms, self._place(), starved_ms))

    def _waited_ms(self) -> float | None:
        """How long the window's thread has been ready without a processor since it began."""
        try:
            return int(self._schedule.read_text().split()[1]) / 1e6
        except (OSError, IndexError, ValueError):
            return None

    def _place(self) -> str:
        frame = sys._current_frames().get(self._watched)
        if frame is None:
            return "over"
        ours = [
            f"{entry.filename.rsplit(_PACKAGE, 1)[1]}:{entry.lineno} {entry.name}"
            for entry in traceback.extract_stack(frame)
            if _PACKAGE in entry.filename and "site-packages" not in entry.filename
        ]
        inner = [place for place in ours if not place.startswith(("cli", f"gui{os.sep}event_loop_delay"))]
        inner = [place for place in inner if "_benchmark.py" not in place]
        return " > ".join(inner[-4:]) or "event loop"


def need_display(command: str) -> None:
    """SettingsError when there is no display to measure a window on. command: what to repeat on a virtual one."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        raise SettingsError(
            "There is no display to open the window on.",
            "The benchmark paints into a real window.",
            f"Run it on a virtual one: xvfb-run -a -s '-screen 0 1920x1080x24' {command}",
        )


def wait(seconds: float) -> None:
    """Let the window live for so long."""
    loop = QEventLoop()
    QTimer.singleShot(round(seconds * 1000), loop.quit)
    loop.exec()


def wait_for(wanted: Callable[[], bool], timeout_s: float, problem: str) -> None:
    """Let the window live until it is so. SettingsError with the problem when it takes too long."""
    deadline = time.monotonic() + timeout_s
    while not wanted():
        if time.monotonic() > deadline:
            raise SettingsError(problem, f"Nothing came in {timeout_s:.0f} s.", "See the window's log.")
        wait(0.05)
