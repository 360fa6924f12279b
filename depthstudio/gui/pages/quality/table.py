"""The table of numbers: a row per metric, a column per method."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout

from depthstudio.evaluation.depth_quality import DepthQuality
from depthstudio.evaluation.quality_report import METHODS, TABLE
from depthstudio.gui.theme import mark, theme
from depthstudio.gui.widgets.basics import label, number_label

TOKENS = {"network": "accent", "camera": "warning", "sgbm": "train"}


class QualityTable(QFrame):
    """Shows the newest numbers; the fields never move."""

    def __init__(self) -> None:
        super().__init__()
        mark(self, surface="card")
        self.setAccessibleName("Depth quality")
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(0, 1)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        self._headings: dict[str, QLabel] = {}
        self._cells: dict[tuple[int, str], QLabel] = {}
        for column, (method, title) in enumerate(METHODS.items(), start=2):
            heading = label(title, "section")
            heading.setMinimumWidth(76)
            heading.setAlignment(right)
            self._headings[method] = heading
            grid.addWidget(heading, 0, column)
        for line, metric in enumerate(TABLE):
            name, unit = label(metric.title), label(metric.unit, "small")
            name.setToolTip(metric.explanation)
            grid.addWidget(name, line + 1, 0)
            grid.addWidget(unit, line + 1, 1)
            grid.setRowStretch(line + 1, 1)
            for column, method in enumerate(METHODS, start=2):
                cell = number_label("–")
                cell.setAlignment(right)
                cell.setToolTip(metric.explanation)
                self._cells[line, method] = cell
                grid.addWidget(cell, line + 1, column)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.addLayout(grid)
        theme().changed.connect(self._restyle)
        self._restyle()

    def show_quality(self, quality: Mapping[str, DepthQuality]) -> None:
        """Fill in; a method that is not there shows dashes."""
        for (line, method), cell in self._cells.items():
            text = TABLE[line].text(quality.get(method))
            cell.setText(text)
            cell.setAccessibleName(f"{METHODS[method]} {TABLE[line].title} {text} {TABLE[line].unit}")

    def text(self, key: str, method: str) -> str:
        """What is shown for a metric's key, first row of that key."""
        line = next(i for i, metric in enumerate(TABLE) if metric.key == key)
        return self._cells[line, method].text()

    def _restyle(self) -> None:
        for method, heading in self._headings.items():
            heading.setTextFormat(Qt.TextFormat.RichText)
            heading.setText(f'<span style="color:{theme().hex(TOKENS[method])}">●</span>&nbsp;{METHODS[method]}')
