"""LiveEngine: loads the network, builds the rectifier and keeps the inference loop, all off the GUI thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from depthstudio.cameras import CaptureThread
from depthstudio.frames import StereoFrame
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.gui.loop_engine import LoopEngine
from depthstudio.gui.tasks import TaskRunner

if TYPE_CHECKING:
    from depthstudio.inference import Predictor
    from depthstudio.inference.live import LiveLoop
    from depthstudio.inference.live_result import Comparison


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

    second: another network to compare with. first: a frame to begin with.
    """

    network: NetworkUse
    capture: CaptureThread
    calibration: StereoCalibration | None
    size: tuple[int, int]
    second: NetworkUse | None = None
    first: StereoFrame | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for setups that need the same loop."""
        calibration_id = self.calibration.id if self.calibration else ""
        return self.network, id(self.capture), calibration_id, self.size, self.second


class LiveEngine(LoopEngine["Setup", "LiveLoop"]):
    """A network stays loaded while only the source or the calibration changes."""

    def __init__(self, tasks: TaskRunner, parent: QObject | None = None) -> None:
        super().__init__(tasks, parent)
        self._loaded: dict[NetworkUse, Predictor] = {}
        self._reread = False

    def forget(self) -> None:
        """Stop, and let the same wish be tried again."""
        self.use(None)

    def drop_network(self) -> None:
        """Stop, and read the network's file again the next time."""
        self.forget()
        self._reread = True

    def _make(self, setup: Setup) -> LiveLoop:
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
        return LiveLoop(setup.capture.newest("inference"), predictor, quick, setup.first, slow)

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
