"""What is known about the point under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QLabel, QWidget

from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import column, label, number_label, row

if TYPE_CHECKING:
    from depthstudio.geometry import RectifiedGeometry
    from depthstudio.inference.live import LiveResult

MATCHING_ERROR_PX = 0.25
_NAMES = {
    "position": ("Position", "Pixel of the rectified left view."),
    "disparity": ("Disparity", "How far the network finds the point to the left in the right picture."),
    "depth": ("Depth", "f * B / disparity, along the optical axis."),
    "error": ("Expected error", f"What {MATCHING_ERROR_PX} px of disparity mean at this distance: Z² / (f B) each px."),
    "camera": ("Camera depth", "What the camera itself measured here."),
    "difference": ("Network - camera", "How much farther the network sees the point."),
    "sgbm": ("SGBM depth", "What OpenCV's semi-global matching finds here."),
}
_WIDTHS_PX = {"position": 80, "disparity": 80, "depth": 72, "error": 104, "camera": 96, "difference": 120, "sgbm": 88}


def expected_error_m(depth_m: float, geometry: RectifiedGeometry, error_px: float = MATCHING_ERROR_PX) -> float:
    """Depth error that a disparity error makes: dZ = Z^2 / (f * B) * error_px, the derivative of Z = f * B / d."""
    return depth_m**2 / geometry.focal_baseline * error_px


def spoken_distance(metres: float, sign: str = "") -> str:
    """Millimetres, from a metre on metres. sign: "+" to show it always."""
    return f"{metres * 1000:{sign}.1f} mm" if abs(metres) < 1 else f"{metres:{sign}.2f} m"


def read_at(result: LiveResult, x: int, y: int) -> dict[str, str]:
    """Words for every value known at a pixel."""

    def at(maps: object, name: str) -> float | None:
        values = maps.get(name)  # type: ignore[attr-defined]
        value = float(values[y, x]) if values is not None else float("nan")
        return value if np.isfinite(value) else None

    words = {"position": f"{x}, {y}"}
    disparity_px, depth_m = at(result.disparity_px, "network"), at(result.depth_m, "network")
    if disparity_px is not None:
        words["disparity"] = f"{disparity_px:.2f} px"
    if depth_m is not None and result.geometry is not None:
        words["depth"] = f"{depth_m:.3f} m"
        words["error"] = f"± {spoken_distance(expected_error_m(depth_m, result.geometry))}"
    camera_m, sgbm_m = at(result.depth_m, "camera"), at(result.depth_m, "sgbm")
    if camera_m is not None:
        words["camera"] = f"{camera_m:.3f} m"
        if depth_m is not None:
            words["difference"] = spoken_distance(depth_m - camera_m, "+")
    if sgbm_m is not None:
        words["sgbm"] = f"{sgbm_m:.3f} m"
    return words


class Readout(QWidget):
    """One line of names with their values under them; places do not move when values come and go."""

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[str, QLabel] = {}
        self._columns: dict[str, QWidget] = {}
        line = row(spacing=2 * GRID_PX)
        for key, (name, tip) in _NAMES.items():
            value = number_label("–")
            cell = QWidget()
            cell.setLayout(column(label(name, "small"), value, spacing=2))
            cell.setToolTip(tip)
            cell.setFixedWidth(_WIDTHS_PX[key])
            self._values[key], self._columns[key] = value, cell
            line.addWidget(cell)
        line.addStretch(1)
        self.setLayout(line)
        self.setAccessibleName("Values under the cursor")
        self.set_compared(camera=False, sgbm=False)

    def set_compared(self, camera: bool, sgbm: bool) -> None:
        """Which comparisons have a place in the line."""
        for key, shown in (("camera", camera), ("difference", camera), ("sgbm", sgbm)):
            self._columns[key].setVisible(shown)

    def set_words(self, words: dict[str, str]) -> None:
        """Show values; those missing become a dash."""
        for key, value in self._values.items():
            value.setText(words.get(key, "–"))

    def text(self, key: str) -> str:
        """What is shown for position, disparity, depth, error, camera, difference or sgbm."""
        return self._values[key].text()
