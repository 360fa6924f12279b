from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from scripted_source import ScriptedSource

from depthstudio.cameras import CaptureState, CaptureThread, FrameQueue
from depthstudio.errors import SourceError


def wait_until(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "it never came true"
        time.sleep(0.005)


def drain(queue: FrameQueue) -> list[int]:
    numbers = []
    while not queue.ended:
        frame = queue.get(0.1)
        if frame is not None:
            numbers.append(frame.number)
    return numbers


def test_a_newest_consumer_gets_the_latest_frame_once_and_the_skipped_ones_are_counted() -> None:
    capture = CaptureThread(ScriptedSource([1, 2, 3, 4]))
    newest = capture.newest("display")
    capture.start()
    wait_until(lambda: not capture.state.is_running)
    frame = newest.take()
    assert frame is not None and frame.number == 4
    assert newest.take() is None
    assert capture.state is CaptureState.ENDED
    counters = capture.counters()
    assert counters.received == 4
    assert counters.consumers["display"].delivered == 1
    assert counters.consumers["display"].dropped == 3


def test_waiting_for_the_newest_frame_ends_when_one_comes() -> None:
    go = threading.Event()
    capture = CaptureThread(ScriptedSource([7], before_read=lambda _: go.wait(10) and None))
    newest = capture.newest()
    capture.start()
    assert newest.take(0.02) is None
    go.set()
    frame = newest.take(10)
    assert frame is not None and frame.number == 7
    capture.stop()


def test_a_live_source_waits_for_nobody_and_drops_are_counted() -> None:
    capture = CaptureThread(ScriptedSource(list(range(1, 21))))
    queue = capture.every_frame(5)
    capture.start()
    wait_until(lambda: not capture.state.is_running)
    assert drain(queue) == [1, 2, 3, 4, 5]
    assert queue.dropped == 15
    assert capture.counters().consumers["recorder"].dropped == 15


def test_a_source_that_is_not_live_waits_for_a_slow_queue() -> None:
    capture = CaptureThread(ScriptedSource(list(range(1, 31)), live=False))
    queue = capture.every_frame(2)
    capture.start()
    numbers = []
    while not queue.ended:
        frame = queue.get(0.1)
        time.sleep(0.002)
        if frame is not None:
            numbers.append(frame.number)
    assert numbers == list(range(1, 31))
    assert queue.dropped == 0


def test_a_closed_queue_holds_nobody_up() -> None:
    capture = CaptureThread(ScriptedSource(list(range(50)), live=False))
    capture.every_frame(1).close()
    capture.start()
    wait_until(lambda: capture.state is CaptureState.ENDED)


def test_gaps_in_the_sources_numbering_are_lost_frames() -> None:
    capture = CaptureThread(ScriptedSource([1, 2, 5, 6, 9]))
    capture.start()
    wait_until(lambda: not capture.state.is_running)
    assert capture.counters().source_lost == 4


def test_everything_happens_on_one_thread_and_states_come_in_order() -> None:
    states: list[CaptureState] = []
    source = ScriptedSource([1, 2])
    capture = CaptureThread(source, on_state=states.append)
    capture.start()
    wait_until(lambda: not capture.state.is_running)
    assert states == [CaptureState.OPENING, CaptureState.STREAMING, CaptureState.ENDED]
    assert len(source.threads) == 1 and threading.get_ident() not in source.threads
    assert source.closed
    assert capture.calibration is not None


def test_a_lost_camera_ends_in_failed_with_the_reason() -> None:
    capture = CaptureThread(ScriptedSource([1], failure=SourceError("It is gone.", "The cable.")))
    queue = capture.every_frame(4)
    capture.start()
    assert drain(queue) == [1]
    wait_until(lambda: capture.state is CaptureState.FAILED)
    assert capture.error is not None and capture.error.why == "The cable."


def test_a_mistake_in_a_driver_is_told_too() -> None:
    capture = CaptureThread(ScriptedSource([1], failure=ZeroDivisionError("oh")))
    capture.start()
    wait_until(lambda: capture.state is CaptureState.FAILED)
    assert capture.error is not None and "oh" in capture.error.why


@pytest.mark.parametrize("live", [True, False])
def test_stop_ends_a_silent_or_blocked_capture_quickly(live: bool) -> None:
    source = ScriptedSource([1, 2, 3, -1], live=live)
    capture = CaptureThread(source)
    capture.every_frame(1)  # never emptied
    capture.start()
    wait_until(lambda: capture.counters().received >= 2)
    started_s = time.monotonic()
    assert capture.stop()
    assert time.monotonic() - started_s < 2
    assert capture.state is CaptureState.CLOSED
    assert source.closed


def test_stop_returns_while_a_driver_call_hangs() -> None:
    released = threading.Event()
    capture = CaptureThread(ScriptedSource([1], before_read=lambda _: released.wait(30) and None))
    capture.start()
    wait_until(lambda: capture.state is CaptureState.STREAMING)
    assert capture.stop(timeout_s=0.1) is False
    released.set()
    assert capture.stop()


def test_controls_are_set_on_the_capture_thread_and_refusals_come_back() -> None:
    source = ScriptedSource([-1])
    capture = CaptureThread(source)
    capture.start()
    seen_with_the_answer: list[float] = []
    answer = capture.set_control("gain", 64)
    answer.add_done_callback(lambda _: seen_with_the_answer.append(capture.controls[0].value))
    answer.result(10)
    assert source.values["gain"] == 64
    wait_until(lambda: len(seen_with_the_answer) == 1)
    assert seen_with_the_answer == [64]
    with pytest.raises(SourceError, match="no warp"):
        capture.set_control("warp", 1).result(10)
    capture.stop()
    assert len(source.threads) == 1
    with pytest.raises(SourceError):
        capture.set_control("gain", 1).result(10)


def test_who_subscribes_after_the_end_is_told_at_once() -> None:
    capture = CaptureThread(ScriptedSource([]))
    capture.start()
    wait_until(lambda: not capture.state.is_running)
    capture.stop()
    assert capture.every_frame(1).ended
    assert capture.newest().closed


def test_a_listener_that_fails_neither_ends_the_capture_nor_leaves_consumers_waiting() -> None:
    def broken(state: CaptureState) -> None:
        raise RuntimeError("the window is gone")

    capture = CaptureThread(ScriptedSource([1, 2]), on_state=broken)
    queue = capture.every_frame(5)
    capture.start()
    assert drain(queue) == [1, 2]
    assert capture.state is CaptureState.ENDED
    assert capture.error is None


def test_a_request_that_was_cancelled_is_left_out_and_the_next_one_answered() -> None:
    go = threading.Event()
    capture = CaptureThread(ScriptedSource([1, 2, 3], before_read=lambda _: go.wait(10) and None))
    capture.start()
    wait_until(lambda: capture.state is CaptureState.STREAMING)
    first, second = capture.call(lambda source: source.title), capture.call(lambda source: source.url)
    assert first.cancel()
    go.set()
    assert second.result(10) == "test://scripted"
    capture.stop()
    assert capture.error is None


@pytest.mark.parametrize("failure", [None, SourceError("gone")])
def test_what_was_changed_is_put_back_before_the_source_is_closed(failure: SourceError | None) -> None:
    closed: list[bool] = []
    source = ScriptedSource([1, 2], failure=failure)
    capture = CaptureThread(source)

    def fail(_: object) -> None:
        raise RuntimeError("no answer")

    capture.at_end(fail)
    capture.at_end(lambda given: closed.append(given.closed))
    take_back = capture.at_end(lambda _: closed.append(True))
    take_back()
    take_back()
    capture.start()
    capture.stop(5)
    assert closed == [False] and source.closed
