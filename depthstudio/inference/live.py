"""LiveLoop: predicts the newest frame of a camera, again and again, in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

from depthstudio.errors import NetworkError, UserError
from depthstudio.frames import StereoFrame
from depthstudio.inference.live_result import NETWORK, PROCESSED, Compared, Comparison, LiveResult, depths
from depthstudio.inference.predictor import Predictor
from depthstudio.inference.side_lane import SideLane
from depthstudio.inference.steps import Steps, StepSettings
from depthstudio.inference.timing import RollingTimes, TimeSummary

_WAIT_S, _SIDE_POLL_S = 0.1, 0.01
# How long a result waits for a comparison that is nearly ready, as a share of the network's own time.
_PATIENCE = 0.25
_log = logging.getLogger(__name__)


class FrameFeed(Protocol):
    """Where frames come from: a newest-frame subscription of a capture."""

    @property
    def closed(self) -> bool:
        """True when no new frame will come."""
        ...

    def take(self, timeout_s: float = 0) -> StereoFrame | None:
        """The newest frame not taken yet, waiting up to `timeout_s`; None when there is none."""
        ...

    def close(self) -> None:
        """Take no more frames."""
        ...


@dataclass(frozen=True)
class LiveStatistics:
    """inference: raw images to finished map. result: arrival of the frame to finished maps.

    display: colours and painting. shown: arrival of the frame to the painted picture.
    """

    inference: TimeSummary
    result: TimeSummary
    display: TimeSummary
    shown: TimeSummary


class LiveLoop:
    """Takes the newest frame, predicts, publishes the newest result. Nothing is ever queued: who is slow skips.

    first: a frame to begin with, for sources that have ended or are held. comparisons: quick ones, part of every
    result. slow: those that must not set the network's rate; see SideLane and LiveResult.late.
    `held` (take no frame, whatever comes), `wanted` (names of the comparisons to compute) and `steps` may be set at any
    time; while no new frame comes, the last result gets what is newly wanted.
    """

    def __init__(
        self,
        feed: FrameFeed,
        predictor: Predictor,
        comparisons: Mapping[str, Comparison] | None = None,
        first: StereoFrame | None = None,
        slow: Mapping[str, Comparison] | None = None,
    ) -> None:
        self.predictor = predictor
        self.error: UserError | None = None
        self.held = False
        self.wanted: frozenset[str] = frozenset()
        self.steps = StepSettings()
        self._steps = Steps()
        self._quick = dict(comparisons or {})
        self._workers = ThreadPoolExecutor(max(1, len(self._quick)), "live comparison")
        self._side = SideLane(slow or {})
        self._in_side: LiveResult | None = None
        self._late: LiveResult | None = None
        self._feed = feed
        self._first = first
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._newest: LiveResult | None = None
        self._last: LiveResult | None = None
        self._inference, self._result = RollingTimes(), RollingTimes()
        self._display, self._shown = RollingTimes(), RollingTimes()
        self._thread = threading.Thread(target=self._run, name="live inference", daemon=True)

    def start(self) -> None:
        """Begin; a loop runs once."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> bool:
        """End after the prediction in progress and wait for it. False when it took longer."""
        self._stop.set()
        self._feed.close()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def is_running(self) -> bool:
        """True until stopped or failed."""
        return self._thread.is_alive()

    def take(self) -> LiveResult | None:
        """The newest result not taken yet."""
        with self._lock:
            result, self._newest = self._newest, None
            return result

    def displayed(self, result: LiveResult, display_ms: float) -> None:
        """The window says that a result is on the screen and what showing it cost."""
        self._display.add(display_ms)
        if result.frame is not self._first:
            self._add_since_arrival(self._shown, result.frame)

    def statistics(self) -> LiveStatistics:
        """Rates and times so far."""
        times = (self._inference, self._result, self._display, self._shown)
        return LiveStatistics(*(each.summary() for each in times))

    def _run(self) -> None:
        try:
            if self._first is not None:
                self._predict(self._first)
            while not self._stop.is_set():
                self._step()
        except UserError as error:
            self.error = error
        except Exception as error:
            _log.exception("Live prediction failed")
            self.error = NetworkError(
                "The network failed on this source.",
                f"{type(error).__name__}: {error}",
                "Choose another network; the log has the details.",
            )
        finally:
            self._feed.close()
            self._workers.shutdown(cancel_futures=True)
            self._side.close()

    def _step(self) -> None:
        waits = not self.held and not self._feed.closed
        wait_s = _WAIT_S if self._side.is_idle else _SIDE_POLL_S
        frame = self._feed.take(wait_s) if waits else None
        if frame is not None:
            self._predict(frame)
            self._add_since_arrival(self._result, frame)
            return
        if not waits:
            self._stop.wait(wait_s)
        if self._last is not None:
            self._complete(self._last)

    def _predict(self, frame: StereoFrame) -> None:
        if frame.right is None:
            raise NetworkError(
                "This source has no right image.", "A stereo network compares two.", "Open a source with a pair."
            )
        wanted = self.wanted
        under_way = {n: self._workers.submit(self._quick[n], frame) for n in sorted(wanted & self._quick.keys())}
        self._gather(frame, 0.0)
        begins = self._side.is_idle and bool(wanted & self._side.names)
        if begins:
            self._side.offer(frame, wanted & self._side.names)
        prediction = self.predictor.predict(frame.left, frame.right)
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

    def _complete(self, last: LiveResult) -> None:
        """Compute what was asked for since, on the frame that is held."""
        result = last
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
