"""ViewStrip: small pictures in a row that scrolls sideways, each with a caption and a button to remove it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from depthstudio.gui.theme import mark
from depthstudio.gui.widgets.basics import icon_button, label, row
from depthstudio.gui.widgets.cards import Thumbnail

_WIDTH_PX, _HEIGHT_PX = 96, 72
_CARD_WIDTH_PX = _WIDTH_PX + 14
_SPACING_PX = 8


@dataclass(frozen=True, eq=False)
class StripItem:
    """key: what signals carry. tone: of the caption."""

    key: str
    caption: str
    image: NDArray[np.uint8]
    tone: str = ""


class _Card(QFrame):
    clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click shows the view."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """So does Return."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)


class ViewStrip(QScrollArea):
    """removed(key) when the user takes one out, chosen(key) when he clicks on one or presses Return on it."""

    removed = Signal(str)
    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._items: dict[str, QFrame] = {}
        self._holder = QWidget()
        self._layout = QHBoxLayout(self._holder)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(_SPACING_PX)
        self._layout.addStretch(1)
        self.setWidget(self._holder)
        self.setWidgetResizable(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedHeight(_HEIGHT_PX + 54)

    def set_items(self, items: Sequence[StripItem]) -> None:
        """Show these, in order."""
        while self._layout.count() > 1:
            taken = self._layout.takeAt(0)
            old = taken.widget() if taken is not None else None
            if old is not None:
                old.hide()
                old.deleteLater()
        self._items = {item.key: self._card(item) for item in items}
        for i, card in enumerate(self._items.values()):
            self._layout.insertWidget(i, card)
        self._holder.setMinimumWidth(len(self._items) * (_CARD_WIDTH_PX + _SPACING_PX))

    def select(self, key: str) -> None:
        """Mark one as shown; none with an empty key."""
        for name, card in self._items.items():
            mark(card, selected="true" if name == key else "false")

    @property
    def keys(self) -> list[str]:
        """Of the items shown."""
        return list(self._items)

    def scroll_to_end(self) -> None:
        """Bring the newest into view."""
        bar = self.horizontalScrollBar()
        bar.setValue(bar.maximum())

    def _card(self, item: StripItem) -> QFrame:
        card = _Card()
        card.clicked.connect(lambda: self.chosen.emit(item.key))
        card.setAccessibleName(f"View {item.caption}")
        mark(card, surface="card")
        card.setFixedWidth(_CARD_WIDTH_PX)
        picture = Thumbnail(_WIDTH_PX, _HEIGHT_PX)
        picture.set_image(item.image)
        remove = icon_button("x", f"Remove view {item.key}", lambda: self.removed.emit(item.key), size_px=12)
        remove.setFixedSize(20, 20)
        layout = QVBoxLayout(card)
        layout.setContentsMargins(6, 6, 6, 2)
        layout.setSpacing(2)
        layout.addWidget(picture)
        layout.addLayout(row(label(item.caption, "small", tone=item.tone), 1, remove, spacing=0))
        return card
