"""Work that may block runs in its own QThread; everything it says arrives on the GUI thread as signals."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal, Slot

from depthstudio.cancel import CancelToken
from depthstudio.gui.pace import Pace

_log = logging.getLogger(__name__)
_EVENT_LOOP_BREATH_MS = 1


class TaskState(Enum):
    """How far a task got."""

    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskContext:
    """What the work sees of its task, on the worker thread."""

    def __init__(self, cancel: CancelToken, report: Callable[[float, str], None]) -> None:
        self.cancel = cancel
        self._report = report

    def progress(self, share: float, text: str = "") -> None:
        """Say how far it is: share in 0..1, or negative when unknown. Safe to call often."""
        self._report(share, text)


class _Worker(QThread):
    """Runs one callable; its signals are queued to the task, which lives on the GUI thread."""

    progressed = Signal(float, str)
    said = Signal(object)
    succeeded = Signal(object)
    raised = Signal(object)

    def __init__(self, work: Callable[[_Worker], Any]) -> None:
        super().__init__()
        self._work: Callable[[_Worker], Any] | None = work

    def run(self) -> None:
        """Entry point of the thread."""
        assert self._work is not None
        try:
            result = self._work(self)
        except BaseException as error:  # a worker must never take the window down; whatever it is gets shown
            self.raised.emit(error)
        else:
            self.succeeded.emit(result)

    def forget_work(self) -> None:
        """Let go of what the work holds on to: frames, networks, whole loops. After the thread is over."""
        self._work = None


class Task(QObject):
    """A running piece of work. All signals are emitted on the GUI thread; `ended` is always the last one.

    progressed(share, text), said(object) for the events of generators, succeeded(result), failed(exception), ended().
    """

    progressed = Signal(float, str)
    said = Signal(object)
    succeeded = Signal(object)
    failed = Signal(object)
    ended = Signal()

    def __init__(self, title: str, work: Callable[[_Worker], Any], cancel: CancelToken, shown: bool) -> None:
        super().__init__()
        self.title = title
        self.shown = shown
        self.state = TaskState.RUNNING
        self._has_ended = False
        self.share = -1.0
        self.text = ""
        self._pace = Pace()
        self.cancel_token = cancel
        self._worker = _Worker(work)
        self._worker.progressed.connect(self._on_progress)
        self._worker.said.connect(self.said)
        self._worker.succeeded.connect(self._on_success)
        self._worker.raised.connect(self._on_raised)
        self._worker.finished.connect(self._on_finished)

    @property
    def is_running(self) -> bool:
        """True until `ended`."""
        return not self._has_ended

    @property
    def is_alive(self) -> bool:
        """True while the thread runs, also after the work said it was done."""
        return bool(self._worker.isRunning())

    @property
    def eta_s(self) -> float | None:
        """Seconds left, judged by the share done so far; None while unknown. Holds still while paused."""
        return self._pace.left_s(time.monotonic())

    @property
    def is_paused(self) -> bool:
        """True while its owner says that it stands still."""
        return self._pace.is_paused

    def set_paused(self, paused: bool) -> None:
        """For owners whose work can pause: that time does not count. GUI thread only."""
        self._pace.set_paused(paused, time.monotonic())

    def set_progress(self, share: float, text: str = "") -> None:
        """For owners that read progress out of the task's events. GUI thread only."""
        self._on_progress(share, text)

    def cancel(self) -> None:
        """Ask the work to stop at its next safe point."""
        if self.state in (TaskState.RUNNING, TaskState.STOPPING):
            self.state = TaskState.STOPPING
            self.cancel_token.cancel()
            self.progressed.emit(self.share, "stopping")

    def wait(self, timeout_s: float) -> bool:
        """Block until the thread is over (closing the program only). False when it took longer."""
        return bool(self._worker.wait(int(timeout_s * 1000)))

    def _start(self) -> None:
        self._worker.start()

    @Slot(float, str)
    def _on_progress(self, share: float, text: str) -> None:
        self.share, self.text = share, text
        self._pace.reach(share, time.monotonic())
        self.progressed.emit(share, text)

    @Slot(object)
    def _on_success(self, result: object) -> None:
        self.state = TaskState.CANCELLED if self.cancel_token.is_cancelled else TaskState.DONE
        self.succeeded.emit(result)

    @Slot(object)
    def _on_raised(self, error: BaseException) -> None:
        self.state = TaskState.CANCELLED if self.cancel_token.is_cancelled else TaskState.FAILED
        if self.state is TaskState.FAILED:
            _log.error("Task %r failed", self.title, exc_info=error)
            self.failed.emit(error)

    @Slot()
    def _on_finished(self) -> None:
        self._worker.wait()  # "finished" is said a moment before the thread is over
        self._worker.forget_work()
        self._has_ended = True
        self.ended.emit()


