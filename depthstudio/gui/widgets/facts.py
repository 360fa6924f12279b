"""Facts: a quiet table of names and values."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from depthstudio.gui.theme import mark
from depthstudio.gui.widgets.basics import ElidedLabel, label, number_label

Fact = tuple[str, str] | tuple[str, str, str]


class Facts(QWidget):
    """Rows of (name, value) or (name, value, tone), values at the right in digits of equal width."""

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self._rows: list[tuple[QLabel, ElidedLabel]] = []

    def set_facts(self, facts: Sequence[Fact]) -> None:
        """Show these and hide what is left of earlier ones."""
        while len(self._rows) < len(facts):
            self._add_row()
        for i, (name, value) in enumerate(self._rows):
            shown = i < len(facts)
            name.setVisible(shown)
            value.setVisible(shown)
            if shown:
                fact = facts[i]
                name.setText(fact[0])
                value.set_full_text(fact[1])
                value.setAccessibleName(f"{fact[0]} {fact[1]}")
                mark(value, tone=fact[2] if len(fact) == 3 else "")

    def value(self, name: str) -> str:
        """The value shown beside a name; empty when there is none."""
        return next((value.full_text() for key, value in self._rows if key.text() == name and not key.isHidden()), "")

    def _add_row(self) -> None:
        name, value = label("", "muted"), ElidedLabel()
        value.setFont(number_label().font())
        value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        line = len(self._rows)
        self._grid.addWidget(name, line, 0)
        self._grid.addWidget(value, line, 1)
        self._rows.append((name, value))
