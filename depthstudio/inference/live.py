"""LiveLoop: predicts the newest frame of a camera, again and again, in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from depthstudio.frame_loop import WAIT_S, FrameFeed, FrameLoop, right_of
from depthstudio.frames import StereoFrame
from depthstudio.inference.live_result import NETWORK, PROCESSED, Compared, Comparison, LiveResult, depths
from depthstudio.inference.predictor import Predictor
from depthstudio.inference.side_lane import SideLane
from depthstudio.inference.steps import Steps, StepSettings
from depthstudio.inference.timing import RollingTimes, TimeSummary

_SIDE_POLL_S = 0.01
# How long a result waits for a comparison that is nearly ready, as a share of the network's own time.
_PATIENCE = 0.25


@dataclass(frozen=True)
class LiveStatistics:
    """inference: raw images to finished map. result: arrival of the frame to finished maps.

    display: colours and painting. shown: arrival of the frame to the painted picture.
    """

    inference: TimeSummary
    result: TimeSummary
    display: TimeSummary
    shown: TimeSummary


class LiveLoop(FrameLoop[LiveResult]):
    """Takes the newest frame, predicts, publishes the newest result.

    first: a frame to begin with, for sources that have ended or are held. comparisons: quick ones, part of every
    result. slow: those that must not set the network's rate; see SideLane and LiveResult.late.
    `wanted` (names of the comparisons to compute) and `steps` may be set at any time, as `held` may; while no new frame
    comes, the last result gets what is newly wanted.
    """

    def __init__(
        self,
        feed: FrameFeed,
        predictor: Predictor,
        comparisons: Mapping[str, Comparison] | None = None,
        first: StereoFrame | None = None,
        slow: Mapping[str, Comparison] | None = None,
    ) -> None:
        super().__init__(feed, "live prediction")
        self.predictor = predictor
        self.wanted: frozenset[str] = frozenset()
        self.steps = StepSettings()
        self._steps = Steps()
        self._quick = dict(comparisons or {})
        self._workers = ThreadPoolExecutor(max(1, len(self._quick)), "live comparison")
        self._side = SideLane(slow or {})
        self._in_side: LiveResult | None = None
        self._late: LiveResult | None = None
        self._first = first
        self._last: LiveResult | None = None
        self._inference, self._result = RollingTimes(), RollingTimes()
        self._display, self._shown = RollingTimes(), RollingTimes()

    def displayed(self, result: LiveResult, display_ms: float) -> None:
        """The window says that a result is on the screen and what showing it cost."""
        self._display.add(display_ms)
        if result.frame is not self._first:
            self._add_since_arrival(self._shown, result.frame)

    def statistics(self) -> LiveStatistics:
        """Rates and times so far."""
        times = (self._inference, self._result, self._display, self._shown)
        return LiveStatistics(*(each.summary() for each in times))

    @property
    def _wait_s(self) -> float:
        return WAIT_S if self._side.is_idle else _SIDE_POLL_S

    def _begin(self) -> None:
        if self._first is not None:
            self._predict(self._first)

    def _work(self, frame: StereoFrame) -> None:
        self._predict(frame)
        self._add_since_arrival(self._result, frame)

    def _end(self) -> None:
        self._workers.shutdown(cancel_futures=True)
        self._side.close()

    def _predict(self, frame: StereoFrame) -> None:
        right = right_of(frame)
        wanted = self.wanted
        under_way = {n: self._workers.submit(self._quick[n], frame) for n in sorted(wanted & self._quick.keys())}
        self._gather(frame, 0.0)
        begins = self._side.is_idle and bool(wanted & self._side.names)
        if begins:
            self._side.offer(frame, wanted & self._side.names)
        prediction = self.predictor.predict(frame.left, right)
        self._inference.add(prediction.inference_ms)
        geometry, disparity_px = self.predictor.geometry, {NETWORK: prediction.disparity_px}
        confidence = {} if prediction.confidence is None else {NETWORK: prediction.confidence}
        result = LiveResult(
            frame, prediction, geometry, disparity_px, depths(disparity_px, geometry), confidence=confidence
        )
        answered = {name: future.result() for name, future in under_way.items()} | self._unknown(wanted)
        result = self._stepped(result).with_answers(answered)
        if begins:
            self._in_side = result
        answers = self._gather(frame, _PATIENCE * prediction.inference_ms / 1000.0)
        self._publish(result if answers is None else result.with_answers(answers))

    def _idle(self) -> None:
        """Compute what was asked for since, on the frame that is held."""
        last = result = self._last
        if last is None or result is None:
            return
        missing = self.wanted - last.compared
        known = {name: self._quick[name](last.frame) for name in missing & self._quick.keys()}
        if known or self._unknown(missing):
            result = result.with_answers(known | self._unknown(missing))
        if self.steps != last.steps:
            result = self._stepped(result)
        answers = self._gather(last.frame, 0.0)
        if answers is not None:
            result = result.with_answers(answers)
        elif missing & self._side.names and self._side.is_idle:
            self._in_side = result
            self._side.offer(last.frame, missing & self._side.names)
        if result is not last:
            self._publish(result)

    def _unknown(self, names: frozenset[str]) -> dict[str, Compared | None]:
        """Of comparisons that there are none of here, such as a second network, nothing is to be expected."""
        return dict.fromkeys(names - self._quick.keys() - self._side.names)

    def _stepped(self, result: LiveResult) -> LiveResult:
        """The result with what the steps make of the network's answer, or without when they are off."""
        settings, prediction = self.steps, result.prediction
        stepped = None
        disparity_px = {name: values for name, values in result.disparity_px.items() if name != PROCESSED}
        depth_m = {name: values for name, values in result.depth_m.items() if name != PROCESSED}
        if settings.any:
            stepped = self._steps.apply(settings, result.frame, prediction.disparity_px, prediction.confidence)
            processed = {PROCESSED: stepped.disparity_px}
            disparity_px |= processed
            depth_m |= depths(processed, result.geometry)
        return replace(result, disparity_px=disparity_px, depth_m=depth_m, stepped=stepped)

    def _gather(self, frame: StereoFrame, patience_s: float) -> dict[str, Compared | None] | None:
        """The slow answers when they are ready for `frame`; those for an earlier one are kept as the late result."""
        collected = self._side.collect(frame, patience_s)
        if collected is None:
            return None
        done, answers = collected
        if done is frame:
            return answers
        if self._in_side is not None and self._in_side.frame is done:
            self._late = self._in_side.with_answers(answers)
        return None

    def _publish(self, result: LiveResult) -> None:
        slow = self.wanted & self._side.names
        if slow <= result.compared or self._late is None or not slow <= self._late.compared:
            self._late = None
        with self._lock:
            self._newest = self._last = result if self._late is None else replace(result, late=self._late)

    @staticmethod
    def _add_since_arrival(times: RollingTimes, frame: StereoFrame) -> None:
        if frame.arrived_s > 0:
            times.add((time.monotonic() - frame.arrived_s) * 1000.0)
