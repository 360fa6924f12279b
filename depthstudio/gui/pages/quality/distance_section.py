"""Where the wall really is: typed, measured with a calibration board, or known from a simulation."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QLineEdit

from depthstudio.calibration import Board, detect_board
from depthstudio.errors import UserError
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.gui.widgets.basics import Section, button, field, label, row

_KINDS = {"none": "Not known", "typed": "Typed", "board": "Measured with a board", "simulation": "From the simulation"}


class DistanceSection(Section):
    """changed() when `distance_m` changes."""

    changed = Signal()

    def __init__(self, studio: Studio) -> None:
        super().__init__("Known distance")
        self._studio = studio
        self._simulated_m: float | None = None
        self.kind = field(
            QComboBox(), "Known distance", "From the left camera to the wall, along its axis. Accuracy needs it."
        )
        for key, text in _KINDS.items():
            self.kind.addItem(text, key)
        self.typed = field(QDoubleSpinBox(), "Distance in metres", "Measured with a tape or a laser, in metres.")
        self.typed.setRange(0.1, 20.0)
        self.typed.setDecimals(3)
        self.typed.setSingleStep(0.01)
        self.typed.setValue(1.0)
        self.typed.setSuffix(" m")
        self.corners = QLineEdit("9x6")
        self.corners.setAccessibleName("Inner corners of the board")
        self.corners.setToolTip("Inner corners of the chessboard on the wall, COLUMNSxROWS.")
        self.square = field(QDoubleSpinBox(), "Square in millimetres", "Side of one square, measured on the print.")
        self.square.setRange(1.0, 500.0)
        self.square.setValue(25.0)
        self.square.setSuffix(" mm")
        self._board_row = row(self.corners, self.square)
        self.find_button = button(
            "Find the board", self.find_board, "grid-3x3", tip="Look for it in the picture shown now"
        )
        self.note = label("", "small", wrap=True)
        self.board_m: float | None = None
        for item in (self.kind, self.typed, self._board_row, self.find_button, self.note):
            self.add(item)
        studio.sources.opened.connect(self._forget_board)
        self.kind.currentIndexChanged.connect(lambda _: self._on_kind())
        self.typed.valueChanged.connect(lambda _: self.changed.emit())
        self._on_kind()

    @property
    def distance_m(self) -> float | None:
        """None while nobody knows."""
        kind = self.kind.currentData()
        if kind == "typed":
            return self.typed.value()
        return {"board": self.board_m, "simulation": self._simulated_m}.get(kind)

    def set_kind(self, kind: str) -> None:
        """Choose as the user would."""
        self.kind.setCurrentIndex(self.kind.findData(kind))

    def set_simulated(self, distance_m: float | None) -> None:
        """What the simulation says; None for real sources."""
        known = None if distance_m is None else round(distance_m, 4)
        if known == self._simulated_m:
            return
        first = self._simulated_m is None and self.kind.currentData() == "none"
        self._simulated_m = known
        if known is not None and first:
            with QSignalBlocker(self.kind):
                self.set_kind("simulation")
        self._on_kind()

    def find_board(self) -> None:
        """Look for the board in the newest frame, in the background."""
        frame, active = self._studio.sources.last_frame, self._studio.calibration
        if frame is None or active is None:
            self._say("Open a source with a calibration first.")
            return
        text, square_mm = self.corners.text(), self.square.value()

        def measure(_: TaskContext) -> float | None:
            from depthstudio.evaluation.quality_loop import board_distance_m
            from depthstudio.geometry import Rectifier

            board = Board.parse(text, square_mm)
            rectifier = Rectifier(active.calibration, frame.size)
            found = detect_board(rectifier.rectify_left(frame.left), board)
            if found is None:
                return None
            return board_distance_m(found.corners, board.object_points(found.ids), rectifier.geometry)

        self._say("Looking for the board…")
        self._studio.tasks.run(measure, "Find the board", self._on_board, self._on_failed)

    def _on_board(self, distance_m: float | None) -> None:
        self.board_m = distance_m
        self._on_kind()
        if distance_m is None and self.kind.currentData() == "board":
            self._say("The board was not found. Hold all of it in the picture, flat on the wall.")

    def _on_failed(self, error: BaseException) -> None:
        if isinstance(error, UserError):
            self._say(" ".join(part for part in (error.what, error.why, error.next_step) if part))
        else:
            self._studio.report(error)

    def _forget_board(self) -> None:
        """Another source may stand elsewhere."""
        if self.board_m is not None:
            self.board_m = None
            self._on_kind()

    def _on_kind(self) -> None:
        kind = self.kind.currentData()
        self.typed.setVisible(kind == "typed")
        for part in (self.corners, self.square, self.find_button):
            part.setVisible(kind == "board")
        words = {"none": "Accuracy is left out; everything else is measured."}.get(kind, "")
        if kind == "simulation":
            known = self._simulated_m
            words = f"{known:.3f} m" if known is not None else "This source is no simulation."
        if kind == "board" and self.board_m is not None:
            words = f"The board's plane is {self.board_m:.3f} m away on the camera's axis."
        self._say(words)
        self.changed.emit()

    def _say(self, words: str) -> None:
        self.note.setText(words)
        self.note.setVisible(bool(words))
