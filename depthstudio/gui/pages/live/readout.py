"""What is known about the point under the cursor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QLabel, QWidget

from depthstudio.frames import FloatMap
from depthstudio.geometry.measuring import MATCHING_ERROR_PX, expected_error_m
from depthstudio.gui.pages.live.kinds import METHODS, Pair, values_of
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import column, label, number_label, row

if TYPE_CHECKING:
    from depthstudio.inference.live_result import LiveResult

_ALWAYS = ("position", "disparity", "depth", "error")
_NAMES = {
    "position": ("Position", "Pixel of the rectified left view.", 72),
    "disparity": ("Disparity", "How far the network finds the point to the left in the right picture.", 76),
    "depth": ("Depth", "f * B / disparity of the network itself, before any step after it.", 68),
    "error": (
        "Expected error",
        f"What {MATCHING_ERROR_PX} px of disparity mean at this distance: Z² / (f B) each px.",
        96,
    ),
    "confidence": ("Confidence", "How likely the network finds its error to be below 1 px.", 76),
    "camera": ("Camera", "What the camera itself measured here.", 68),
    "sgbm": ("SGBM", "What OpenCV's semi-global matching finds here.", 68),
    "second": ("Second", "What the second network finds here.", 68),
    "second_confidence": ("Confidence 2", "How likely the second network finds its error to be below 1 px.", 88),
    "exact": ("Exact", "The simulated scene itself.", 68),
    "difference": ("Difference", "The first of the two chosen methods minus the second one.", 88),
}


def spoken_distance(metres: float, sign: str = "") -> str:
    """Millimetres, from a metre on metres. sign: "+" to show it always."""
    return f"{metres * 1000:{sign}.1f} mm" if abs(metres) < 1 else f"{metres:{sign}.2f} m"


def read_at(
    result: LiveResult, x: int, y: int, pair: Pair = ("network", "camera"), unit: str = "depth"
) -> dict[str, str]:
    """Words for every value known at a pixel. unit: disparity or depth, of the difference; of disparities when there is
    no depth."""

    def at(maps: Mapping[str, FloatMap], name: str) -> float | None:
        values = maps.get(name)
        value = float(values[y, x]) if values is not None else float("nan")
        return value if np.isfinite(value) else None

    words = {"position": f"{x}, {y}"}
    disparity_px, depth_m = at(result.disparity_px, "network"), at(result.depth_m, "network")
    if disparity_px is not None:
        words["disparity"] = f"{disparity_px:.2f} px"
    if depth_m is not None and result.geometry is not None:
        words["depth"] = f"{depth_m:.3f} m"
        words["error"] = f"± {spoken_distance(expected_error_m(depth_m, result.geometry))}"
    if result.prediction.confidence is not None:
        words["confidence"] = f"{float(result.prediction.confidence[y, x]) * 100:.0f}%"
    metric = bool(result.depth_m)
    for kind in (*METHODS, "second_confidence", "difference"):
        shown = unit if metric and kind == "difference" else "depth" if metric else "disparity"
        values = values_of(result, kind, shown, pair) if kind in _NAMES else None
        value = float(values[y, x]) if values is not None else float("nan")
        if not np.isfinite(value):
            continue
        if kind == "second_confidence":
            words[kind] = f"{value * 100:.0f}%"
        elif kind == "difference":
            words[kind] = spoken_distance(value, "+") if shown == "depth" else f"{value:+.2f} px"
        else:
            words[kind] = f"{value:.3f} m" if metric else f"{value:.2f} px"
    return words


class Readout(QWidget):
    """One line of names with their values under them; places do not move when values come and go."""

    def __init__(self) -> None:
        super().__init__()
        self._values: dict[str, QLabel] = {}
        self._words: dict[str, str] = {}
        self._columns: dict[str, QWidget] = {}
        line = row(spacing=GRID_PX)
        for key, (name, tip, width_px) in _NAMES.items():
            value = number_label("–")
            cell = QWidget()
            cell.setLayout(column(label(name, "small"), value, spacing=2))
            cell.setToolTip(tip)
            cell.setFixedWidth(width_px)
            self._values[key], self._columns[key] = value, cell
            line.addWidget(cell)
        line.addStretch(1)
        self.setLayout(line)
        self.setAccessibleName("Values under the cursor")
        self.set_shown(frozenset())

    def set_shown(self, kinds: frozenset[str]) -> None:
        """Which values have a place in the line beside those of the network; see kinds.VIEWS."""
        for key, cell in self._columns.items():
            cell.setVisible(key in _ALWAYS or key in kinds)

    def set_words(self, words: dict[str, str]) -> None:
        """Show values; those missing become a dash."""
        if words == self._words:
            return
        self._words = words
        for key, value in self._values.items():
            value.setText(words.get(key, "–"))

    def text(self, key: str) -> str:
        """What is shown for position, disparity, depth, error, camera, difference or sgbm."""
        return self._values[key].text()
