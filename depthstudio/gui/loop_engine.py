"""LoopEngine: makes the loop that works on a source's frames off the GUI thread, and keeps it."""

from __future__ import annotations

import threading
from abc import abstractmethod
from enum import Enum
from typing import Generic, Protocol, TypeVar

from PySide6.QtCore import QObject, Signal

from depthstudio.frame_loop import FrameLoop
from depthstudio.gui.tasks import TaskContext, TaskRunner

_STOP_TIMEOUT_S = 10.0


class EngineState(Enum):
    """IDLE: nothing asked for. LOADING, RUNNING, or FAILED until something else is asked for."""

    IDLE = "idle"
    LOADING = "loading"
    RUNNING = "running"
    FAILED = "failed"


class LoopSetup(Protocol):
    """What a loop is made from."""

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for setups that need the same loop."""
        ...


SetupT = TypeVar("SetupT", bound=LoopSetup)
LoopT = TypeVar("LoopT", bound=FrameLoop)


class LoopEngine(QObject, Generic[SetupT, LoopT]):
    """`use` says what should run; the newest wish wins.

    changed() when `state` changes, failed(exception) when what was asked for cannot run. Subclasses say how a loop is
    made.
    """

    changed = Signal()
    failed = Signal(object)

    def __init__(self, tasks: TaskRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._setup: SetupT | None = None
        self._generation = 0
        self._making = threading.Lock()
        self._closed = False
        self.state = EngineState.IDLE
        self.loop: LoopT | None = None

    @abstractmethod
    def _make(self, setup: SetupT) -> LoopT:
        """Load what is needed and make the loop, not started yet. On a task's thread, never on two at a time.

        What imports torch is imported here, so that the window need not wait for it.
        """

    @property
    def setup(self) -> SetupT | None:
        """What was asked for last; kept when it failed, so that it is not tried again by itself."""
        return self._setup

    def use(self, setup: SetupT | None) -> None:
        """Run this; None stops. Asking for what runs or failed already changes nothing."""
        if self._closed or (setup and setup.key) == (self._setup and self._setup.key):
            return
        self._setup = setup
        self._generation += 1
        generation = self._generation
        old, self.loop = self.loop, None
        if setup is None and old is None:
            self._set_state(EngineState.IDLE)
            return

        def make(_: TaskContext) -> LoopT | None:
            if old is not None:
                old.stop(_STOP_TIMEOUT_S)
            with self._making:
                return self._make(setup) if setup is not None and generation == self._generation else None

        def made(loop: LoopT | None) -> None:
            if generation == self._generation:
                self.loop = loop
                if loop is not None:
                    loop.start()
                    self._set_state(EngineState.RUNNING)
            elif loop is not None:
                loop.stop()  # never started, so it ends at once

        def refused(error: BaseException) -> None:
            if generation == self._generation:
                self.fail(error)

        self._set_state(EngineState.LOADING if setup is not None else EngineState.IDLE)
        self._tasks.run(make, "Load the network", made, refused)

    def fail(self, error: BaseException) -> None:
        """Say that what was asked for does not work."""
        self.loop = None
        self._set_state(EngineState.FAILED)
        self.failed.emit(error)

    def stop_now(self) -> None:
        """Stop, wait, and run nothing again; only for leaving the program."""
        self._closed = True
        self._generation += 1
        loop, self.loop = self.loop, None
        if loop is not None:
            loop.stop(_STOP_TIMEOUT_S)

    def _set_state(self, state: EngineState) -> None:
        self.state = state
        self.changed.emit()
