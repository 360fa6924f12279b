"""The header's choosers: a button that shows what is chosen and opens a menu, and the light beside it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QMenu, QPushButton, QWidget, QWidgetAction

from depthstudio.gui.theme import mark, theme
from depthstudio.gui.widgets.basics import ElidedLabel, label, row


class Dot(QWidget):
    """A small round light in a theme colour."""

    def __init__(self) -> None:
        super().__init__()
        self._token = "text_faint"
        self.setFixedSize(QSize(10, 10))

    def set_token(self, token: str) -> None:
        """Change the colour."""
        self._token = token
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """One circle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color(self._token))
        painter.drawEllipse(self.rect().adjusted(1, 1, -1, -1))


class Chooser(QPushButton):
    """A button that shows an icon and what is chosen, elided, and opens a menu."""

    def __init__(self, icon: str, name: str, width_px: int) -> None:
        super().__init__()
        mark(self, kind="chooser")
        self._name = name
        self.setFixedWidth(width_px)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._symbol = QLabel()
        self._words = ElidedLabel("", mode=Qt.TextElideMode.ElideMiddle)
        arrow = QLabel()
        theme().set_icon(arrow, "chevron-down", "text_muted", 14)
        layout = row(self._symbol, self._words, arrow)
        layout.setStretch(1, 1)
        layout.setContentsMargins(10, 0, 8, 0)
        self.setLayout(layout)
        for part in (self._symbol, self._words, arrow):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.set_icon(icon, "text_muted")
        self.menu_shown = QMenu(self)
        self.setMenu(self.menu_shown)

    @property
    def choice(self) -> str:
        """What is shown as chosen."""
        return self._words.full_text()

    def set_icon(self, name: str, token: str) -> None:
        """Change the icon at the left."""
        theme().set_icon(self._symbol, name, token, 16)

    def set_choice(self, text: str, tip: str = "") -> None:
        """Show what is chosen."""
        self._words.set_full_text(text)
        self.setAccessibleName(f"{self._name}: {text}")
        self.setToolTip(tip or text)

    def add_item(self, text: str, action: Callable[[], object]) -> QAction:
        """Append an entry to the menu; what follows a tab stands at its right edge."""
        item = self.menu_shown.addAction(text.replace("&", "&&"))  # a single one would underline a letter
        item.triggered.connect(lambda _checked=False: action())
        return item

    def add_heading(self, text: str) -> None:
        """Append a title to the menu; the style sheet's menus draw none of their own."""
        words = label(text, "small")
        words.setContentsMargins(12, 8, 12, 2)
        action = QWidgetAction(self.menu_shown)
        action.setDefaultWidget(words)
        self.menu_shown.addAction(action)
