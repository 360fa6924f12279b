"""How the grey levels of left and right are distributed, with the shares that are black or saturated."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from depthstudio.cameras.frame_checks import clipped_shares
from depthstudio.datasets.views import grey_of
from depthstudio.frames import Image, StereoFrame
from depthstudio.gui.theme import theme
from depthstudio.gui.widgets.basics import column, label, row

_BINS = 64
_HEIGHT_PX = 64
_NOTABLE = 0.001
_TOKENS = {"left": "accent", "right": "train"}


class LevelHistogram(QWidget):
    """Two outlines over 0..255 and a line of words."""

    def __init__(self) -> None:
        super().__init__()
        self._plot = _Outlines()
        self._words = label("", "small", wrap=True)
        self._keys = {name: label("", "small") for name in _TOKENS}
        self.setLayout(column(row(*self._keys.values(), 1), self._plot, self._words, spacing=4))
        theme().changed.connect(self._colour)
        self._colour()

    def show_frame(self, frame: StereoFrame) -> None:
        """Count the levels of a frame; a millisecond."""
        images = {"left": frame.left, "right": frame.right}
        self._plot.set_counts({name: _counts(image) for name, image in images.items() if image is not None})
        self._keys["right"].setVisible(frame.right is not None)
        words = [_clipped_words(name, image) for name, image in images.items() if image is not None]
        self._words.setText("\n".join(word for word in words if word) or "Nothing is black or saturated.")

    @property
    def words(self) -> str:
        """What is said about clipping."""
        return self._words.text()

    def _colour(self) -> None:
        for name, key in self._keys.items():
            key.setTextFormat(key.textFormat().RichText)
            key.setText(f'<span style="color:{theme().hex(_TOKENS[name])}">●</span>&nbsp; {name}')
        self._plot.update()


class _Outlines(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[str, NDArray[np.float64]] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Histogram of grey levels")
        self.setToolTip("Grey levels from 0 (black) to 255 (saturated). Nothing should pile up at either end.")

    def sizeHint(self) -> QSize:
        return QSize(200, _HEIGHT_PX)

    def set_counts(self, counts: dict[str, NDArray[np.float64]]) -> None:
        self._counts = counts
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), theme().color("field"))
        if not self._counts:
            return
        # Ends may hold most pixels: the height follows the rest, so that the middle stays readable.
        tallest = max(float(np.sort(counts)[-3]) for counts in self._counts.values()) or 1.0
        step = self.width() / (_BINS - 1)
        for name, counts in self._counts.items():
            heights = np.minimum(counts / tallest, 1.0) * (self.height() - 4)
            points = [QPointF(i * step, self.height() - 2 - h) for i, h in enumerate(heights)]
            painter.setPen(QPen(theme().color(_TOKENS[name]), 1.4))
            painter.drawPolyline(QPolygonF(points))


def _counts(image: Image) -> NDArray[np.float64]:
    found = cv2.calcHist([grey_of(image)], [0], None, [_BINS], [0, 256])
    return np.asarray(found, np.float64).ravel()


def _clipped_words(name: str, image: Image) -> str:
    black, white = clipped_shares(image)
    parts = [f"{share:.1%} {what}" for share, what in ((black, "black"), (white, "saturated")) if share >= _NOTABLE]
    return f"{name.capitalize()}: {', '.join(parts)}" if parts else ""
