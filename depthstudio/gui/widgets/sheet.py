"""A question inside the window: nothing blocks while it is open, and a test can answer it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QPushButton, QVBoxLayout, QWidget

from depthstudio.gui.theme import GRID_PX, mark
from depthstudio.gui.widgets.basics import button, label, row


class QuestionSheet(QWidget):
    """Covers its parent with a dimmed layer and asks. answers: (text, callback, kind); Esc is the first answer.

    Until it is answered the keyboard is its own: no shortcut of the window works, and Tab stays inside.
    """

    def __init__(
        self, parent: QWidget, title: str, text: str, answers: Sequence[tuple[str, Callable[[], object], str]]
    ) -> None:
        super().__init__(parent)
        mark(self, surface="scrim")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(f"{title} {text}")
        card = QFrame()
        mark(card, surface="sheet")
        card.setFixedWidth(440)
        layout = QVBoxLayout(card)
        layout.setContentsMargins(3 * GRID_PX, 3 * GRID_PX, 3 * GRID_PX, 2 * GRID_PX)
        layout.setSpacing(GRID_PX)
        layout.addWidget(label(title, "title", wrap=True))
        layout.addWidget(label(text, "muted", wrap=True))
        layout.addSpacing(GRID_PX)
        buttons = row(1)
        self.buttons: dict[str, QPushButton] = {}
        for caption, callback, kind in answers:
            item = button(caption, partial(self._answer, callback), kind=kind)
            self.buttons[caption] = item
            buttons.addWidget(item)
        layout.addLayout(buttons)
        self._first = answers[0][1]
        outer = QVBoxLayout(self)
        outer.addWidget(card, 0, Qt.AlignmentFlag.AlignCenter)
        parent.installEventFilter(self)
        self.setGeometry(parent.rect())
        self.show()
        self.raise_()
        next(iter(self.buttons.values())).setFocus()

    def event(self, event: QEvent) -> bool:
        """Keys are meant for the sheet, not for the window's shortcuts."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc gives the first, harmless answer."""
        if event.key() == Qt.Key.Key_Escape:
            self._answer(self._first)

    def focusNextPrevChild(self, forwards: bool) -> bool:
        """Tab goes round among the answers."""
        answers = list(self.buttons.values())
        focused = next((place for place, item in enumerate(answers) if item.hasFocus()), -1)
        reason = Qt.FocusReason.TabFocusReason if forwards else Qt.FocusReason.BacktabFocusReason
        answers[(focused + (1 if forwards else -1)) % len(answers)].setFocus(reason)
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay as large as the parent."""
        parent = self.parentWidget()
        if parent is not None and watched is parent and event.type() == QEvent.Type.Resize:
            self.setGeometry(parent.rect())
        return False

    def _answer(self, callback: Callable[[], object]) -> None:
        self.hide()
        self.deleteLater()
        callback()
