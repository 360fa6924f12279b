"""Rates and durations of something that happens again and again."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

_RATE_WINDOW_S = 2.0
_KEPT = 120


@dataclass(frozen=True)
class TimeSummary:
    """rate_hz: over two seconds, more when it is slow. p50_ms, p95_ms: of the last 120 times, NaN before the first."""

    rate_hz: float = 0.0
    p50_ms: float = float("nan")
    p95_ms: float = float("nan")


class RollingTimes:
    """The last durations of a repeated step. Any thread may add, any may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: deque[tuple[float, float]] = deque(maxlen=_KEPT)

    def add(self, duration_ms: float) -> None:
        """One more, finished now."""
        with self._lock:
            self._times.append((time.monotonic(), duration_ms))

    def summary(self) -> TimeSummary:
        """How often and how long."""
        with self._lock:
            times = list(self._times)
        if not times:
            return TimeSummary()
        now = time.monotonic()
        window_s = max(_RATE_WINDOW_S, 2.5 * (times[-1][0] - times[-2][0])) if len(times) > 1 else _RATE_WINDOW_S
        recent = [moment for moment, _ in times if moment >= now - window_s]
        apart_s = recent[-1] - recent[0] if len(recent) > 1 else 0.0
        rate_hz = (len(recent) - 1) / apart_s if apart_s > 0 else 0.0
        p50_ms, p95_ms = np.percentile([duration for _, duration in times], [50, 95])
        return TimeSummary(rate_hz, float(p50_ms), float(p95_ms))
