"""Tables of numbers: the comparison, the bands by distance and the frames, worst first."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QBrush
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from depthstudio.evaluation.evaluate import Evaluation, FrameResult
from depthstudio.evaluation.html_report import COLUMNS, number
from depthstudio.evaluation.metrics import DisparityMetrics
from depthstudio.gui.theme import tabular, theme

_ROW_PX = 26
_FRAME_COLUMNS = ("epe_px", "bad_1", "bad_2", "d1")
_BAND_COLUMNS = ("epe_px", "bad_1", "bad_2")


class NumberTable(QTableWidget):
    """Rows of a name and numbers. picked(int): the row that the user chose."""

    picked = Signal(int)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW_PX)
        self.horizontalHeader().setHighlightSections(False)
        self.setFont(tabular(self.font()))
        self.itemSelectionChanged.connect(self._on_selection)

    def set_rows(self, headings: Sequence[str], rows: Sequence[Sequence[str]], best: set[tuple[int, int]]) -> None:
        """Replace everything; the first column is text. best: (row, column) shown in the accent colour."""
        self.blockSignals(True)
        self.clear()
        self.setRowCount(len(rows))
        self.setColumnCount(len(headings))
        for j, heading in enumerate(headings):
            title = QTableWidgetItem(heading)
            title.setTextAlignment(_alignment(j))
            self.setHorizontalHeaderItem(j, title)
        for i, cells in enumerate(rows):
            for j, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setTextAlignment(_alignment(j))
                item.setToolTip(text if j == 0 else "")
                if (i, j) in best:
                    item.setForeground(QBrush(theme().color("accent")))
                    font = self.font()
                    font.setBold(True)
                    item.setFont(font)
                self.setItem(i, j, item)
        header = self.horizontalHeader()
        for j in range(len(headings)):
            stretched = QHeaderView.ResizeMode.Stretch if j == 0 else QHeaderView.ResizeMode.ResizeToContents
            header.setSectionResizeMode(j, stretched)
        self.blockSignals(False)

    def fit_height(self) -> None:
        """As high as its rows, no higher."""
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + self.rowCount() * _ROW_PX + 4)

    def pick(self, row: int) -> None:
        """Choose a row as the user would."""
        self.selectRow(row)

    def _on_selection(self) -> None:
        rows = self.selectionModel().selectedRows()
        if rows:
            self.picked.emit(rows[0].row())


def show_comparison(table: NumberTable, evaluations: Sequence[Evaluation]) -> None:
    """A row per method, the best of each column marked."""
    means = [evaluation.mean for evaluation in evaluations]
    rows = []
    for evaluation, mean in zip(evaluations, means, strict=True):
        numbers = [number(getattr(mean, key), factor, digits) for _, key, factor, digits in COLUMNS]
        rows.append([evaluation.method, *numbers, number(evaluation.inference_ms, 1, 0)])
    best = {(_best(means, key), j) for j, (_, key, *_) in enumerate(COLUMNS, start=1)} if len(rows) > 1 else set()
    table.set_rows(["", *(_bare(title) for title, *_ in COLUMNS), "ms"], rows, best)


def show_bands(table: NumberTable, evaluation: Evaluation) -> None:
    """A method's errors by true distance; in metres its depth error too."""
    columns = [column for column in COLUMNS if column[1] in _BAND_COLUMNS]
    rows = []
    for band in evaluation.bands:
        numbers = [number(getattr(band.metrics, key), factor, digits) for _, key, factor, digits in columns]
        rows.append([band.title, *numbers, number(band.depth_error_m, 1000, 0)])
    table.set_rows(["Distance", *(_bare(title) for title, *_ in columns), "Z error mm"], rows, set())


def show_frames(table: NumberTable, frames: Sequence[FrameResult]) -> None:
    """A row per frame in the order given."""
    columns = [column for column in COLUMNS if column[1] in _FRAME_COLUMNS]
    rows = []
    for frame in frames:
        metrics = frame.metrics
        rows.append(
            [frame.name, *(number(getattr(metrics, key), factor, digits) for _, key, factor, digits in columns)]
        )
    table.set_rows(["Frame", *(_bare(title) for title, *_ in columns)], rows, set())


def _alignment(column: int) -> Qt.AlignmentFlag:
    """Names at the left, numbers at the right."""
    side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


def _bare(title: str) -> str:
    """Without the unit, which the line under the table says for all."""
    return title.rpartition(" ")[0]


def _best(means: Sequence[DisparityMetrics], key: str) -> int:
    values = [getattr(mean, key) for mean in means]
    known = [value for value in values if isfinite(value)]
    if not known:
        return -1
    return values.index(max(known) if key == "density" else min(known))
