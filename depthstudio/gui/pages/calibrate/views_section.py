"""How far the collection of views has come, and how views are taken."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QMenu, QProgressBar

from depthstudio.calibration import ViewCollector
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import Section, button, label, number_label, row

_BARS = {
    "left_area": ("Left image", "Share of the left image in which the board was seen."),
    "right_area": ("Right image", "Share of the right image in which the board was seen."),
    "tilt": ("Tilt", "Directions in which the board was tilted, of eight; six are enough."),
    "distance": ("Distance", "How different the distances are: the farthest at least 1.3 times the nearest."),
    "skew": ("Skew", "How different the angles between rows and columns look: turn the tilted board."),
}


class ViewsSection(Section):
    """Five bars, two switches and three buttons. load_requested(what): "folder" or "recording"."""

    take_requested = Signal()
    load_requested = Signal(str)
    clear_requested = Signal()
    restore_requested = Signal()

    def __init__(self) -> None:
        super().__init__("Views")
        self.bars: dict[str, QProgressBar] = {}
        self._words = {key: number_label("", "small") for key in _BARS}
        self.count = number_label("", "small")
        self.heading_row.insertWidget(1, self.count)
        self.add(self._progress())
        self.auto = QCheckBox("Take views by itself")
        self.auto.setChecked(True)
        self.auto.setToolTip("A view is taken when the board is still, sharp and shown in a new way.")
        self.heat = QCheckBox("Show covered area")
        self.heat.setChecked(True)
        self.heat.setToolTip("Shades the parts of each image in which the board was seen.")
        self.take = button("Take view", self.take_requested.emit, "camera", tip="Take the view now (Space)")
        self.load = button("Load", icon="folder-open", tip="Views from images or a recording")
        self.load.setMenu(self._load_menu())
        self.clear = button("Start again", self.clear_requested.emit, kind="link", tip="Forget all views")
        self.restore = button("", self.restore_requested.emit, "undo-2", "link", "Bring back the view removed last")
        self.restore.hide()
        self.add(row(self.auto, 1))
        self.add(row(self.heat, 1))
        self.add(row(self.take, self.load))
        self.add(row(self.restore, 1))
        self.heading_row.addWidget(self.clear)

    def show_progress(self, collector: ViewCollector, removed: int = 0) -> None:
        """Fill the bars. removed: views that can be restored."""
        progress = collector.progress
        for key in _BARS:
            self.bars[key].setValue(round(float(getattr(progress, key)) * 100))
        self._words["left_area"].setText(f"{progress.left_coverage:.0%}")
        self._words["right_area"].setText(f"{progress.right_coverage:.0%}")
        self._words["tilt"].setText(f"{len(progress.sectors)} of 8")
        self._words["distance"].setText(f"{progress.distance:.0%}")
        self._words["skew"].setText(f"{progress.skew:.0%}")
        self.count.setText(str(len(collector.collected) or ""))
        self.restore.setVisible(removed > 0)
        self.restore.setText(f"Restore a removed view ({removed})")

    def _load_menu(self) -> QMenu:
        menu = QMenu(self.load)
        for words, what in (("Image pairs in a folder…", "folder"), ("A recording (.db3, .bag)…", "recording")):
            menu.addAction(words).triggered.connect(lambda _checked=False, what=what: self.load_requested.emit(what))
        return menu

    def _progress(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(GRID_PX)
        grid.setVerticalSpacing(GRID_PX // 2)
        for i, (key, (words, tip)) in enumerate(_BARS.items()):
            bar = QProgressBar(textVisible=False)
            bar.setRange(0, 100)
            bar.setAccessibleName(words)
            bar.setToolTip(tip)
            self.bars[key] = bar
            grid.addWidget(label(words, "small"), i, 0)
            grid.addWidget(bar, i, 1)
            grid.addWidget(self._words[key], i, 2, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(1, 1)
        return grid
