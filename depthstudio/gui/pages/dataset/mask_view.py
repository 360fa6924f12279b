"""What the label rules removed: as colours over the picture and as shares in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from depthstudio.datasets.labels import RULES, MaskStatistics
from depthstudio.gui.pages.dataset.reading import FramePicture
from depthstudio.gui.theme import theme
from depthstudio.gui.widgets.basics import label, number_label
from depthstudio.gui.widgets.image_view import ImageView

_TINT_ALPHA = 170
_KEPT_WORDS = "Used for learning"


class MaskView(ImageView):
    """The left picture; what a rule removed lies under that rule's colour."""

    def __init__(self) -> None:
        super().__init__("Mask")
        self._rules: NDArray[np.uint8] | None = None
        self.hovered.connect(self._on_hover)
        theme().changed.connect(self._colour)

    def set_picture(self, picture: FramePicture | None) -> None:
        """Show a frame's mask; a frame without one leaves the placeholder."""
        self._rules = picture.rules if picture is not None else None
        self.set_placeholder("" if picture is None else picture.mask_note or "No mask")
        self.set_image(picture.left if picture is not None and picture.rules is not None else None)
        self._colour()

    def _colour(self) -> None:
        if self._rules is None:
            self.set_tint(None)
            return
        table = np.zeros((len(RULES) + 1, 4), np.uint8)
        for number, rule in enumerate(RULES, start=1):
            red, green, blue = theme().rgb(f"mask_{rule}")
            table[number] = (blue, green, red, _TINT_ALPHA)
        self.set_tint(table[self._rules])

    def _on_hover(self, x: int, y: int, _: object) -> None:
        if self._rules is None or x < 0:
            self.set_readout("")
            return
        number = int(self._rules[y, x])
        words = [_KEPT_WORDS, *(f"Left out: {title.lower()}" for title in RULES.values())]
        self.set_readout(f"x {x}  y {y}  {words[number]}")


class MaskLegend(QWidget):
    """Every rule with its colour and the share of pixels that it removed, and what is left."""

    def __init__(self) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        self._dots: dict[str, QLabel] = {}
        self._shares: dict[str, QLabel] = {}
        for place, (rule, title) in enumerate([("kept", _KEPT_WORDS), *RULES.items()]):
            line, side = place % 3, 4 * (place // 3)
            self._dots[rule] = label("●")
            self._shares[rule] = number_label("–")
            self._shares[rule].setAccessibleName(title)
            grid.addWidget(self._dots[rule], line, side)
            grid.addWidget(label(title, "muted" if rule != "kept" else ""), line, side + 1)
            grid.addWidget(self._shares[rule], line, side + 2, Qt.AlignmentFlag.AlignRight)
        grid.setColumnMinimumWidth(2, 52)
        grid.setColumnMinimumWidth(3, 16)
        grid.setColumnMinimumWidth(6, 52)
        grid.setColumnStretch(7, 1)
        theme().changed.connect(self._colour)
        self._colour()

    def set_statistics(self, statistics: MaskStatistics | None) -> None:
        """Show the shares of one frame; None shows dashes."""
        for rule, text in self._shares.items():
            if statistics is None:
                share = None
            else:
                share = statistics.valid_share if rule == "kept" else statistics.removed.get(rule)
            text.setText("–" if share is None else f"{share * 100:.1f} %")

    def text(self, rule: str) -> str:
        """The share shown for a rule, or for "kept"."""
        return self._shares[rule].text()

    def _colour(self) -> None:
        for rule, dot in self._dots.items():
            dot.setTextFormat(Qt.TextFormat.RichText)
            dot.setText(f'<span style="color:{theme().hex(f"mask_{rule}")}">●</span>' if rule in RULES else "○")
