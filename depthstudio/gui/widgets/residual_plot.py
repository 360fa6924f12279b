"""Residual vectors, from where corners were seen to where they are predicted, over the area that was covered."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtWidgets import QWidget

from depthstudio.gui.theme import theme
from depthstudio.gui.widgets.basics import column, label

_MAX_SHOWN = 1200
_SHARE_OF_WIDTH = 1 / 40
_ALPHA_PER_VIEW, _MAX_ALPHA = 20, 110


class ResidualPlot(QWidget):
    """One camera's residuals over its image, enlarged; cells seen in more views are shaded more."""

    def __init__(self, title: str, token: str) -> None:
        super().__init__()
        self._token = token
        self.plot = pg.PlotWidget()
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.invertY(True)
        self.plot.setAspectLocked(True)
        for side in ("left", "bottom"):
            self.plot.getPlotItem().hideAxis(side)
        self.plot.setAccessibleName(f"Residuals of the {title} camera")
        self._note = label("", "small")
        self._title = title
        self.setToolTip("Corners and how far they lie from where they are predicted. Shaded: where the board was seen.")
        self._size = (1, 1)
        self._lines: NDArray[np.float64] = np.zeros((0, 2))
        self._counts: NDArray[np.int32] = np.zeros((1, 1), np.int32)
        self.setLayout(column(self._note, self.plot, spacing=4))
        theme().changed.connect(self._draw)

    def set_residuals(
        self,
        corners: NDArray[np.float64],
        residuals: NDArray[np.float64],
        size: tuple[int, int],
        counts: NDArray[np.int32],
    ) -> None:
        """corners, residuals: (P, 2) px. size: width and height of the image. counts: views by cell of a grid."""
        self._size = size
        self._counts = counts
        keep = np.linspace(0, len(corners) - 1, min(len(corners), _MAX_SHOWN)).astype(int)
        at, by = corners[keep], residuals[keep]
        typical = float(np.median(np.linalg.norm(by, axis=1))) or 1.0
        enlarged = size[0] * _SHARE_OF_WIDTH / typical
        self._lines = np.stack([at, at + by * enlarged], axis=1).reshape(-1, 2)
        self._note.setText(f"{self._title.capitalize()} residuals {enlarged:.0f}x, median {typical:.2f} px")
        self._draw()

    def _draw(self) -> None:
        self.plot.setBackground(theme().color("card"))
        self.plot.clear()
        width, height = self._size
        self.plot.addItem(self._shade())
        frame = np.array([(0, 0), (width, 0), (width, height), (0, height), (0, 0)], float)
        self.plot.plot(*frame.T, pen=pg.mkPen(theme().color("border_strong")))
        if len(self._lines):
            pen = pg.mkPen(theme().color(self._token), width=1)
            self.plot.plot(*self._lines.T, connect="pairs", pen=pen, antialias=True)
        self.plot.setRange(xRange=(0, width), yRange=(0, height), padding=0.02)

    def _shade(self) -> pg.ImageItem:
        layer = np.empty((*self._counts.shape, 4), np.uint8)
        layer[..., :3] = theme().rgb("text_muted")
        layer[..., 3] = np.minimum(self._counts * _ALPHA_PER_VIEW, _MAX_ALPHA)
        item = pg.ImageItem(layer, axisOrder="row-major", levels=(0, 255))
        item.setRect(0, 0, *self._size)
        return item
