"""ImageView: a camera image or a depth map with zoom, overlays and a read-out, cheap enough for live video."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QSizePolicy

from depthstudio.gui.colormaps import color_table, table_indices, value_range
from depthstudio.gui.theme import tabular, theme
from depthstudio.gui.widgets.layer_painting import Picture, paint_layer
from depthstudio.gui.widgets.overlays import Overlay, paint_overlays, paint_tag
from depthstudio.gui.widgets.panned_view import PannedView

_RANGE_FOLLOW, _JUMP_SHARE = 0.15, 0.5
_MIN_SPAN_SHARE = 0.08


class ImageView(PannedView):
    """Shows one picture, with what lies over it. The arrays it is given must not change afterwards.

    painted(ms): a paint has ended and took so long. range_changed(low, high): of the colours of a map.
    """

    painted = Signal(float)
    range_changed = Signal(float, float)

    def __init__(self, caption: str = "", placeholder: str = "") -> None:
        super().__init__()
        self._caption = caption
        self._placeholder = placeholder
        self._picture: Picture | None = None
        self._values: NDArray[np.generic] | None = None
        self._is_map = False
        self._tint: Picture | None = None
        self._overlays: tuple[Overlay, ...] = ()
        self._readout = ""
        self._range: tuple[float, float] | None = None
        self._fixed_range: tuple[float, float] | None = None
        self._limits: tuple[float, float] | None = None
        self._colormap = "turbo"
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(80, 60)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(caption or "Image")
        theme().changed.connect(self._on_theme)

    # ---- what is shown

    def set_image(self, image: NDArray[np.uint8] | None) -> None:
        """(H, W) grey or (H, W, 3) RGB uint8; None shows the placeholder."""
        self._values, self._is_map = image, False
        self._picture = None if image is None else Picture(image)
        self.update()

    def set_map(self, values: NDArray[np.generic] | None, limits: tuple[float, float] | None = None) -> None:
        """(H, W) uint16 or float32 depth or disparity; 0, negative and NaN show in the invalid colour.

        limits: the range of the colours for this picture, e.g. that of the view beside it.
        """
        self._values, self._is_map = values, True
        self._limits = limits
        self._picture = None
        if values is not None:
            low, high = limits or self._range_for(values)
            table = color_table(self._colormap, theme().rgb("invalid"))
            self._picture = Picture(table_indices(values, low, high), table)
        self.update()

    def show_picture(self, picture: Picture | None, values: NDArray[np.generic] | None = None) -> None:
        """A picture as it is, and what to tell about each pixel; the caller cares for colours and theme."""
        self._picture = picture
        self._values, self._is_map = values, False
        self.update()

    def set_tint(self, tint: NDArray[np.uint8] | None) -> None:
        """An (H', W', 4) BGRA layer stretched over the image, e.g. a coverage heat map or a mask; None removes it."""
        self._tint = None if tint is None else Picture(tint)
        self.update()

    def set_overlays(self, overlays: Sequence[Overlay]) -> None:
        """Replace everything drawn over the image."""
        self._overlays = tuple(overlays)
        self.update()

    def set_caption(self, caption: str) -> None:
        """The words in the upper left corner."""
        self._caption = caption
        self.setAccessibleName(caption)
        self.update()

    def set_placeholder(self, text: str) -> None:
        """What is said while there is no image."""
        self._placeholder = text
        self.update()

    def set_readout(self, text: str) -> None:
        """The words in the lower left corner, usually the value under the cursor."""
        if text != self._readout:
            self._readout = text
            self.update()

    def set_colormap(self, name: str) -> None:
        """turbo, viridis or grey."""
        self._colormap = name
        self._recolor()

    def set_range(self, limits: tuple[float, float] | None) -> None:
        """A fixed range of values for the colours; None follows the picture's 2nd to 98th percentile smoothly."""
        self._fixed_range = limits
        self._range = None
        self._recolor()

    @property
    def range(self) -> tuple[float, float] | None:
        """The range of values in force; None before the first map."""
        return self._fixed_range or self._range

    @property
    def colormap(self) -> str:
        """The colour map in force."""
        return self._colormap

    @property
    def image_size(self) -> tuple[int, int] | None:
        """(width, height) of the picture; None while there is none."""
        return None if self._picture is None else self._picture.size

    def value_at(self, x: int, y: int) -> object:
        """The value or colour at a pixel; None outside."""
        if self._values is None or not (0 <= y < self._values.shape[0] and 0 <= x < self._values.shape[1]):
            return None
        value = self._values[y, x]
        return tuple(int(v) for v in value) if isinstance(value, np.ndarray) else value.item()

    # ---- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture, then what lies over it."""
        started = time.perf_counter()
        painter = QPainter(self)
        painter.setFont(tabular(self.font()))
        if self._picture is None:
            painter.fillRect(self.rect(), theme().color("stage"))
            self._paint_placeholder(painter)
        else:
            area = self.image_rect()
            inside = QRegion(area.toAlignedRect().adjusted(1, 1, -1, -1))
            painter.setClipRegion(QRegion(self.rect()).subtracted(inside))
            painter.fillRect(self.rect(), theme().color("stage"))
            painter.setClipping(False)
            self.paint_picture(painter, self._picture, area)
            if self._tint is not None:
                paint_layer(painter, self._tint, area, self.rect())
            paint_overlays(painter, self._overlays, area, self._picture.size[0])
        paint_tag(painter, self._caption, self.rect(), top=True)
        paint_tag(painter, self._readout, self.rect(), top=False)
        painter.end()
        self.painted.emit((time.perf_counter() - started) * 1000.0)

    def paint_picture(self, painter: QPainter, picture: Picture, area: QRectF) -> None:
        """Paint the picture over `area`, the lowest layer."""
        paint_layer(painter, picture, area, self.rect())

    def sizeHint(self) -> QSize:
        """A modest size; the layout gives the rest."""
        return QSize(320, 240)

    def _paint_placeholder(self, painter: QPainter) -> None:
        painter.setPen(theme().color("text_faint"))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(self.rect().adjusted(16, 16, -16, -16), flags, self._placeholder)

    # ---- colours

    def _range_for(self, values: NDArray[np.generic]) -> tuple[float, float]:
        if self._fixed_range is not None:
            return self._fixed_range
        found = value_range(values)
        if found is not None:
            found = _at_least_wide(*found)
            old = self._range or found
            follow = _RANGE_FOLLOW if _is_near(old, found) else 1.0
            self._range = (old[0] + follow * (found[0] - old[0]), old[1] + follow * (found[1] - old[1]))
            self.range_changed.emit(*self._range)
        return self._range or (0.0, 1.0)

    def _recolor(self) -> None:
        values = self._values
        if self._is_map and values is not None:
            self.set_map(values, self._limits)

    def _on_theme(self) -> None:
        self._recolor()
        self.update()


def _is_near(old: tuple[float, float], found: tuple[float, float]) -> bool:
    """False when the picture shows another scene, whose colours the old range would not tell apart."""
    limit = _JUMP_SHARE * (old[1] - old[0])
    return abs(found[0] - old[0]) < limit and abs(found[1] - old[1]) < limit


def _at_least_wide(low: float, high: float) -> tuple[float, float]:
    """The range widened about its middle, so that a flat wall does not show as pure noise."""
    middle = (low + high) / 2
    half = max((high - low) / 2, middle * _MIN_SPAN_SHARE / 2)
    return middle - half, middle + half