class TaskRunner(QObject):
    """Starts tasks and keeps them alive until they end. `failed` tasks without an own handler reach `unhandled`."""

    started = Signal(object)
    unhandled = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks: list[Task] = []

    @property
    def running(self) -> list[Task]:
        """Tasks that have not ended, oldest first."""
        return list(self._tasks)

    @property
    def is_any_alive(self) -> bool:
        """True while a thread runs, whatever its task was told."""
        return any(task.is_alive for task in self._tasks)

    def run(
        self,
        work: Callable[[TaskContext], Any],
        title: str = "",
        done: Callable[[Any], None] | None = None,
        failed: Callable[[BaseException], None] | None = None,
        shown: bool = False,
    ) -> Task:
        """Run a callable in a thread. done(result) and failed(exception) are called on the GUI thread.

        shown: list it in the status strip with progress, remaining time and a stop button.
        """
        cancel = CancelToken()
        return self._begin(
            Task(title, lambda worker: work(TaskContext(cancel, worker.progressed.emit)), cancel, shown), done, failed
        )

    def iterate(
        self,
        events: Callable[[CancelToken], Iterator[Any]],
        title: str,
        on_event: Callable[[Any], None] | None = None,
        *,
        done: Callable[[Any], None] | None = None,
        failed: Callable[[BaseException], None] | None = None,
        shown: bool = True,
    ) -> Task:
        """Drain a generator of events in a thread; each event is delivered in order on the GUI thread."""
        cancel = CancelToken()

        def drain(worker: _Worker) -> None:
            for event in events(cancel):
                worker.said.emit(event)
                # Hands the interpreter to the GUI thread, or a generator that never blocks would starve it.
                QThread.msleep(_EVENT_LOOP_BREATH_MS)

        task = Task(title, drain, cancel, shown)
        if on_event is not None:
            task.said.connect(on_event)
        return self._begin(task, done, failed)

    def stop_all(self, timeout_s: float) -> bool:
        """Cancel everything and wait; for closing the program. False when something did not stop in time."""
        for task in self._tasks:
            task.cancel()
        deadline = time.monotonic() + timeout_s
        stopped = [task.wait(max(0.0, deadline - time.monotonic())) for task in self._tasks]
        return all(stopped)

    def _begin(
        self, task: Task, done: Callable[[Any], None] | None, failed: Callable[[BaseException], None] | None
    ) -> Task:
        if done is not None:
            task.succeeded.connect(done)
        task.failed.connect(failed if failed is not None else self.unhandled.emit)
        task.ended.connect(self._forget_ended)  # a function that knew its task would keep it alive for ever
        self._tasks.append(task)
        self.started.emit(task)
        task._start()
        return task

    @Slot()
    def _forget_ended(self) -> None:
        self._tasks = [task for task in self._tasks if task.is_running]


class NewestAnswer:
    """One kind of question, such as a list to read: of several asked before an answer came only the last is told."""

    def __init__(self, tasks: TaskRunner) -> None:
        self._tasks = tasks
        self._newest: Task | None = None

    def run(
        self,
        work: Callable[[TaskContext], Any],
        title: str,
        done: Callable[[Any], None],
        failed: Callable[[BaseException], None] | None = None,
    ) -> Task:
        """Like TaskRunner.run; neither done nor failed is called when something was asked for after this."""
        self.forget()
        self._newest = self._tasks.run(work, title, done, failed)
        return self._newest

    def forget(self) -> None:
        """No answer is wanted any more."""
        if self._newest is not None and self._newest.is_running:
            # Not by a function around `done`: Qt would still call that after a widget that `done` belongs to is gone.
            self._newest.succeeded.disconnect()
            self._newest.failed.disconnect()
        self._newest = None
