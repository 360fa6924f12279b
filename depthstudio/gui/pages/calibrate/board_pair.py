"""The two images with the board's corners drawn in and the covered area shaded."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QWidget

from depthstudio.calibration import Board, CollectedView, Detection, Offer
from depthstudio.frames import Image, StereoFrame
from depthstudio.gui.theme import GRID_PX, theme
from depthstudio.gui.widgets.basics import row
from depthstudio.gui.widgets.image_view import ImageView, Overlay

_ALPHA_PER_VIEW = 30
_MAX_ALPHA = 120
_SMOOTHING = 8


class BoardPair(QWidget):
    """Left and right beside each other."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = ImageView("Left"), ImageView("Right")
        layout = row(self.left, self.right, spacing=GRID_PX)
        layout.setStretch(0, 1)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def set_note(self, note: str) -> None:
        """Something to know about both pictures, beside their names; empty for nothing."""
        for view, side in ((self.left, "Left"), (self.right, "Right")):
            view.set_caption(f"{side}, {note}" if note else side)

    def show_frame(self, frame: StereoFrame, board: Board, offer: Offer | None = None) -> None:
        """A live frame; with what was found in it, when somebody looked."""
        found = (offer.left, offer.right) if offer is not None else (None, None)
        taken = offer is not None and offer.accepted
        self._show((frame.left, frame.right), found, board, "good" if taken else "accent")

    def show_view(self, one: CollectedView, board: Board) -> None:
        """A view that was taken."""
        self._show((one.left, one.right), (one.view.left, one.view.right), board, "good")

    def show_coverage(self, counts: tuple[NDArray[np.int32], NDArray[np.int32]] | None) -> None:
        """Shade where the board was seen, by views per cell of a grid; None removes it."""
        for i, view in enumerate((self.left, self.right)):
            view.set_tint(None if counts is None else _heat(counts[i]))

    def _show(
        self,
        images: tuple[Image, Image | None],
        found: tuple[Detection | None, Detection | None],
        board: Board,
        token: str,
    ) -> None:
        for view, image, one in zip((self.left, self.right), images, found, strict=True):
            view.set_image(image)
            view.set_overlays([] if one is None else [_grid_overlay(one, board, token)])


def _grid_overlay(found: Detection, board: Board, token: str) -> Overlay:
    rows = (row[np.isfinite(row[:, 0])] for row in found.grid(board))
    return Overlay(points=found.corners, lines=[row for row in rows if len(row) > 1], token=token)


def _heat(counts: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Counts per cell as a see-through layer of the accent colour, BGRA."""
    red, green, blue = theme().rgb("accent")
    layer = np.empty((*counts.shape, 4), np.uint8)
    layer[..., :3] = (blue, green, red)
    layer[..., 3] = np.clip(counts * _ALPHA_PER_VIEW, 0, _MAX_ALPHA)
    return np.asarray(cv2.resize(layer, None, fx=_SMOOTHING, fy=_SMOOTHING, interpolation=cv2.INTER_LINEAR), np.uint8)
