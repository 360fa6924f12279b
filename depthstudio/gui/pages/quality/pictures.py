"""The two pictures: what the left camera sees, and the depth of one method, both with the region measured."""

from __future__ import annotations

from math import isfinite

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from depthstudio.evaluation.quality_loop import QualityReading
from depthstudio.evaluation.quality_report import METHODS
from depthstudio.geometry.disparity import disparity_to_depth
from depthstudio.gui.widgets.basics import Segments, column, label, row
from depthstudio.gui.widgets.image_view import ImageView, Overlay

_SHOWN_SHARE = 0.1  # colours reach so far below and above the distance


class QualityPictures(QWidget):
    """clicked(x, y): an image position, px, where the region's middle is wanted."""

    clicked = Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self._reading: QualityReading | None = None
        self.left_view = ImageView("Left, rectified", "Waiting for the source")
        self.depth_view = ImageView("Depth", "")
        self.method = Segments(METHODS)
        self.method.chosen.connect(lambda _: self._show_depth())
        views = row(self.left_view, self.depth_view)
        for i, view in enumerate((self.left_view, self.depth_view)):
            view.clicked.connect(self.clicked)
            views.setStretch(i, 1)
        hint = label("Click a picture to move the region", "small")
        whole = column(row(hint, 1, self.method))
        whole.addLayout(views, 1)
        self.setLayout(whole)

    def show_reading(self, reading: QualityReading) -> None:
        """Show the newest pictures."""
        self._reading = reading
        r = reading.wish.region.within(reading.geometry.size)
        x1, y1 = r.x + r.width, r.y + r.height
        corners = np.array([(r.x, r.y), (x1, r.y), (x1, y1), (r.x, y1), (r.x, r.y)], np.float32)
        self.left_view.set_image(reading.left)
        for view in (self.left_view, self.depth_view):
            view.set_overlays([Overlay(lines=[corners], token="accent")])
        self._show_depth()

    def clear(self) -> None:
        """Show nothing: another source is opened."""
        self._reading = None
        for view in (self.left_view, self.depth_view):
            view.set_image(None)
            view.set_overlays([])
        self.depth_view.set_placeholder("")

    def set_placeholder(self, words: str) -> None:
        """What is said before there is a picture."""
        self.left_view.set_placeholder(words)

    def _show_depth(self) -> None:
        reading = self._reading
        if reading is None:
            return
        method = self.method.current
        disparity_px = reading.disparity_px.get(method)
        self.depth_view.set_caption(f"{METHODS[method]}, depth in m")
        if disparity_px is None:
            self.depth_view.set_map(None)
            self.depth_view.set_placeholder("This source brings no depth of its own")
            return
        distances = [one.distance_m for one in reading.quality.values() if isfinite(one.distance_m)]
        middle = float(np.median(distances)) if distances else float("nan")
        limits = ((1 - _SHOWN_SHARE) * middle, (1 + _SHOWN_SHARE) * middle) if isfinite(middle) else None
        self.depth_view.set_map(disparity_to_depth(disparity_px, reading.geometry), limits)
