"""Panel: the narrow column of a page's controls."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLayout, QScrollArea, QVBoxLayout, QWidget

from depthstudio.gui.theme import GRID_PX, mark
from depthstudio.gui.widgets.basics import column

PANEL_WIDTH_PX = 320


class Panel(QFrame):
    """The 320 px column at the right of a page: sections that scroll, and a footer that stays."""

    def __init__(self) -> None:
        super().__init__()
        mark(self, surface="edge")
        self.setFixedWidth(PANEL_WIDTH_PX)
        inner = QWidget()
        mark(inner, surface="panel")
        inner.setMinimumWidth(1)  # nothing in it may make the panel scroll sideways
        self._sections = QVBoxLayout(inner)
        self._sections.setContentsMargins(2 * GRID_PX, 2 * GRID_PX, 2 * GRID_PX, 2 * GRID_PX)
        self._sections.setSpacing(2 * GRID_PX)
        self._sections.addStretch(1)
        self._stretched = False
        self._area = area = QScrollArea()
        area.setWidget(inner)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._footer = QVBoxLayout()
        self._footer.setContentsMargins(2 * GRID_PX, 0, 2 * GRID_PX, 0)
        self._footer.setSpacing(GRID_PX)
        layout = column(area, self._footer, spacing=0)
        self.setLayout(layout)

    def add(self, item: QWidget, stretch: int = 0) -> None:
        """Append a section; one with a stretch takes the height that is left."""
        if stretch and not self._stretched:
            self._stretched = True
            self._sections.takeAt(self._sections.count() - 1)
            self._sections.addWidget(item, stretch)
        elif self._stretched:
            self._sections.addWidget(item, stretch)
        else:
            self._sections.insertWidget(self._sections.count() - 1, item)

    def scroll_to_top(self) -> None:
        """Show the first section: something else is told of now."""
        self._area.verticalScrollBar().setValue(0)

    def add_footer(self, item: QWidget | QLayout) -> None:
        """Append to the part that does not scroll."""
        margins = self._footer.contentsMargins()
        self._footer.setContentsMargins(margins.left(), 2 * GRID_PX, margins.right(), 2 * GRID_PX)
        if isinstance(item, QLayout):
            self._footer.addLayout(item)
        else:
            self._footer.addWidget(item)
