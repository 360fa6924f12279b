"""How far the collection of views has come, and how views are taken."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QProgressBar

from depthstudio.calibration import ViewCollector
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import Section, button, label, number_label, row

_BARS = {"views": "Views", "area": "Image area", "tilt": "Tilt directions", "distance": "Distances"}


class ViewsSection(Section):
    """Four bars, two switches and three buttons."""

    take_requested = Signal()
    load_requested = Signal()
    clear_requested = Signal()

    def __init__(self) -> None:
        super().__init__("Views")
        self.bars: dict[str, QProgressBar] = {}
        self._words = {key: number_label("", "small") for key in _BARS}
        self.add(self._progress())
        self.auto = QCheckBox("Take views by itself")
        self.auto.setChecked(True)
        self.auto.setToolTip("A view is taken when the board is still, sharp and shown in a new way.")
        self.heat = QCheckBox("Show covered area")
        self.heat.setChecked(True)
        self.heat.setToolTip("Shades the parts of each image in which the board was seen.")
        self.take = button("Take view", self.take_requested.emit, "camera", tip="Take the view now (Space)")
        self.load = button("Load…", self.load_requested.emit, "folder-open", tip="Views from a folder of images")
        self.clear = button("Start again", self.clear_requested.emit, kind="link", tip="Forget all views")
        self.add(self.auto)
        self.add(self.heat)
        self.add(row(self.take, self.load))
        self.heading_row.addWidget(self.clear)

    def show_progress(self, collector: ViewCollector) -> None:
        """Fill the bars."""
        progress = collector.progress
        for key in _BARS:
            share = float(getattr(progress, key))
            self.bars[key].setValue(round(share * 100))
            self._words[key].setText(f"{share:.0%}")
        self._words["views"].setText(str(len(collector.collected)))

    def _progress(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(GRID_PX)
        for i, (key, words) in enumerate(_BARS.items()):
            bar = QProgressBar(textVisible=False)
            bar.setRange(0, 100)
            bar.setAccessibleName(words)
            self.bars[key] = bar
            grid.addWidget(label(words, "small"), i, 0)
            grid.addWidget(bar, i, 1)
            grid.addWidget(self._words[key], i, 2, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(1, 1)
        return grid
