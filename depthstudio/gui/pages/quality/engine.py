"""QualityEngine: loads the network and keeps the measuring loop, off the GUI thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from depthstudio.cameras import CaptureThread
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.gui.loop_engine import LoopEngine

if TYPE_CHECKING:
    from depthstudio.evaluation.quality_loop import QualityLoop, QualityWish


@dataclass(frozen=True, eq=False)
class QualitySetup:
    """What a loop is made from. wish: what it measures at first."""

    network: Path
    capture: CaptureThread
    calibration: StereoCalibration
    size: tuple[int, int]
    wish: QualityWish

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for setups that need the same loop."""
        return self.network, id(self.capture), self.calibration.id, self.size


class QualityEngine(LoopEngine["QualitySetup", "QualityLoop"]):
    """Loads the network anew for every loop."""

    def _make(self, setup: QualitySetup) -> QualityLoop:
        from depthstudio.evaluation.quality_loop import QualityLoop
        from depthstudio.inference import Predictor

        rectifier = Rectifier(setup.calibration, setup.size)
        predictor = Predictor(setup.network, rectifier, backend="auto")
        predictor.warm_up(setup.size)
        return QualityLoop(setup.capture.newest("quality"), predictor, rectifier, setup.wish)
