"""Which board is used: its kind, size and squares; boards that are kept; printing one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QMenu, QSpinBox, QWidget

from depthstudio.calibration.board import BOARD_KINDS, DICTIONARIES, KIND_TITLES, Board, BoardKind
from depthstudio.calibration.library import save_board, saved_boards
from depthstudio.calibration.printing import PAPER_MM
from depthstudio.errors import CalibrationError
from depthstudio.gui.settings import WindowSettings
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import Section, button, field, label
from depthstudio.gui.widgets.chooser import Chooser

_WIDTH_PX = 287
_FRESH: dict[BoardKind, Board] = {
    "chessboard": Board(9, 6, 0.025),
    "charuco": Board(9, 6, 0.025, "charuco"),
    "circles": Board(4, 11, 0.020, "circles"),
}
_COUNTING: dict[BoardKind, str] = {
    "chessboard": "10 x 7 squares have 9 x 6 inner corners.",
    "charuco": "10 x 7 squares have 9 x 6 inner corners.",
    "circles": "Circles in one row, and rows.",
}


class BoardSection(Section):
    """changed() when another board is used; the settings remember the last usable one.

    print_requested(paper) asks for a PDF of the board.
    """

    changed = Signal()
    print_requested = Signal(str)

    def __init__(self, settings: WindowSettings, folder: Path) -> None:
        super().__init__("Board")
        self._settings = settings
        self._folder = folder
        self._kind: BoardKind = settings.board_kind
        self.chooser = Chooser("grid-3x3", "Board", _WIDTH_PX)
        self.chooser.menu_shown.aboutToShow.connect(self._fill_menu)
        self._build_fields()
        self.problem = label("", "small", wrap=True, tone="bad")
        self.problem.hide()
        self.hint = label("", "small")
        self.print_button = button("Print…", kind="link", tip="A PDF of this board at true scale, with a ruler")
        self.print_button.setMenu(self._print_menu())
        self.heading_row.addWidget(self.print_button)
        self.add(self.chooser)
        self.add(self._sizes)
        self.add(self._markers)
        self.add(self.problem)
        self.add(self.hint)
        self._show_kind()

    @property
    def board(self) -> Board | None:
        """The board as entered; None, with the reason shown, when it is no usable board."""
        square_mm = self.square.value()
        try:
            board = Board(self.columns.value(), self.rows.value(), square_mm / 1000, self._kind)
            if self._kind == "charuco":
                share, dictionary = round(self.marker.value() / square_mm, 4), self.dictionary.currentText()
                board = replace(board, marker_share=share, dictionary=dictionary)
        except CalibrationError as error:
            self.problem.setText(" ".join((error.why or error.what, error.next_step)))
            self.problem.show()
            return None
        self.problem.hide()
        return board

    def use(self, board: Board) -> None:
        """Enter a board."""
        if board == self.board:
            return
        self._kind = board.kind
        for box, count in ((self.columns, board.columns), (self.rows, board.rows)):
            with QSignalBlocker(box):
                box.setValue(count)
        square_mm = board.square_m * 1000
        for ruler, length_mm in ((self.square, square_mm), (self.marker, square_mm * board.marker_share)):
            with QSignalBlocker(ruler):
                ruler.setValue(length_mm)
        with QSignalBlocker(self.dictionary):
            self.dictionary.setCurrentText(board.dictionary)
        self._show_kind()
        self._on_changed()

    def keep(self) -> None:
        """Save the board in the workspace, under what it is."""
        board = self.board
        if board is not None:
            save_board(self._folder, _name(board), board)

    def _build_fields(self) -> None:
        s = self._settings
        self.columns = field(QSpinBox(), "Points across", "Along a row.")
        self.rows = field(QSpinBox(), "Points down", "Rows.")
        self.square = field(QDoubleSpinBox(), "Side of a square", "Measure the print: it sets the scale of depth.")
        self.marker = field(QDoubleSpinBox(), "Side of a marker", "The black square with the code, border included.")
        self.dictionary = field(QComboBox(), "Marker dictionary", "ArUco dictionary that the board was made with.")
        for box, count in ((self.columns, s.board_columns), (self.rows, s.board_rows)):
            box.setRange(3, 40)
            box.setValue(count)
            box.valueChanged.connect(self._on_changed)
        for ruler, length_mm in (
            (self.square, s.board_square_mm),
            (self.marker, s.board_square_mm * s.board_marker_share),
        ):
            ruler.setRange(0.3, 1000.0)
            ruler.setDecimals(2)
            ruler.setSuffix(" mm")
            ruler.setValue(length_mm)
            ruler.valueChanged.connect(self._on_changed)
        self.dictionary.addItems(list(DICTIONARIES))
        self.dictionary.setCurrentText(s.board_dictionary)
        self.dictionary.currentTextChanged.connect(self._on_changed)
        self._square_words = label("Square", "small")
        self._sizes = _grid((label("Across", "small"), self.columns), (label("Down", "small"), self.rows))
        self._sizes.addWidget(self._square_words, 0, 2)
        self._sizes.addWidget(self.square, 1, 2)
        for i, stretch in enumerate((2, 2, 3)):
            self._sizes.setColumnStretch(i, stretch)
        self._markers = QWidget()
        grid = _grid((label("Marker", "small"), self.marker), (label("Dictionary", "small"), self.dictionary))
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        self._markers.setLayout(grid)

    def _show_kind(self) -> None:
        self._markers.setVisible(self._kind == "charuco")
        self._square_words.setText("Row distance" if self._kind == "circles" else "Square")
        self.hint.setText(_COUNTING[self._kind])
        board = self.board
        self.chooser.set_choice(_name(board) if board is not None else KIND_TITLES[self._kind])

    def _fill_menu(self) -> None:
        menu, board = self.chooser.menu_shown, self.board
        menu.clear()
        saved = saved_boards(self._folder)
        if saved:
            self.chooser.add_heading("Saved boards")
        for name, one in saved.items():
            self.chooser.add_item(name, partial(self.use, one))
        self.chooser.add_heading("Other board")
        for kind in BOARD_KINDS:
            self.chooser.add_item(KIND_TITLES[kind], partial(self.use, _FRESH[kind]))
        menu.addSeparator()
        known = next((name for name, one in saved.items() if one == board), "")
        if known:
            self.chooser.add_item("Forget this board", lambda: (self._folder / f"{known}.json").unlink(missing_ok=True))
        elif board is not None:
            self.chooser.add_item("Save this board", self.keep)

    def _print_menu(self) -> QMenu:
        menu = QMenu(self.print_button)
        for paper in PAPER_MM:
            menu.addAction(f"On {paper}…").triggered.connect(
                lambda _checked=False, paper=paper: self.print_requested.emit(paper)
            )
        return menu

    def _on_changed(self) -> None:
        board = self.board
        if board is not None:
            s = self._settings
            s.board_kind, s.board_columns, s.board_rows = board.kind, board.columns, board.rows
            s.board_square_mm = self.square.value()
            s.board_marker_share, s.board_dictionary = board.marker_share, board.dictionary
        self._show_kind()
        self.changed.emit()


def _name(board: Board) -> str:
    return f"{KIND_TITLES[board.kind]} {board.columns}x{board.rows}, {board.square_m * 1000:g} mm"


def _grid(*columns: tuple[QWidget, QWidget]) -> QGridLayout:
    grid = QGridLayout()
    grid.setSpacing(GRID_PX)
    for i, parts in enumerate(columns):
        for j, part in enumerate(parts):
            grid.addWidget(part, j, i)
        parts[1].setMinimumWidth(64)
    return grid
