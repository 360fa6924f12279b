from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator

from pytestqt.qtbot import QtBot

from depthstudio.cancel import CancelToken
from depthstudio.errors import DatasetError
from depthstudio.gui.tasks import TaskContext, TaskRunner, TaskState


def test_work_runs_elsewhere_and_its_result_arrives_on_the_gui_thread(qtbot: QtBot) -> None:
    runner = TaskRunner()
    worked_on: list[threading.Thread] = []
    results: list[tuple[int, threading.Thread]] = []

    def work(context: TaskContext) -> int:
        worked_on.append(threading.current_thread())
        context.progress(0.5, "half")
        return 42

    task = runner.run(work, "Answer", lambda value: results.append((value, threading.current_thread())))
    with qtbot.waitSignal(task.ended):
        pass

    assert results == [(42, threading.main_thread())]
    assert worked_on[0] is not threading.main_thread()
    assert task.state is TaskState.DONE
    assert (task.share, task.text) == (0.5, "half")
    assert runner.running == []


def test_events_of_a_generator_arrive_in_order(qtbot: QtBot) -> None:
    runner = TaskRunner()
    seen: list[int] = []
    task = runner.iterate(lambda cancel: iter(range(20)), "Count", seen.append)
    with qtbot.waitSignal(task.ended):
        pass
    assert seen == list(range(20))


def test_an_error_without_a_handler_reaches_the_window(qtbot: QtBot) -> None:
    runner = TaskRunner()

    def work(_: TaskContext) -> None:
        raise DatasetError("No frames.")

    with qtbot.waitSignal(runner.unhandled) as caught:
        runner.run(work)
    assert isinstance(caught.args[0], DatasetError)


def test_a_cancelled_task_stops_and_its_end_is_no_failure(qtbot: QtBot) -> None:
    runner = TaskRunner()
    failures: list[BaseException] = []

    def count(cancel: CancelToken) -> Iterator[int]:
        number = 0
        while not cancel.is_cancelled:
            number += 1
            yield number
            time.sleep(0.001)

    task = runner.iterate(count, "Count", failed=failures.append)
    qtbot.waitUntil(lambda: task.is_running)
    task.cancel()
    assert task.state is TaskState.STOPPING
    with qtbot.waitSignal(task.ended):
        pass
    assert task.state is TaskState.CANCELLED
    assert failures == []


def test_closing_waits_for_what_runs(qtbot: QtBot) -> None:
    runner = TaskRunner()
    ended = threading.Event()

    def work(context: TaskContext) -> None:
        while not context.cancel.is_cancelled:
            time.sleep(0.005)
        ended.set()

    runner.run(work)
    assert runner.stop_all(5.0)
    assert ended.is_set()


class Network:
    """Stands for whatever is large."""


def test_what_a_task_worked_on_is_let_go_once_it_has_ended(qtbot: QtBot) -> None:
    runner, network = TaskRunner(), Network()
    held = weakref.ref(network)
    task = runner.run(lambda _, network=network: None, "Use a network")
    ended = weakref.ref(task)
    with qtbot.waitSignal(task.ended):
        pass
    del network, task
    gc.collect()
    assert held() is None
    assert ended() is None
