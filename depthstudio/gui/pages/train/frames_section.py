"""The validation frames of a run, worst first; a click shows what its network makes of one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from depthstudio.gui.widgets.basics import Section, button, clear_layout, column, label
from depthstudio.training.events import FrameScore

_HEADS = ("Frame", "EPE, px", "> 3 px")
_ROW_PX, _SHOWN_ROWS = 24, 7


class FramesSection(Section):
    """frame_asked(FrameScore): show this one. scores_asked(): measure the frames of a run that has no scores."""

    frame_asked = Signal(object)
    scores_asked = Signal()

    def __init__(self) -> None:
        super().__init__("Validation frames, worst first")
        self.frames: tuple[FrameScore, ...] = ()
        self.table = QTableWidget(0, len(_HEADS))
        self.table.setAccessibleName("Validation frames, worst first")
        self.table.setHorizontalHeaderLabels(list(_HEADS))
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(_ROW_PX)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for place in (1, 2):
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.ResizeToContents)
        self._hint = label("Choose one to see it under the curves.", "small", wrap=True)
        self.measure = button("Measure the frames", self.scores_asked.emit, "gauge")
        self.measure.setToolTip("Let the run's best network predict up to 48 validation frames")
        for item in (self.table, self._hint, self.measure):
            self.add(item)
        self.table.itemSelectionChanged.connect(self._on_selected)

    def show_frames(self, frames: Sequence[FrameScore], *, can_measure: bool, is_measuring: bool = False) -> None:
        """can_measure: the run has a result, so that frames can be measured when there are none."""
        self.setVisible(bool(frames) or can_measure)
        self.table.setVisible(bool(frames))
        self._hint.setVisible(bool(frames))
        self.measure.setVisible(not frames)
        self.measure.setEnabled(not is_measuring)
        self.measure.setText("Measuring…" if is_measuring else "Measure the frames")
        if tuple(frames) == self.frames:
            return
        self.frames = tuple(frames)
        self.table.clearSelection()
        self.table.setRowCount(len(frames))
        for line, frame in enumerate(frames):
            for place, words in enumerate((frame.name, f"{frame.epe_px:.2f}", f"{frame.bad_3:.0%}")):
                item = QTableWidgetItem(words)
                if place:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                item.setToolTip(f"{frame.name} of {frame.group}")
                self.table.setItem(line, place, item)
        rows = min(_SHOWN_ROWS, len(frames))
        self.table.setFixedHeight(self.table.horizontalHeader().sizeHint().height() + rows * _ROW_PX + 4)

    def _on_selected(self) -> None:
        rows = self.table.selectionModel().selectedRows()
        if rows:
            self.frame_asked.emit(self.frames[rows[0].row()])


class FrameLinks(QWidget):
    """A few frames as links, e.g. under the verdict that they explain."""

    frame_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._frames: tuple[FrameScore, ...] = ()
        self._layout = column(spacing=0)
        self.setLayout(self._layout)
        self.hide()

    def show_frames(self, frames: Sequence[FrameScore]) -> None:
        """Replace the links."""
        self.setVisible(bool(frames))
        if tuple(frames) == self._frames:
            return
        self._frames = tuple(frames)
        clear_layout(self._layout)
        for frame in frames:
            words = f"{frame.name}: {frame.epe_px:.3g} px"
            link = button(words, partial(self.frame_asked.emit, frame), kind="link", tip="Show this frame")
            self._layout.addWidget(link)
