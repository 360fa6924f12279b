"""How late the window's event loop comes round, and where it was when it was very late."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer

from depthstudio.errors import SettingsError

_TICK_MS = 5
_WATCH_S = 0.01
_STALL_MS = 50.0
_NOWHERE = "event loop"
_PACKAGE = f"{os.sep}depthstudio{os.sep}"


@dataclass(frozen=True)
class LoopDelays:
    """How much later than due a timer of the window fired."""

    ticks: int
    p50_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, delays_ms: Sequence[float]) -> LoopDelays:
        """Of single delays; NaN without any."""
        if not len(delays_ms):
            return cls(0, float("nan"), float("nan"), float("nan"))
        p50_ms, p99_ms = np.percentile(delays_ms, (50, 99))
        return cls(len(delays_ms), float(p50_ms), float(p99_ms), float(max(delays_ms)))


@dataclass(frozen=True)
class Stall:
    """The loop was this late.

    place: what the window's thread did, innermost last; "event loop" when it was in Qt or waited for the interpreter.
    computing_ms, starved_ms: how long of that the thread computed, and was ready but had no processor; the rest it
    waited, as a rule for the interpreter lock. None where the system does not tell.
    """

    late_ms: float
    place: str
    computing_ms: float | None = None
    starved_ms: float | None = None


class EventLoopDelay(QObject):
    """A timer that listens to how late it is. Made and used on the window's thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.delays_ms: list[float] = []
        self.ticked_s = time.perf_counter()
        self._ticking = QTimer(self, interval=_TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._ticking.timeout.connect(self._on_tick)
        self._ticking.start()

    def stop(self) -> LoopDelays:
        """Everything so far; no more is measured."""
        self._ticking.stop()
        return LoopDelays.of(self.delays_ms)

    def _on_tick(self) -> None:
        now_s = time.perf_counter()
        self.delays_ms.append(max(0.0, (now_s - self.ticked_s) * 1000.0 - _TICK_MS))
        self.ticked_s = now_s


class StallWatch:
    """Looks at the stack of the window's thread whenever the loop is late, from a thread of its own."""

    def __init__(self, delay: EventLoopDelay) -> None:
        self._delay = delay
        self._watched = threading.get_ident()
        self._schedule = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._over = threading.Event()
        self._stalls: list[Stall] = []
        self._thread = threading.Thread(target=self._watch, name="stall watch", daemon=True)
        self._thread.start()

    def stop(self) -> list[Stall]:
        """Every time the loop was later than 50 ms, in order."""
        self._over.set()
        self._thread.join()
        return self._stalls

    def _watch(self) -> None:
        seen_s, stalled_s = 0.0, 0.0
        before = self._scheduled_ms()
        while not self._over.wait(_WATCH_S):
            ticked_s = self._delay.ticked_s
            late_ms = (time.perf_counter() - ticked_s) * 1000.0 - _TICK_MS
            if ticked_s != seen_s:
                seen_s, before = ticked_s, self._scheduled_ms()
            if late_ms < _STALL_MS:
                continue
            place, now = self._place(), self._scheduled_ms()
            if ticked_s == stalled_s:  # still the same one: the last look at it counts, and the last place of ours
                seen = self._stalls.pop().place
                place = seen if place == _NOWHERE else place
            stalled_s = ticked_s
            shares = (now[0] - before[0], now[1] - before[1]) if now and before else (None, None)
            self._stalls.append(Stall(late_ms, place, *shares))

    def _scheduled_ms(self) -> tuple[float, float] | None:
        """How long the window's thread has computed, and has been ready without a processor, since it began."""
        try:
            computed_ns, waited_ns, _ = self._schedule.read_text().split()
        except (OSError, ValueError):
            return None
        return int(computed_ns) / 1e6, int(waited_ns) / 1e6

    def _place(self) -> str:
        frame = sys._current_frames().get(self._watched)
        stack = traceback.extract_stack(frame) if frame is not None else []
        waits = [i for i, entry in enumerate(stack) if entry.filename == __file__]
        inner = stack[waits[-1] + 1 :] if waits else stack
        ours = [entry for entry in inner if _PACKAGE in entry.filename and "site-packages" not in entry.filename]
        shown = (ours or inner)[-4:]
        names = (f"{Path(*Path(entry.filename).parts[-3:])}:{entry.lineno} {entry.name}" for entry in shown)
        return " > ".join(names) or _NOWHERE


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
