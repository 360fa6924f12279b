"""SideLane: comparisons that may take longer than the network, one frame at a time, at their own pace."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

from depthstudio.frames import StereoFrame
from depthstudio.inference.live_result import Compared, Comparison

_Timed = tuple[Compared | None, float]


class SideLane:
    """Takes a frame when it is idle, and nothing while it is busy: nobody waits for it, nothing is queued.

    The comparisons of a frame run beside each other and are handed back together.
    """

    def __init__(self, comparisons: Mapping[str, Comparison]) -> None:
        self._comparisons = dict(comparisons)
        self._workers = ThreadPoolExecutor(max(1, len(self._comparisons)), "live comparison")
        self._frame: StereoFrame | None = None
        self._work: dict[str, Future[_Timed]] = {}
        self._started_s = 0.0
        self._usual_s = 0.0

    @property
    def names(self) -> frozenset[str]:
        """The comparisons there are."""
        return frozenset(self._comparisons)

    @property
    def is_idle(self) -> bool:
        """True when `offer` would take a frame."""
        return not self._work

    def offer(self, frame: StereoFrame, names: Iterable[str]) -> None:
        """Begin with a frame, unless another one is under way."""
        if self.is_idle:
            self._frame, self._started_s = frame, time.monotonic()
            self._work = {name: self._workers.submit(self._answer, name, frame) for name in sorted(names)}

    def collect(self, frame: StereoFrame, patience_s: float) -> tuple[StereoFrame, dict[str, Compared | None]] | None:
        """What is done, and for which frame; None when nothing is. Raises what a comparison raised.

        For `frame` itself it waits, at most patience_s, and only when that was enough the last time.
        """
        if not self._work or self._frame is None:
            return None
        left_s = self._started_s + self._usual_s - time.monotonic()
        if self._frame is frame and left_s < patience_s:
            wait(self._work.values(), patience_s)
        if not all(future.done() for future in self._work.values()):
            return None
        done, self._work = self._work, {}
        answers = {name: future.result() for name, future in done.items()}
        self._usual_s = max(ended_s for _, ended_s in answers.values()) - self._started_s
        return self._frame, {name: answer for name, (answer, _) in answers.items()}

    def close(self) -> None:
        """Finish what is under way, and take no more."""
        self._workers.shutdown(cancel_futures=True)

    def _answer(self, name: str, frame: StereoFrame) -> _Timed:
        answer = self._comparisons[name](frame)
        return answer, time.monotonic()
