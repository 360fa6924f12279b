"""The panes of the Live page: one picture under the list that says which, and two pictures with a wipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from PySide6.QtCore import Signal, SignalInstance
from PySide6.QtWidgets import QComboBox, QWidget

from depthstudio.gui.pages.live.coloring import Colored, Coloring
from depthstudio.gui.pages.live.kinds import VIEWS
from depthstudio.gui.widgets.basics import column, field, row
from depthstudio.gui.widgets.color_strip import ColorStrip
from depthstudio.gui.widgets.image_view import ImageView
from depthstudio.gui.widgets.wipe_view import WipeView

if TYPE_CHECKING:
    from depthstudio.inference.live_result import LiveResult

_CHOOSER_WIDTH_PX = 176


class PicturePane(Protocol):
    """What LiveViews asks of a pane."""

    view: ImageView

    @property
    def kinds(self) -> frozenset[str]:
        """What it shows; see kinds.VIEWS."""
        ...

    def show_result(self, result: LiveResult, coloring: Coloring) -> None:
        """Show a result."""
        ...

    def set_cursor(self, at: tuple[int, int] | None) -> None:
        """Show the value at a pixel in the pane's own colour scale."""
        ...


def kind_chooser(name: str, kind: str, on_change: SignalInstance) -> QComboBox:
    """A list of everything that can be shown."""
    chooser = field(QComboBox(), name, "What this view shows.")
    for key, words in VIEWS.items():
        chooser.addItem(words, key)
    chooser.setCurrentIndex(list(VIEWS).index(kind))
    chooser.setFixedWidth(_CHOOSER_WIDTH_PX)
    chooser.setMaxVisibleItems(len(VIEWS))
    chooser.currentIndexChanged.connect(on_change)
    return chooser


class ViewPane(QWidget):
    """One picture. kind_changed() when the user chooses another one."""

    kind_changed = Signal()

    def __init__(self, name: str, kind: str) -> None:
        super().__init__()
        self.chooser = kind_chooser(name, kind, self.kind_changed)
        self.view = ImageView()
        self.view.setAccessibleName(name)
        self._strip = ColorStrip()
        self._strip.hide()
        self._shown: Colored | None = None
        layout = column(row(self.chooser, 1, self._strip), self.view)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    @property
    def kind(self) -> str:
        """One of kinds.VIEWS."""
        return str(self.chooser.currentData())

    @property
    def kinds(self) -> frozenset[str]:
        """See PicturePane."""
        return frozenset({self.kind})

    def choose(self, kind: str) -> None:
        """Show something else."""
        self.chooser.setCurrentIndex(self.chooser.findData(kind))

    def show_result(self, result: LiveResult, coloring: Coloring) -> None:
        """See PicturePane."""
        shown = self._shown = coloring.colored(result, self.kind)
        self.view.set_readout(shown.words if shown.picture is not None else "")
        if shown.picture is None:
            self.view.set_placeholder(shown.words)
        self.view.show_picture(shown.picture, shown.values)
        self._strip.setVisible(shown.limits is not None)
        if shown.limits is not None:
            self._strip.set_scale(*shown.limits, shown.unit, shown.colormap)

    def set_cursor(self, at: tuple[int, int] | None) -> None:
        """See PicturePane."""
        shown = self._shown
        if shown is None or shown.limits is None or shown.values is None:
            return
        value = float("nan") if at is None else float(shown.values[at[1], at[0]])
        self._strip.set_mark(value if np.isfinite(value) else None)


class WipePane(QWidget):
    """Two pictures in one view, parted by a line. kind_changed() when the user chooses others."""

    kind_changed = Signal()

    def __init__(self, first: str, second: str) -> None:
        super().__init__()
        self.first = kind_chooser("Left of the line", first, self.kind_changed)
        self.second = kind_chooser("Right of the line", second, self.kind_changed)
        self.view = WipeView()
        self.view.setAccessibleName("Wipe between two results")
        layout = column(row(self.first, 1, self.second), self.view)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    @property
    def kinds(self) -> frozenset[str]:
        """See PicturePane."""
        return frozenset({str(self.first.currentData()), str(self.second.currentData())})

    def show_result(self, result: LiveResult, coloring: Coloring) -> None:
        """See PicturePane."""
        both = [coloring.colored(result, str(chooser.currentData())) for chooser in (self.first, self.second)]
        told = {
            chooser.currentText(): shown.words for chooser, shown in zip((self.first, self.second), both, strict=True)
        }
        self.view.set_readout("  ".join(f"{name}: {words}" for name, words in told.items() if words))
        missing = next((shown.words for shown in both if shown.picture is None), "")
        self.view.set_placeholder(missing)
        self.view.set_pair(both[0].picture, both[1].picture)

    def set_cursor(self, at: tuple[int, int] | None) -> None:
        """A wipe has no scale of its own."""
