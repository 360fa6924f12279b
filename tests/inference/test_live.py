from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from depthstudio.errors import CalibrationError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import RectifiedGeometry
from depthstudio.inference import Prediction
from depthstudio.inference.live import LiveLoop
from depthstudio.inference.live_result import Compared, LiveResult
from depthstudio.inference.steps import StepSettings
from depthstudio.inference.timing import RollingTimes

SIZE = (64, 48)


def frame(number: int) -> StereoFrame:
    left = np.full((SIZE[1], SIZE[0]), number % 255, np.uint8)
    return StereoFrame(number, number / 30, left, left.copy(), arrived_s=time.monotonic())


class Feed:
    """Holds the newest frame, as a subscription of a capture does."""

    def __init__(self) -> None:
        self.closed = False
        self._changed = threading.Condition()
        self._frame: StereoFrame | None = None

    def offer(self, given: StereoFrame) -> None:
        with self._changed:
            self._frame = given
            self._changed.notify_all()

    def take(self, timeout_s: float = 0) -> StereoFrame | None:
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self.closed, timeout_s)
            taken, self._frame = self._frame, None
            return taken

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()


class SlowPredictor:
    """Disparity = the frame's grey value plus one; waits for `go` before each answer."""

    name = "slow"
    geometry = RectifiedGeometry(100.0, 0.1, 32, 24, SIZE)

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.asked: list[int] = []

    def predict(self, left: np.ndarray, right: np.ndarray) -> Prediction:
        self.asked.append(int(left[0, 0]))
        assert self.go.wait(30)
        return Prediction(left.astype(np.float32) + 1, None, np.dstack([left] * 3), 1.0)


