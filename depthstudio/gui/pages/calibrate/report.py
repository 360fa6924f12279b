"""The report of a solved calibration: verdict, numbers, errors per view, what to do about it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from depthstudio.calibration import CalibrationSolution
from depthstudio.calibration.facts import RectifiedFacts
from depthstudio.calibration.lens_kinds import LENS_TITLES
from depthstudio.geometry import RectifiedGeometry, Rectifier
from depthstudio.geometry.measuring import MATCHING_ERROR_PX
from depthstudio.gui.theme import GRID_PX, mark
from depthstudio.gui.widgets.bar_plot import PairedBars
from depthstudio.gui.widgets.basics import Section, button, column, label, number_label, row
from depthstudio.gui.widgets.residual_plot import ResidualPlot
from depthstudio.gui.widgets.status import VerdictLabel

_TONES = {"good": "good", "usable": "warning", "poor": "bad"}
_CHART_HEIGHT_PX = 220
_COLUMNS = 4


@dataclass(frozen=True)
class SolvedCalibration:
    """A solution with what it comes to after rectification."""

    solution: CalibrationSolution
    facts: RectifiedFacts

    @classmethod
    def of(cls, solution: CalibrationSolution) -> SolvedCalibration:
        """Rectify once, to know what the networks will see; takes some milliseconds."""
        return cls(solution, RectifiedFacts.of(Rectifier(solution.calibration)))

    @property
    def geometry(self) -> RectifiedGeometry:
        """f, B and size of the rectified pair."""
        return self.facts.geometry


class Figure(QFrame):
    """A number in large type with what it is."""

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        mark(self, surface="card")
        self.setToolTip(tip)
        self._value = number_label("–", "number")
        self._detail = number_label("", "small")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 6, 12, 6)
        layout.setSpacing(0)
        for part in (label(name, "small"), self._value, self._detail):
            layout.addWidget(part)

    def set_value(self, value: str, detail: str = "") -> None:
        """Show it; detail is a quiet line below."""
        self._value.setText(value)
        self._detail.setText(detail)


class CalibrationReport(QScrollArea):
    """Shows one solution. report_requested, export_requested: the report or the calibration is wanted as a file."""

    report_requested = Signal()
    export_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.solved: SolvedCalibration | None = None
        self.verdict = VerdictLabel()
        self.save_report = button("Save report…", self.report_requested.emit, "file-text", tip="As HTML or PDF")
        self.export = button(
            "Export…", self.export_requested.emit, "download", tip="As .npz, OpenCV YAML or ROS camera_info"
        )
        self.figures = _figures()
        grid = QGridLayout()
        grid.setSpacing(GRID_PX)
        for i, figure in enumerate(self.figures.values()):
            grid.addWidget(figure, i // _COLUMNS, i % _COLUMNS)
            grid.setColumnStretch(i % _COLUMNS, 1)
        self.bars = PairedBars("Error of each view", ("left", "right"), "px")
        self.residuals = (ResidualPlot("left", "train"), ResidualPlot("right", "accent"))
        for chart in (self.bars, *self.residuals):
            chart.setMinimumHeight(_CHART_HEIGHT_PX)
            # The scroll area asks for preferred heights; a plot's is 480 px.
            chart.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.depth_words = number_label("", "muted")
        self.depth_words.setWordWrap(True)
        self.warnings = Section("What to know")
        self._warning_lines = column(spacing=4)
        self.warnings.add(self._warning_lines)
        heading = row(self.verdict, self.export, self.save_report)
        heading.setStretch(0, 1)
        for item in (self.export, self.save_report):
            heading.setAlignment(item, Qt.AlignmentFlag.AlignTop)
        charts = row(self.bars, *self.residuals, spacing=GRID_PX)
        for i, stretch in enumerate((5, 3, 3)):
            charts.setStretch(i, stretch)
        layout = column(heading, self.warnings, grid, self.depth_words, charts, spacing=int(1.5 * GRID_PX))
        layout.setStretch(4, 1)
        content = QWidget()
        content.setLayout(layout)
        layout.setContentsMargins(0, 0, GRID_PX, 0)
        self.setWidget(content)

    def show_solution(self, solved: SolvedCalibration) -> None:
        """Fill everything."""
        self.solved = solved
        solution, geometry = solved.solution, solved.geometry
        word, _, reason = solution.verdict.partition(": ")
        reason = reason[:1].upper() + reason[1:]
        self.verdict.set_verdict(word, reason, _TONES[solution.quality])
        cameras = f"left {solution.left_rms_px:.2f}, right {solution.right_rms_px:.2f} alone"
        self.figures["rms"].set_value(f"{solution.rms_px:.2f} px", cameras)
        rows, which = (solution.held_out, "held-out views") if solution.held_out else (solution.vertical, "views used")
        self.figures["rows"].set_value(f"{rows.mean_px:.2f} px", f"{which}, 95 % < {rows.percentile95_px:.2f}")
        u = solution.uncertainty
        self.figures["baseline"].set_value(f"{geometry.baseline_m * 1000:.1f} mm", f"± {u.baseline_mm:.2f} mm")
        self.figures["turned"].set_value(f"{_angle_deg(solution):.2f}°", f"± {u.rotation_deg:.3f}°")
        width_deg, height_deg = solved.facts.field_deg
        self.figures["focal"].set_value(f"{geometry.focal_px:.0f} px", f"{width_deg:.0f}° x {height_deg:.0f}°")
        kinds = [camera.lens for camera in solution.cameras]
        names = " / ".join(dict.fromkeys(LENS_TITLES[kind].split(",")[0] for kind in kinds))
        given = [side for side, one in zip(("left", "right"), solution.cameras, strict=True) if one.was_given]
        self.figures["lens"].set_value(names, f"{' and '.join(given)} given" if given else "by held-out error")
        left, right = solution.cameras
        self.figures["coverage"].set_value(f"{left.coverage:.0%} / {right.coverage:.0%}", "left / right image")
        self.figures["valid"].set_value(f"{solved.facts.valid_share:.0%}", "of the rectified image")
        self.bars.set_items([(v.name, v.left_error_px, v.right_error_px, v.used) for v in solution.views])
        for plot, camera in zip(self.residuals, solution.cameras, strict=True):
            plot.set_residuals(camera.corners, camera.residuals, camera.image_size, camera.counts)
        self._show_warnings(solution)
        known = ", ".join(f"± {mm:.2g} mm at {z:g} m" for z, mm in u.depth_mm.items())
        steps = ", ".join(f"{mm:.2g}" for mm in solved.facts.depth_step_mm.values())
        self.depth_words.setText(
            f"Depth is known to {known} from the calibration; a matching error of {MATCHING_ERROR_PX:g} px means "
            f"{steps} mm there."
        )

    def _show_warnings(self, solution: CalibrationSolution) -> None:
        while (item := self._warning_lines.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.deleteLater()
        lines = list(solution.warnings)
        lines += [f"View {view.name} is left out: {view.reason}." for view in solution.views if not view.used]
        for line in lines:
            self._warning_lines.addWidget(label(line, wrap=True))
        self.warnings.setVisible(bool(lines))


def _figures() -> dict[str, Figure]:
    return {
        "rms": Figure("Stereo error", "RMS distance between seen and predicted corners, both cameras together."),
        "rows": Figure("Rows apart", "Vertical distance of the same corner after rectification."),
        "baseline": Figure("Baseline", "Distance between the two cameras, with one standard deviation."),
        "turned": Figure("Cameras turned", "Angle between the two cameras, with one standard deviation."),
        "focal": Figure("Rectified f", "Focal length and field of view of the rectified pair."),
        "lens": Figure("Lens model", "The simplest that predicts views left out as well as any."),
        "coverage": Figure("Coverage", "Share of each image in which the board was seen."),
        "valid": Figure("Valid region", "Share of the rectified image that both cameras see."),
    }


def _angle_deg(solution: CalibrationSolution) -> float:
    R = solution.calibration.R
    return math.degrees(math.acos(max(-1.0, min(1.0, (float(R.trace()) - 1) / 2))))
