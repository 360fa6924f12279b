"""Which chessboard is used: inner corners and the side of a square."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QSpinBox, QWidget

from depthstudio.calibration import Board
from depthstudio.errors import CalibrationError
from depthstudio.gui.settings import WindowSettings
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import Section, field, label


class BoardSection(Section):
    """changed() when the user enters another board; the settings remember the last usable one."""

    changed = Signal()

    def __init__(self, settings: WindowSettings) -> None:
        super().__init__("Chessboard")
        self._settings = settings
        self.columns = field(QSpinBox(), "Inner corners across", "Where four squares meet, along the longer side.")
        self.rows = field(QSpinBox(), "Inner corners down", "Where four squares meet, along the shorter side.")
        self.square = field(QDoubleSpinBox(), "Side of a square", "Measure the print: it sets the scale of depth.")
        for box, value in ((self.columns, settings.board_columns), (self.rows, settings.board_rows)):
            box.setRange(3, 40)
            box.setValue(value)
            box.valueChanged.connect(self._on_changed)
        self.square.setRange(1.0, 1000.0)
        self.square.setDecimals(2)
        self.square.setSuffix(" mm")
        self.square.setValue(settings.board_square_mm)
        self.square.valueChanged.connect(self._on_changed)
        self.problem = label("", "small", wrap=True, tone="bad")
        self.problem.hide()
        self.add(self._fields())
        self.add(self.problem)
        self.add(label("Count inner corners: a board of 10 x 7 squares has 9 x 6.", "small", wrap=True))

    @property
    def board(self) -> Board | None:
        """The board as entered; None, with the reason shown, when it is no usable board."""
        try:
            board = Board(self.columns.value(), self.rows.value(), self.square.value() / 1000)
        except CalibrationError as error:
            self.problem.setText(" ".join((error.why or error.what, error.next_step)))
            self.problem.show()
            return None
        self.problem.hide()
        return board

    def _fields(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(GRID_PX)
        boxes: dict[str, QWidget] = {"Across": self.columns, "Down": self.rows, "Square": self.square}
        for i, (words, editor) in enumerate(boxes.items()):
            grid.addWidget(label(words, "small"), 0, i)
            grid.addWidget(editor, 1, i)
            grid.setColumnStretch(i, 2 if i < 2 else 3)
            editor.setMinimumWidth(64)
        return grid

    def _on_changed(self) -> None:
        board = self.board
        if board is not None:
            self._settings.board_columns, self._settings.board_rows = board.columns, board.rows
            self._settings.board_square_mm = self.square.value()
        self.changed.emit()
