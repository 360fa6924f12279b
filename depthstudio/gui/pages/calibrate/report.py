"""The report of a solved calibration: verdict, numbers, errors per view, what to do about it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout, QWidget

from depthstudio.calibration import CalibrationSolution
from depthstudio.geometry import RectifiedGeometry, Rectifier
from depthstudio.gui.theme import GRID_PX, mark
from depthstudio.gui.widgets.bar_plot import PairedBars
from depthstudio.gui.widgets.basics import Section, column, label, number_label
from depthstudio.gui.widgets.status import VerdictLabel

_TONES = {"good": "good", "usable": "warning", "poor": "bad"}
_DISTANCES_M = (0.5, 1.0, 2.0, 4.0)
_MATCHING_ERROR_PX = 0.25


@dataclass(frozen=True)
class SolvedCalibration:
    """A solution with the geometry that it gives after rectification."""

    solution: CalibrationSolution
    geometry: RectifiedGeometry

    @classmethod
    def of(cls, solution: CalibrationSolution) -> SolvedCalibration:
        """Rectify once, to know what the networks will see; takes some milliseconds."""
        return cls(solution, Rectifier(solution.calibration).geometry)


class Figure(QFrame):
    """A number in large type with what it is."""

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        mark(self, surface="card")
        self.setToolTip(tip)
        self._value = number_label("–", "number")
        self._detail = number_label("", "small")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(0)
        for part in (label(name, "small"), self._value, self._detail):
            layout.addWidget(part)

    def set_value(self, value: str, detail: str = "") -> None:
        """Show it; detail is a quiet line below."""
        self._value.setText(value)
        self._detail.setText(detail)


class CalibrationReport(QWidget):
    """Shows one solution."""

    def __init__(self) -> None:
        super().__init__()
        self.verdict = VerdictLabel()
        self.figures = {
            "rms": Figure("Stereo error", "RMS distance between seen and predicted corners, both cameras together."),
            "rows": Figure("Rows apart", "Vertical distance of the same corner after rectification."),
            "baseline": Figure("Baseline", "Distance between the two cameras."),
            "focal": Figure("Focal length", "Of the rectified pair."),
        }
        grid = QGridLayout()
        grid.setSpacing(GRID_PX)
        for i, figure in enumerate(self.figures.values()):
            grid.addWidget(figure, 0, i)
            grid.setColumnStretch(i, 1)
        self.bars = PairedBars("Error of each view", ("left", "right"), "px")
        self.resolution = number_label("", "muted")
        self.resolution.setWordWrap(True)
        self.warnings = Section("What to know")
        self._warning_lines = column(spacing=4)
        self.warnings.add(self._warning_lines)
        layout = column(self.verdict, grid, self.bars, self.warnings, self.resolution, spacing=2 * GRID_PX)
        layout.setStretch(2, 1)
        self.setLayout(layout)

    def show_solution(self, solved: SolvedCalibration) -> None:
        """Fill everything."""
        solution, geometry = solved.solution, solved.geometry
        word, _, reason = solution.verdict.partition(": ")
        reason = reason[:1].upper() + reason[1:]
        self.verdict.set_verdict(word, reason, _TONES[solution.quality])
        cameras = f"left {solution.left_rms_px:.2f}, right {solution.right_rms_px:.2f} alone"
        self.figures["rms"].set_value(f"{solution.rms_px:.2f} px", cameras)
        held_out = solution.held_out
        seen = f"95 % below {solution.vertical.percentile95_px:.2f}"
        unseen = f"{held_out.mean_px:.2f} on held-out views" if held_out is not None else seen
        self.figures["rows"].set_value(f"{solution.vertical.mean_px:.2f} px", unseen)
        self.figures["baseline"].set_value(f"{geometry.baseline_m * 1000:.1f} mm", _rotation(solution))
        view_deg = 2 * math.degrees(math.atan(geometry.size[0] / 2 / geometry.focal_px))
        self.figures["focal"].set_value(f"{geometry.focal_px:.0f} px", f"{view_deg:.0f}° wide")
        self.bars.set_items([(v.name, v.left_error_px, v.right_error_px, v.used) for v in solution.views])
        self._show_warnings(solution)
        steps = ", ".join(f"{_depth_error_mm(geometry, z):.3g} mm at {z:g} m" for z in _DISTANCES_M)
        self.resolution.setText(f"A matching error of {_MATCHING_ERROR_PX:g} px means {steps}.")

    def _show_warnings(self, solution: CalibrationSolution) -> None:
        while (item := self._warning_lines.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.deleteLater()
        lines = list(solution.warnings)
        if solution.outliers:
            lines.insert(0, f"Left out, because they do not fit the others: view {', '.join(solution.outliers)}.")
        for line in lines:
            self._warning_lines.addWidget(label(line, wrap=True))
        self.warnings.setVisible(bool(lines))


def _rotation(solution: CalibrationSolution) -> str:
    R = solution.calibration.R
    angle_deg = math.degrees(math.acos(max(-1.0, min(1.0, (float(R.trace()) - 1) / 2))))
    return f"turned {angle_deg:.2f}°"


def _depth_error_mm(geometry: RectifiedGeometry, z_m: float) -> float:
    """dZ = Z^2 / (f B) * dd, from Z = f B / d."""
    return z_m * z_m / geometry.focal_baseline * _MATCHING_ERROR_PX * 1000
