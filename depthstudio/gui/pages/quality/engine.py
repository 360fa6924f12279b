"""QualityEngine: loads the network and keeps the measuring loop, off the GUI thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from depthstudio.cameras import CaptureThread
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.gui.tasks import TaskContext, TaskRunner

if TYPE_CHECKING:
    from depthstudio.evaluation.quality_loop import QualityLoop, QualityWish

_STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True, eq=False)
class QualitySetup:
    """What a loop is made from."""

    network: Path
    capture: CaptureThread
    calibration: StereoCalibration
    size: tuple[int, int]

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for setups that need the same loop."""
        return self.network, id(self.capture), self.calibration.id, self.size


class QualityEngine(QObject):
    """`use` says what should run; the newest wish wins. changed() when loop or loading changes, failed(exception)."""

    changed = Signal()
    failed = Signal(object)

    def __init__(self, tasks: TaskRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._setup: QualitySetup | None = None
        self._generation = 0
        self.loading = False
        self.loop: QualityLoop | None = None

    @property
    def setup(self) -> QualitySetup | None:
        """What was asked for last; kept when it failed, so that it is not tried again by itself."""
        return self._setup

    def use(self, setup: QualitySetup | None, wish: QualityWish | None = None) -> None:
        """Run this; None stops. Asking for what runs or failed already changes nothing."""
        if (setup and setup.key) == (self._setup and self._setup.key):
            return
        self._setup = setup
        self._generation += 1
        generation = self._generation
        old, self.loop = self.loop, None

        def make(_: TaskContext) -> QualityLoop | None:
            if old is not None:
                old.stop(_STOP_TIMEOUT_S)
            if setup is None or wish is None or generation != self._generation:
                return None
            from depthstudio.evaluation.quality_loop import QualityLoop
            from depthstudio.inference import Predictor

            rectifier = Rectifier(setup.calibration, setup.size)
            predictor = Predictor(setup.network, rectifier, backend="auto")
            predictor.warm_up(setup.size)
            return QualityLoop(setup.capture.newest("quality"), predictor, rectifier, wish)

        def made(loop: QualityLoop | None) -> None:
            if generation != self._generation:
                if loop is not None:
                    loop.stop()  # never started, so it ends at once
                return
            self.loading = False
            self.loop = loop
            if loop is not None:
                loop.start()
            self.changed.emit()

        def refused(error: BaseException) -> None:
            if generation == self._generation:
                self.fail(error)

        self.loading = setup is not None
        if setup is not None or old is not None:
            self._tasks.run(make, "Load the network", made, refused)
        self.changed.emit()

    def fail(self, error: BaseException) -> None:
        """Say that what was asked for does not work."""
        self.loading = False
        self.loop = None
        self.changed.emit()
        self.failed.emit(error)

    def stop_now(self) -> None:
        """Stop and wait; only for leaving the program."""
        self._generation += 1
        loop, self.loop = self.loop, None
        if loop is not None:
            loop.stop(_STOP_TIMEOUT_S)
