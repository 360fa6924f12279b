"""How long the rest of a task takes, judged by how fast it went so far."""

from __future__ import annotations

_LEAST_SHARE = 0.02
_LEAST_S = 1.0


class Pace:
    """Shares of the work (0..1) against the clock, from the first share known: a task that goes on from a half is not
    twice as fast. Pauses do not count. All times are of one clock, in seconds.
    """

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None
        self._share = 0.0
        self._paused_since_s: float | None = None

    @property
    def is_paused(self) -> bool:
        """True while the task stands still."""
        return self._paused_since_s is not None

    def reach(self, share: float, now_s: float) -> None:
        """So much is done; a negative share is unknown, a smaller one than before begins anew."""
        if share < 0:
            self._first = None
        elif self._first is None or share < self._share:
            self._first = share, now_s
        self._share = share

    def set_paused(self, paused: bool, now_s: float) -> None:
        """The task stands still, or goes on."""
        if paused and self._paused_since_s is None:
            self._paused_since_s = now_s
        elif not paused and self._paused_since_s is not None:
            if self._first is not None:
                share, first_s = self._first
                self._first = share, first_s + now_s - max(self._paused_since_s, first_s)
            self._paused_since_s = None

    def left_s(self, now_s: float) -> float | None:
        """Seconds left; None while unknown. Holds still during a pause."""
        if self._first is None:
            return None
        share, first_s = self._first
        done = self._share - share
        elapsed_s = (now_s if self._paused_since_s is None else self._paused_since_s) - first_s
        if done <= _LEAST_SHARE or elapsed_s < _LEAST_S:
            return None
        return elapsed_s * (1.0 - self._share) / done
