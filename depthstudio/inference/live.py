"""LiveLoop: predicts the newest frame of a camera, again and again, in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from depthstudio.errors import NetworkError, UserError
from depthstudio.frames import FloatMap, StereoFrame
from depthstudio.geometry import RectifiedGeometry
from depthstudio.geometry.disparity import disparity_to_depth
from depthstudio.inference.predictor import Prediction, Predictor
from depthstudio.inference.steps import Stepped, Steps, StepSettings
from depthstudio.inference.timing import RollingTimes, TimeSummary

NETWORK, PROCESSED = "network", "processed"
_WAIT_S = 0.1
_log = logging.getLogger(__name__)

# Another disparity of the rectified left view for the same frame: the camera's own depth, SGBM, a second network ...
Comparison = Callable[[StereoFrame], FloatMap | None]


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


@dataclass(frozen=True, eq=False)
class LiveResult:
    """Everything known about one frame.

    disparity_px, depth_m: "network", "processed" when there are steps after it, and the comparisons wanted, (H, W)
    float32 of the rectified left view, NaN = unknown. depth_m is empty without a geometry. A comparison that the frame
    has nothing for is missing. stepped: what the steps did; None while they are off.
    """

    frame: StereoFrame
    prediction: Prediction
    geometry: RectifiedGeometry | None
    disparity_px: Mapping[str, FloatMap]
    depth_m: Mapping[str, FloatMap]
    wanted: frozenset[str] = frozenset()
    stepped: Stepped | None = None

    @property
    def steps(self) -> StepSettings:
        """The steps after the network that this result went through."""
        return self.stepped.settings if self.stepped is not None else StepSettings()


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

    first: a frame to begin with, for sources that have ended or are held. `paused`, `wanted` (names of the comparisons
    to compute) and `steps` may be set at any time; a result kept while paused gets what is newly wanted.
    Comparisons run in worker threads beside the network, on the same frame: all maps of a result belong together.
    """

    def __init__(
        self,
        feed: FrameFeed,
        predictor: Predictor,
        comparisons: Mapping[str, Comparison] | None = None,
        first: StereoFrame | None = None,
    ) -> None:
        self.predictor = predictor
        self.comparisons = dict(comparisons or {})
        self.error: UserError | None = None
        self.paused = False
        self.wanted: frozenset[str] = frozenset()
        self.steps = StepSettings()
        self._steps = Steps()
        self._workers = ThreadPoolExecutor(max(1, len(self.comparisons)), "live comparison")
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
                self._publish(self._predict(self._first))
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

    def _step(self) -> None:
        last = self._last
        if last is not None and (self.paused or self._feed.closed):
            self._complete(last)
        frame = None if self.paused else self._feed.take(_WAIT_S)
        if frame is not None:
            self._publish(self._predict(frame))
            self._add_since_arrival(self._result, frame)
        elif self.paused or self._feed.closed:
            self._stop.wait(_WAIT_S)

    def _predict(self, frame: StereoFrame) -> LiveResult:
        if frame.right is None:
            raise NetworkError(
                "This source has no right image.", "A stereo network compares two.", "Open a source with a pair."
            )
        wanted = self.wanted
        under_way = self._start(wanted & self.comparisons.keys(), frame)
        prediction = self.predictor.predict(frame.left, frame.right)
        self._inference.add(prediction.inference_ms)
        return self._combine(frame, prediction, {}, under_way, wanted)

    def _complete(self, last: LiveResult) -> None:
        """Compute what was asked for since, on the frame that is held."""
        missing = (self.wanted - last.wanted) & self.comparisons.keys()
        if missing or self.steps != last.steps:
            under_way = self._start(missing, last.frame)
            wanted = last.wanted | missing
            self._publish(self._combine(last.frame, last.prediction, last.disparity_px, under_way, wanted))

    def _start(self, names: frozenset[str], frame: StereoFrame) -> dict[str, Future[FloatMap | None]]:
        return {name: self._workers.submit(self.comparisons[name], frame) for name in sorted(names)}

    def _combine(
        self,
        frame: StereoFrame,
        prediction: Prediction,
        known: Mapping[str, FloatMap],
        under_way: Mapping[str, Future[FloatMap | None]],
        wanted: frozenset[str],
    ) -> LiveResult:
        disparity_px = {**known, NETWORK: prediction.disparity_px}
        disparity_px.pop(PROCESSED, None)
        settings = self.steps
        stepped = None
        if settings.any:
            stepped = self._steps.apply(settings, frame, prediction.disparity_px, prediction.confidence)
            disparity_px[PROCESSED] = stepped.disparity_px
        for name, future in under_way.items():
            compared = future.result()
            if compared is not None:
                disparity_px[name] = compared
        geometry = self.predictor.geometry
        depth_m = {} if geometry is None else {n: disparity_to_depth(d, geometry) for n, d in disparity_px.items()}
        return LiveResult(frame, prediction, geometry, disparity_px, depth_m, wanted, stepped)

    def _publish(self, result: LiveResult) -> None:
        with self._lock:
            self._newest = self._last = result

    @staticmethod
    def _add_since_arrival(times: RollingTimes, frame: StereoFrame) -> None:
        if frame.arrived_s > 0:
            times.add((time.monotonic() - frame.arrived_s) * 1000.0)
