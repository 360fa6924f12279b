"""What is done with the views, and with the calibration solved from them: the buttons below the panel."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from depthstudio.gui.widgets.basics import button, column

_MIN_VIEWS = 3


class ResultFooter(QWidget):
    """Solve, or name, save and use what was solved."""

    solve_requested = Signal()
    save_requested = Signal()
    use_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name_field = QLineEdit()
        self.name_field.setPlaceholderText("Name of the calibration")
        self.name_field.setAccessibleName("Name of the calibration")
        self.solve_button = button("Solve", self.solve_requested.emit, "play", "primary")
        self.save_button = button(
            "Save and use", self.save_requested.emit, "save", "primary", "Save to workspace (Ctrl+S)"
        )
        self.use_button = button("Use without saving", self.use_requested.emit)
        self.setLayout(column(self.name_field, self.save_button, self.use_button, self.solve_button))

    def show_state(self, count: int, busy: bool, solved: bool) -> None:
        """count: views. busy: something is computed or written."""
        self.solve_button.setVisible(not solved)
        self.solve_button.setEnabled(not busy and count >= _MIN_VIEWS)
        self.solve_button.setText("Working…" if busy else f"Solve with {count} view{'' if count == 1 else 's'}")
        for item in (self.name_field, self.save_button, self.use_button):
            item.setVisible(solved)
            item.setEnabled(not busy)
