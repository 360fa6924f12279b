"""Sheets: what covers the window until it is dealt with. Nothing blocks while one is open, and a test can answer it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QPushButton, QVBoxLayout, QWidget

from depthstudio.gui.theme import GRID_PX, mark
from depthstudio.gui.widgets.basics import button, label, row


class Sheet(QWidget):
    """A card on a dimmed layer that covers its parent. `content` is the card's layout; `rise` shows it when it is full.

    The keyboard is its own: no shortcut of the window works, Tab stays inside, and Esc calls `dismiss`.
    """

    def __init__(self, parent: QWidget, name: str, width_px: int) -> None:
        super().__init__(parent)
        self._covered = parent
        mark(self, surface="scrim")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(name)
        card = QFrame()
        mark(card, surface="sheet")
        card.setFixedWidth(width_px)
        self.content = QVBoxLayout(card)
        self.content.setContentsMargins(3 * GRID_PX, 3 * GRID_PX, 3 * GRID_PX, 2 * GRID_PX)
        self.content.setSpacing(GRID_PX)
        outer = QVBoxLayout(self)
        outer.addWidget(card, 0, Qt.AlignmentFlag.AlignCenter)

    def rise(self, first: QWidget) -> None:
        """Cover the parent and give the keyboard to `first`."""
        self._covered.installEventFilter(self)
        self.setGeometry(self._covered.rect())
        self.show()
        self.raise_()
        first.setFocus()

    def dismiss(self) -> None:
        """What Esc does."""
        raise NotImplementedError

    def event(self, event: QEvent) -> bool:
        """Keys are meant for the sheet, not for the window's shortcuts."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc is the harmless way out."""
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()

    def focusNextPrevChild(self, forwards: bool) -> bool:
        """Tab goes round inside."""
        stops = list(self._stops())
        if not stops:
            return True
        focused = next((place for place, item in enumerate(stops) if item.hasFocus()), -1 if forwards else 0)
        reason = Qt.FocusReason.TabFocusReason if forwards else Qt.FocusReason.BacktabFocusReason
        stops[(focused + (1 if forwards else -1)) % len(stops)].setFocus(reason)
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay as large as the parent."""
        if watched is self._covered and event.type() == QEvent.Type.Resize:
            self.setGeometry(self._covered.rect())
        return False

    def _stops(self) -> Iterator[QWidget]:
        """The widgets inside that Tab reaches now, in their order."""
        item = self.nextInFocusChain()
        while item is not None and item is not self:
            reached = bool(item.focusPolicy() & Qt.FocusPolicy.TabFocus) and item.focusProxy() is None
            if reached and self.isAncestorOf(item) and item.isVisible() and item.isEnabled():
                yield item
            item = item.nextInFocusChain()


class QuestionSheet(Sheet):
    """Asks. answers: (text, callback, kind); Esc is the first answer."""

    def __init__(
        self, parent: QWidget, title: str, text: str, answers: Sequence[tuple[str, Callable[[], object], str]]
    ) -> None:
        super().__init__(parent, f"{title} {text}", 440)
        self.content.addWidget(label(title, "title", wrap=True))
        self.content.addWidget(label(text, "muted", wrap=True))
        self.content.addSpacing(GRID_PX)
        buttons = row(1)
        self.buttons: dict[str, QPushButton] = {}
        for caption, callback, kind in answers:
            item = button(caption, partial(self._answer, callback), kind=kind)
            self.buttons[caption] = item
            buttons.addWidget(item)
        self.content.addLayout(buttons)
        self._first = answers[0][1]
        self.rise(next(iter(self.buttons.values())))

    def dismiss(self) -> None:
        """The first, harmless answer."""
        self._answer(self._first)

    def _answer(self, callback: Callable[[], object]) -> None:
        self.hide()
        self.deleteLater()
        callback()
