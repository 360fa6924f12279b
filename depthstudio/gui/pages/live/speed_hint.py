"""Says when the network is far behind the camera, with the button that helps."""

from __future__ import annotations

from math import isfinite

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from depthstudio.gui.widgets.basics import button, column, label

# Behind by this much the hint comes; it goes when the network is nearer than the other.
_COMES_BELOW, _GOES_ABOVE = 0.6, 0.8
_HALF = "Half resolution: about 4 times as fast"
_FULL = "Back to full resolution"


class SpeedHint(QWidget):
    """A sentence and a button; nothing while the network keeps up. half_chosen(bool) when the user presses."""

    half_chosen = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._half = False
        self._behind = False
        self.words = label("", "small", wrap=True, tone="warning")
        self.button = button(_HALF, lambda: self.half_chosen.emit(not self._half), "zap", "link")
        self.button.setToolTip(
            "Pictures half as wide and high: a quarter of the work and twice the reach, with less detail"
        )
        self.setLayout(column(self.words, self.button, spacing=4))
        self.hide()

    def show_rates(self, camera_hz: float, inference_ms: float, half: bool) -> None:
        """inference_ms: what a prediction takes, NaN while nothing is predicted. half: computing at half resolution."""
        can_hz = 1000.0 / inference_ms if isfinite(inference_ms) and inference_ms > 0 else 0.0
        limit = _GOES_ABOVE if self._behind else _COMES_BELOW
        self._behind = 0 < can_hz < limit * camera_hz
        self._half = half
        self.words.setText(
            f"The network manages {can_hz:.1f} of the camera's {camera_hz:.0f} frames a second; the others are skipped."
        )
        self.words.setVisible(self._behind)
        self.button.setText(_FULL if half else _HALF)
        self.setVisible(half or self._behind)
