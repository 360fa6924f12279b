"""Cards: a thumbnail with a few words, for recordings, views and runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPixmap,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from depthstudio.gui.theme import GRID_PX, mark, theme
from depthstudio.gui.widgets.basics import ElidedLabel, clear_layout, column, label


def pixmap_of(image: NDArray[np.uint8]) -> QPixmap:
    """(H, W) grey or (H, W, 3) RGB uint8 as a pixmap."""
    code = cv2.COLOR_GRAY2RGB if image.ndim == 2 else None
    rgb = np.ascontiguousarray(cv2.cvtColor(image, code) if code is not None else image)
    return QPixmap.fromImage(QImage(rgb.data, rgb.shape[1], rgb.shape[0], rgb.strides[0], QImage.Format.Format_RGB888))


class Thumbnail(QWidget):
    """A small picture with round corners, cropped to fill."""

    def __init__(self, width_px: int, height_px: int) -> None:
        super().__init__()
        self._pixmap: QPixmap | None = None
        self.setFixedSize(QSize(width_px, height_px))

    def set_image(self, image: NDArray[np.uint8] | None) -> None:
        """(H, W) grey or (H, W, 3) RGB; None shows an empty frame."""
        self._pixmap = None if image is None else pixmap_of(image)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture, clipped to round corners."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        area = QRectF(self.rect())
        clip = QPainterPath()
        clip.addRoundedRect(area, 4, 4)
        painter.setClipPath(clip)
        painter.fillRect(area, theme().color("stage"))
        if self._pixmap is None:
            return
        scale = max(area.width() / self._pixmap.width(), area.height() / self._pixmap.height())
        width, height = self._pixmap.width() * scale, self._pixmap.height() * scale
        target = QRectF((area.width() - width) / 2, (area.height() - height) / 2, width, height)
        painter.drawPixmap(target, self._pixmap, QRectF(self._pixmap.rect()))


class MediaCard(QFrame):
    """Thumbnail at the left, or on top when `tall`; a title and quiet lines.

    Click selects, double click or Return activates, right click or the menu key opens the menu.
    """

    clicked = Signal()
    activated = Signal()

    def __init__(
        self, title: str, lines: tuple[str, ...] = (), image: NDArray[np.uint8] | None = None, tall: bool = False
    ) -> None:
        super().__init__()
        mark(self, surface="card", selected=False)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.thumbnail = Thumbnail(*((160, 120) if tall else (72, 54)))
        self.thumbnail.set_image(image)
        self.title = ElidedLabel(title)
        self.lines = tuple(ElidedLabel(text, "small") for text in lines)
        self.texts = column(self.title, *self.lines, spacing=2)
        self._menu: list[tuple[str, Callable[[], object]]] = []
        layout = QVBoxLayout(self) if tall else QHBoxLayout(self)
        layout.setContentsMargins(GRID_PX, GRID_PX, GRID_PX, GRID_PX)
        layout.setSpacing(GRID_PX)
        layout.addWidget(self.thumbnail)
        if tall:
            layout.addLayout(self.texts)
            self.setFixedWidth(160 + 2 * GRID_PX + 2)
        else:
            self.texts.insertStretch(0, 1)
            self.texts.addStretch(1)
            layout.addLayout(self.texts, 1)
        self.setAccessibleName(" ".join((title, *lines)))

    def set_selected(self, selected: bool) -> None:
        """Show the card as chosen."""
        mark(self, selected=selected)

    def set_menu(self, actions: list[tuple[str, Callable[[], object]]]) -> None:
        """What a right click offers."""
        self._menu = actions

    def add_badge(self, text: str, tone: str = "accent") -> None:
        """A short coloured word under the lines, e.g. the role."""
        self.texts.insertWidget(self.texts.count() - 1, label(text, "small", tone=tone))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Select."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open."""
        self.activated.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return does what a double click does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.clicked.emit()
            self.activated.emit()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer the actions."""
        if not self._menu:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text, callback in self._menu:
            menu.addAction(text).triggered.connect(lambda _checked=False, callback=callback: callback())
        menu.popup(event.globalPos())


class CardList(QWidget):
    """Cards under each other; replaces them as a whole."""

    def __init__(self, spacing: int = GRID_PX) -> None:
        super().__init__()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(spacing)
        self._cards: list[QWidget] = []

    def set_cards(self, cards: Sequence[QWidget]) -> None:
        """Show these and delete those shown before."""
        clear_layout(self._layout)
        self._cards = list(cards)
        for card in cards:
            self._layout.addWidget(card)

    @property
    def cards(self) -> list[QWidget]:
        """Those shown."""
        return list(self._cards)
