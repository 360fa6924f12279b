"""Pictures that belong together, found by number and time in streams that arrive one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_LONGEST_WAIT = 16
_MOST_WAITING = 64


@dataclass(frozen=True)
class StreamFrame:
    """One picture of one stream. clock: name of the clock its timestamp was read from. data: the SDK's frame."""

    stream: str
    number: int
    timestamp_ms: float
    clock: str
    data: Any


@dataclass(frozen=True)
class Partner:
    """A stream that accompanies the leading one.

    tolerance_ms: largest difference in time that still belongs together. required: without it there is no set.
    same_sensor: taken in the same exposure, so that equal numbers mean the same moment.
    """

    stream: str
    tolerance_ms: float
    required: bool
    same_sensor: bool


class FrameMatcher:
    """Gives every frame of the leading stream once, in order, with its nearest frame of each partner.

    A frame of a slower partner may serve several sets; one outside its tolerance serves none.
    incomplete: leading frames that found no required partner.
    """

    def __init__(self, leader: str, partners: list[Partner]) -> None:
        self.incomplete = 0
        self._leader = leader
        self._partners = partners
        self._ended: set[str] = set()
        self._leading: deque[StreamFrame] = deque()
        self._waiting: dict[str, deque[StreamFrame]] = {
            partner.stream: deque(maxlen=_MOST_WAITING) for partner in partners
        }

    @property
    def awaited(self) -> str:
        """The stream whose next frame is needed to go on."""
        undecided = self._undecided_partner() if self._leading else None
        return undecided or self._leader

    def push(self, frame: StreamFrame) -> Iterator[dict[str, StreamFrame]]:
        """Take one frame; yields the sets that it completes."""
        if frame.stream == self._leader:
            self._leading.append(frame)
        elif frame.stream in self._waiting:
            self._waiting[frame.stream].append(frame)
        yield from self._decided()

    def end(self, streams: Iterable[str]) -> Iterator[dict[str, StreamFrame]]:
        """These streams have ended; yields the sets that need not wait any more."""
        self._ended.update(streams)
        yield from self._decided()

    def clear(self) -> None:
        """Forget the frames that wait; the count of incomplete ones stays."""
        self._leading.clear()
        for waiting in self._waiting.values():
            waiting.clear()

    def _decided(self) -> Iterator[dict[str, StreamFrame]]:
        while self._leading and (self._undecided_partner() is None or len(self._leading) > _LONGEST_WAIT):
            yield from self._match(self._leading.popleft())

    def _undecided_partner(self) -> str | None:
        """A partner of which a later frame may be a better match."""
        leading = self._leading[0]
        for partner in self._partners:
            waiting = self._waiting[partner.stream]
            if partner.stream not in self._ended and (
                not waiting or (waiting[-1].clock == leading.clock and waiting[-1].timestamp_ms < leading.timestamp_ms)
            ):
                return partner.stream
        return None

    def _match(self, leading: StreamFrame) -> Iterator[dict[str, StreamFrame]]:
        matched = {self._leader: leading}
        for partner in self._partners:
            found = self._nearest(leading, partner)
            if found is not None:
                matched[partner.stream] = found
            elif partner.required:
                self.incomplete += 1
                return
        yield matched

    def _nearest(self, leading: StreamFrame, partner: Partner) -> StreamFrame | None:
        waiting = self._waiting[partner.stream]
        if not waiting:
            return None
        if waiting[-1].clock != leading.clock:  # times cannot be compared: the one that came last
            return waiting[-1]

        def distance(frame: StreamFrame) -> tuple[bool, float]:
            other_exposure = partner.same_sensor and frame.number != leading.number
            return other_exposure, abs(frame.timestamp_ms - leading.timestamp_ms)

        close = [f for f in waiting if abs(f.timestamp_ms - leading.timestamp_ms) <= partner.tolerance_ms]
        best = min(close, key=distance, default=None)
        while len(waiting) > 1 and waiting[0] is not best and waiting[0].timestamp_ms < leading.timestamp_ms:
            waiting.popleft()  # later leading frames are nearer to `best` or to what follows it
        return best
