"""LiveEngine: loads the network, builds the rectifier and keeps the inference loop, all off the GUI thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from depthstudio.cameras import CaptureThread
from depthstudio.frames import StereoFrame
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.gui.tasks import TaskContext, TaskRunner

if TYPE_CHECKING:
    from depthstudio.inference import Predictor
    from depthstudio.inference.live import LiveLoop
    from depthstudio.inference.live_result import Comparison

_STOP_TIMEOUT_S = 10.0


class EngineState(Enum):
    """IDLE: nothing asked for. LOADING, RUNNING, or FAILED until something else is asked for."""

    IDLE = "idle"
    LOADING = "loading"
    RUNNING = "running"
    FAILED = "failed"


@dataclass(frozen=True)
class NetworkUse:
    """Which network, and how. threads, max_disparity: 0 leaves them as they are. backend: see Predictor."""

    path: Path
    threads: int = 0
    max_disparity: int = 0
    backend: str = "auto"
    half_resolution: bool = False


@dataclass(frozen=True, eq=False)
class Setup:
    """What one loop is made from. calibration is None for images that are rectified already, with unknown geometry.

    second: another network to compare with.
    """

    network: NetworkUse
    capture: CaptureThread
    calibration: StereoCalibration | None
    size: tuple[int, int]
    second: NetworkUse | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for setups that need the same loop."""
        calibration_id = self.calibration.id if self.calibration else ""
        return self.network, id(self.capture), calibration_id, self.size, self.second


class LiveEngine(QObject):
    """`use` says what should run; the newest wish wins.

    changed() when `state` changes, failed(exception) when what was asked for cannot run.
    A network stays loaded while only the source or the calibration changes.
    """

    changed = Signal()
    failed = Signal(object)

    def __init__(self, tasks: TaskRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._setup: Setup | None = None
        self._generation = 0
        self._making = threading.Lock()
        self._loaded: dict[NetworkUse, Predictor] = {}
        self._reread = False
        self.state = EngineState.IDLE
        self.loop: LiveLoop | None = None

    @property
    def setup(self) -> Setup | None:
        """What was asked for last."""
        return self._setup

    def use(self, setup: Setup | None, first: StereoFrame | None = None) -> None:
        """Run this, beginning with `first`; None stops. Asking for what runs or failed already changes nothing."""
        if (setup and setup.key) == (self._setup and self._setup.key):
            return
        self._setup = setup
        self._generation += 1
        generation = self._generation
        old, self.loop = self.loop, None
        if setup is None and old is None:
            self._set_state(EngineState.IDLE)
            return

        def make(_: TaskContext) -> LiveLoop | None:
            if old is not None:
                old.stop(_STOP_TIMEOUT_S)
            with self._making:  # one at a time, because they share the loaded network
                return self._make(setup, first) if setup is not None and generation == self._generation else None

        def made(loop: LiveLoop | None) -> None:
            if generation == self._generation:
                self.loop = loop
                if loop is not None:
                    loop.start()
                    self._set_state(EngineState.RUNNING)

        def refused(error: BaseException) -> None:
            if generation == self._generation:
                self.fail(error)

        self._set_state(EngineState.LOADING if setup is not None else EngineState.IDLE)
        self._tasks.run(make, "Load the network", made, refused)

    def fail(self, error: BaseException) -> None:
        """Say that what was asked for does not work; the wish is kept, so that it is not tried again by itself."""
        self.loop = None
        self._set_state(EngineState.FAILED)
        self.failed.emit(error)

    def forget(self) -> None:
        """Stop, and let the same wish be tried again."""
        self.use(None)

    def drop_network(self) -> None:
        """Stop, and read the network's file again the next time."""
        self.forget()
        self._reread = True

    def stop_now(self) -> None:
        """Stop and wait; only for leaving the program."""
        self._generation += 1
        loop, self.loop = self.loop, None
        if loop is not None:
            loop.stop(_STOP_TIMEOUT_S)

    def _make(self, setup: Setup, first: StereoFrame | None) -> LiveLoop:
        """On the task's thread. What imports torch is imported here, so that the window need not wait for it."""
        from depthstudio.gui.pages.live import comparisons
        from depthstudio.inference.live import LiveLoop

        rectifier = Rectifier(setup.calibration, setup.size) if setup.calibration is not None else None
        kept = set() if self._reread else {setup.network, setup.second}
        self._reread = False
        # What is no longer used gives its memory back before the next one needs it.
        self._loaded = {use: predictor for use, predictor in self._loaded.items() if use in kept}
        predictor = self._ready(setup.network, rectifier, setup.size)
        quick: dict[str, Comparison] = {}
        if rectifier is not None:
            quick = {
                "camera": comparisons.camera_comparison(rectifier),
                "exact": comparisons.exact_comparison(rectifier),
            }
        slow: dict[str, Comparison] = {"sgbm": comparisons.sgbm_comparison(rectifier, predictor.max_disparity)}
        if setup.second is not None:
            slow["second"] = comparisons.network_comparison(self._ready(setup.second, rectifier, setup.size))
        return LiveLoop(setup.capture.newest("inference"), predictor, quick, first, slow)

    def _ready(self, use: NetworkUse, rectifier: Rectifier | None, size: tuple[int, int]) -> Predictor:
        """The predictor, loaded when it is not there yet, warm for this size."""
        from depthstudio.inference import Predictor

        if use not in self._loaded:
            self._loaded[use] = Predictor(
                use.path,
                threads=use.threads or None,
                max_disparity=use.max_disparity or None,
                backend=use.backend,
                half_resolution=use.half_resolution,
            )
        predictor = self._loaded[use]
        predictor.rectifier = rectifier
        predictor.warm_up(size)
        return predictor

    def _set_state(self, state: EngineState) -> None:
        self.state = state
        self.changed.emit()
