"""Software synchronisation: pictures of two cameras that share no trigger, paired by their times."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

Left = TypeVar("Left")
Right = TypeVar("Right")

TIGHT_S = 0.005
NORMAL_S = 0.017  # half an interval at 30/s: what two free-running cameras reach
_MOST_WAITING = 32
_RECENT_PAIRS = 60


@dataclass(frozen=True)
class SyncCounters:
    """Pairs by their skew (tight: up to 5 ms, normal: up to 17 ms, loose: up to the tolerance), and what found no pair.

    recent_skew_ms: median over the last 60 pairs; None before the first.
    """

    tight: int = 0
    normal: int = 0
    loose: int = 0
    left_unpaired: int = 0
    right_unpaired: int = 0
    recent_skew_ms: float | None = None

    @property
    def paired(self) -> int:
        """All pairs."""
        return self.tight + self.normal + self.loose


@dataclass(frozen=True)
class Pair(Generic[Left, Right]):
    """Two pictures that belong together. quality: ``tight``, ``normal`` or ``loose``."""

    left: Left
    right: Right
    left_s: float
    right_s: float
    quality: str


class Pairer(Generic[Left, Right]):
    """Gives each left picture its nearest right one within `tolerance_s`; each picture is used once at most.

    A left picture is decided once a right one of the same time or later is there, because only then the nearest is
    known. Pictures left behind by a stalled partner are counted and never mixed with later ones.
    """

    def __init__(self, tolerance_s: float) -> None:
        self.tolerance_s = tolerance_s
        self._lefts: deque[tuple[float, Left]] = deque()
        self._rights: deque[tuple[float, Right]] = deque()
        self._counts = {"tight": 0, "normal": 0, "loose": 0}
        self._left_unpaired = self._right_unpaired = 0
        self._skews_s: deque[float] = deque(maxlen=_RECENT_PAIRS)
        self._nearest_miss_s = 0.0

    def push_left(self, picture: Left, time_s: float) -> None:
        """Take a left picture; times of each side only grow."""
        self._lefts.append((time_s, picture))
        if len(self._lefts) > _MOST_WAITING:
            self._lefts.popleft()
            self._left_unpaired += 1

    def push_right(self, picture: Right, time_s: float) -> None:
        """Take a right picture."""
        self._rights.append((time_s, picture))
        if len(self._rights) > _MOST_WAITING:
            self._rights.popleft()
            self._right_unpaired += 1

    def next_pair(self) -> Pair[Left, Right] | None:
        """The next decided pair, in order; None while nothing more can be decided."""
        while self._lefts and self._rights and self._rights[-1][0] >= self._lefts[0][0]:
            left_s, left = self._lefts.popleft()
            nearest = min(range(len(self._rights)), key=lambda i: abs(self._rights[i][0] - left_s))
            right_s, right = self._rights[nearest]
            skew_s = abs(right_s - left_s)
            if skew_s > self.tolerance_s:
                self._left_unpaired += 1
                self._nearest_miss_s = skew_s
                self._forget_before(left_s - self.tolerance_s)
                continue
            if right_s - left_s > NORMAL_S and not self._lefts:
                self._lefts.appendleft((left_s, left))
                return None  # the next left picture may be nearer to it
            if self._lefts and abs(self._lefts[0][0] - right_s) < skew_s:
                self._left_unpaired += 1  # the next left picture is nearer to it
                continue
            for _ in range(nearest):
                self._rights.popleft()
                self._right_unpaired += 1
            self._rights.popleft()
            quality = "tight" if skew_s <= TIGHT_S else "normal" if skew_s <= NORMAL_S else "loose"
            self._counts[quality] += 1
            self._skews_s.append(skew_s)
            return Pair(left, right, left_s, right_s, quality)
        return None

    def _forget_before(self, time_s: float) -> None:
        while self._rights and self._rights[0][0] < time_s:
            self._rights.popleft()
            self._right_unpaired += 1

    @property
    def counters(self) -> SyncCounters:
        """What was paired and what was not, so far."""
        recent = sorted(self._skews_s)
        median_ms = recent[len(recent) // 2] * 1000.0 if recent else None
        return SyncCounters(**self._counts, **self._unpaired(), recent_skew_ms=median_ms)

    def _unpaired(self) -> dict[str, int]:
        return {"left_unpaired": self._left_unpaired, "right_unpaired": self._right_unpaired}

    def warning(self) -> str:
        """Why the pairs cannot be trusted; empty when they can."""
        counters = self.counters
        seen = counters.paired + counters.left_unpaired
        if seen < 2 * 15:
            return ""
        if counters.left_unpaired > counters.paired:
            return (
                f"The cameras are out of step: {counters.left_unpaired} of {seen} pictures found no partner within "
                f"{self.tolerance_s * 1000:.0f} ms"
                + (f" (the nearest was {self._nearest_miss_s * 1000:.0f} ms away)." if self._nearest_miss_s else ".")
            )
        if counters.recent_skew_ms is not None and counters.recent_skew_ms > NORMAL_S * 1000:
            return f"The skew is {counters.recent_skew_ms:.0f} ms: whatever moves has a wrong label."
        return ""


class ClockOffset:
    """Moves times of a device's own clock onto the computer's, by the fastest of the recent deliveries.

    offset = min(arrival - device time): delays only ever add, so the least delayed frame tells the offset best.
    """

    def __init__(self, window: int = 150) -> None:
        self._differences: deque[float] = deque(maxlen=window)

    def to_host_s(self, device_s: float, arrived_s: float) -> float:
        """`device_s` on the clock of `arrived_s`, both in seconds."""
        self._differences.append(arrived_s - device_s)
        return device_s + min(self._differences)