def until(wanted: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not wanted():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def next_result(loop: LiveLoop) -> LiveResult:
    found: list[LiveResult] = []
    until(lambda: (result := loop.take()) is not None and found.append(result) is None)
    return found[0]


@pytest.fixture
def rig():
    feed, predictor = Feed(), SlowPredictor()
    loop = LiveLoop(feed, predictor, {"camera": lambda frame: Compared(np.full(SIZE[::-1], 20, np.float32))})
    yield feed, predictor, loop
    predictor.go.set()
    loop.stop()


def test_a_slow_network_skips_to_the_newest_frame(rig) -> None:
    feed, predictor, loop = rig
    predictor.go.clear()
    loop.start()
    feed.offer(frame(1))
    until(lambda: predictor.asked == [1])
    for number in (2, 3, 4):
        feed.offer(frame(number))
    predictor.go.set()
    until(lambda: len(predictor.asked) == 2)
    assert predictor.asked == [1, 4]


def test_a_result_has_disparity_and_depth_of_the_network_and_of_what_is_compared(rig) -> None:
    feed, _, loop = rig
    loop.wanted = frozenset({"camera"})
    loop.start()
    feed.offer(frame(9))
    result = next_result(loop)
    assert result.disparity_px["network"][0, 0] == 10
    assert result.depth_m["network"][0, 0] == pytest.approx(1.0)  # 100 px * 0.1 m / 10 px
    assert result.depth_m["camera"][0, 0] == pytest.approx(0.5)
    assert loop.take() is None


def test_a_pause_holds_the_result_and_still_answers_what_is_newly_wanted(rig) -> None:
    feed, predictor, loop = rig
    loop.start()
    feed.offer(frame(5))
    assert "camera" not in next_result(loop).disparity_px
    loop.held = True
    time.sleep(0.3)  # a wait for the next frame may be under way
    feed.offer(frame(6))
    loop.wanted = frozenset({"camera"})
    held = next_result(loop)
    assert held.frame.number == 5
    assert "camera" in held.disparity_px
    assert predictor.asked == [5]
    loop.held = False
    assert next_result(loop).frame.number == 6


def test_a_source_that_has_ended_is_predicted_once(rig) -> None:
    _, predictor, _ = rig
    ended = Feed()
    ended.close()
    loop = LiveLoop(ended, predictor, first=frame(7))
    loop.start()
    assert next_result(loop).frame.number == 7
    assert loop.stop()
    assert predictor.asked == [7]


def test_latency_counts_from_the_arrival_of_the_frame(rig) -> None:
    feed, _, loop = rig
    loop.start()
    for number in range(3):
        feed.offer(frame(number))
        loop.displayed(next_result(loop), 2.0)
    statistics = loop.statistics()
    assert statistics.inference.p50_ms == 1.0
    assert statistics.display.p95_ms == 2.0
    assert 0 < statistics.result.p50_ms <= statistics.shown.p95_ms
    assert statistics.shown.rate_hz > 0


@pytest.mark.parametrize("error", [CalibrationError("Wrong size.", "It differs."), ValueError("inside")])
def test_an_error_ends_the_loop_with_a_sentence_for_the_user(error: Exception) -> None:
    class Broken(SlowPredictor):
        def predict(self, left: np.ndarray, right: np.ndarray) -> Prediction:
            raise error

    feed = Feed()
    loop = LiveLoop(feed, Broken())
    loop.start()
    feed.offer(frame(1))
    until(lambda: not loop.is_running)
    assert loop.error is not None
    assert loop.error.next_step or loop.error.why
    assert feed.closed


def test_a_frame_without_a_right_image_is_refused() -> None:
    left_only = StereoFrame(1, 0.0, np.zeros((48, 64), np.uint8), None)
    loop = LiveLoop(Feed(), SlowPredictor(), first=left_only)
    loop.start()
    until(lambda: not loop.is_running)
    assert loop.error is not None
    assert "right image" in loop.error.what


def test_times_are_summed_up_over_the_last_ones() -> None:
    times = RollingTimes()
    assert times.summary().rate_hz == 0
    for duration in range(1, 101):
        times.add(float(duration))
    summary = times.summary()
    assert summary.p50_ms == pytest.approx(50.5)
    assert summary.p95_ms == pytest.approx(95.05)


def test_steps_after_the_network_come_beside_its_own_answer_also_on_a_held_frame(rig) -> None:
    feed, predictor, loop = rig
    loop.start()
    feed.offer(frame(5))
    assert "processed" not in next_result(loop).disparity_px
    loop.held = True
    loop.steps = StepSettings(fill_holes=True)
    held = next_result(loop)
    assert held.frame.number == 5
    assert held.disparity_px["network"][0, 0] == held.disparity_px["processed"][0, 0] == 6
    assert held.steps.fill_holes
    loop.steps = StepSettings()
    assert "processed" not in next_result(loop).disparity_px
    assert predictor.asked == [5]


def test_comparisons_are_computed_beside_the_network_not_after_it() -> None:
    predictor, feed = SlowPredictor(), Feed()
    predictor.go.clear()
    compared = threading.Event()

    def compare(_: StereoFrame) -> Compared:
        compared.set()
        return Compared(np.ones(SIZE[::-1], np.float32))

    loop = LiveLoop(feed, predictor, {"camera": compare})
    loop.wanted = frozenset({"camera"})
    loop.start()
    feed.offer(frame(1))
    assert compared.wait(30), "the network has not answered yet"
    predictor.go.set()
    assert "camera" in next_result(loop).disparity_px
    loop.stop()


def test_an_error_in_a_comparison_ends_the_loop_with_a_sentence() -> None:
    def compare(_: StereoFrame) -> Compared:
        raise CalibrationError("Wrong size.", "It differs.")

    feed = Feed()
    loop = LiveLoop(feed, SlowPredictor(), {"camera": compare})
    loop.wanted = frozenset({"camera"})
    loop.start()
    feed.offer(frame(1))
    until(lambda: not loop.is_running)
    assert loop.error is not None
    assert loop.error.what == "Wrong size."


@pytest.fixture
def slow_rig():
    """A comparison that answers once per release of `ready`: the network's disparity plus two, fully sure."""
    feed, predictor, ready = Feed(), SlowPredictor(), threading.Semaphore(0)

    def compare(given: StereoFrame) -> Compared:
        assert ready.acquire(timeout=30)
        return Compared(given.left.astype(np.float32) + 3, np.ones(SIZE[::-1], np.float32))

    loop = LiveLoop(feed, predictor, slow={"sgbm": compare})
    loop.wanted = frozenset({"sgbm"})
    loop.start()
    yield feed, loop, ready
    ready.release(1000)
    loop.stop()


def test_a_slow_comparison_does_not_hold_up_the_network_and_comes_with_its_own_frame(slow_rig) -> None:
    feed, loop, ready = slow_rig
    for number in (1, 2, 3):
        feed.offer(frame(number))
        result = next_result(loop)
        assert result.frame.number == number
        assert result.holding({"sgbm"}) is None
    ready.release()
    late = None
    for number in range(4, 30):
        feed.offer(frame(number))
        late = next_result(loop).late
        if late is not None:
            break
    assert late is not None
    difference = late.disparity_px["sgbm"] - late.disparity_px["network"]
    assert (difference == 2).all(), "both of the same frame"
    assert late.confidence["sgbm"][0, 0] == 1


def test_a_held_frame_gets_its_slow_comparison_when_it_is_ready(slow_rig) -> None:
    feed, loop, ready = slow_rig
    feed.offer(frame(5))
    assert "sgbm" not in next_result(loop).disparity_px
    loop.held = True
    ready.release()
    result = next_result(loop)
    assert result.frame.number == 5
    assert result.holding({"network", "sgbm"}) is result
    assert result.late is None


def test_what_nobody_wants_any_more_is_not_shown_late(slow_rig) -> None:
    feed, loop, ready = slow_rig
    feed.offer(frame(1))
    next_result(loop)
    feed.offer(frame(2))
    next_result(loop)
    loop.wanted = frozenset()
    ready.release()
    for number in (3, 4, 5):
        feed.offer(frame(number))
        assert next_result(loop).late is None


def test_what_does_not_exist_is_answered_with_nothing(rig) -> None:
    feed, _, loop = rig
    loop.wanted = frozenset({"second"})
    loop.start()
    feed.offer(frame(1))
    result = next_result(loop)
    assert result.answered == {"second"}
    assert result.holding({"second"}) is None
