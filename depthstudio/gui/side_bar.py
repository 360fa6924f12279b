"""The side bar: the pages in the order of the work, with dots for what is going on."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton, QVBoxLayout

from depthstudio.gui.theme import GRID_PX, mark, theme
from depthstudio.gui.widgets.basics import label

_WIDTH_PX = 88


class NavButton(QToolButton):
    """Icon over word, with a dot at its upper right corner."""

    def __init__(self, text: str, icon: str) -> None:
        super().__init__()
        self._icon_name = icon
        self._dot = ""
        self.setText(text)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(60)
        self.setIconSize(QSize(22, 22))
        self.setAccessibleName(text)
        mark(self, kind="nav")
        self.toggled.connect(self._tint)
        self._tint(False)

    def set_dot(self, token: str, tip: str = "") -> None:
        """Show a dot in a theme colour, or none for an empty token."""
        self._dot = token
        self.setToolTip(tip or self._page_tip)
        self.update()

    def set_page_tip(self, tip: str) -> None:
        """The tooltip while there is no dot."""
        self._page_tip = tip
        self.setToolTip(tip)

    _page_tip = ""

    def paintEvent(self, event: QPaintEvent) -> None:
        """The button, then the dot."""
        super().paintEvent(event)
        if self._dot:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme().color(self._dot)))
            painter.drawEllipse(QPoint(self.width() - 16, 14), 4, 4)

    def _tint(self, checked: bool) -> None:
        theme().set_icon(self, self._icon_name, "accent" if checked else "text_muted", 22)


class SideBar(QFrame):
    """Emits `chosen` with the name of the page clicked."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        mark(self, surface="sidebar")
        self.setFixedWidth(_WIDTH_PX)
        self.buttons: dict[str, NavButton] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(GRID_PX, GRID_PX, GRID_PX, GRID_PX)
        self._layout.setSpacing(4)
        brand = label("Depth\nStudio", "brand")
        brand.setAlignment(Qt.AlignmentFlag.AlignCenter)
        brand.setFixedHeight(48)
        self._layout.addWidget(brand)
        self._layout.addStretch(1)
        self._last = 2

    def add_page(self, name: str, text: str, icon: str, at_bottom: bool = False) -> None:
        """Append a page's button."""
        item = NavButton(text, icon)
        number = len(self.buttons) + 1
        item.set_page_tip(f"{text} ({number})" if not at_bottom else text)
        item.clicked.connect(lambda _checked=False: self.chosen.emit(name))
        self.buttons[name] = item
        if at_bottom:
            self._layout.addWidget(item)
        else:
            self._layout.insertWidget(self._layout.count() - 1, item)

    def set_current(self, name: str) -> None:
        """Mark a page's button."""
        for key, item in self.buttons.items():
            item.setChecked(key == name)
