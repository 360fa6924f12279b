"""The stage of all runs: the table, and under it the curves and the differing settings of those chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from depthstudio.gui.pages.train.compare import differing_settings
from depthstudio.gui.pages.train.curves import TrainingPlot
from depthstudio.gui.pages.train.runs_table import RunsTable
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import Segments, column, label, row

MOST_COMPARED = 6
_TOKENS = ("accent", "warning", "mask_border", "bad", "mask_percentile", "train")
_WHAT = {"validation_epe_px": "EPE", "validation_loss": "Loss", "gap": "Gap"}
_UNITS = {"validation_epe_px": "px", "validation_loss": "", "gap": "px"}
_HINT = "Choose runs above, with Ctrl several, to lay their curves over each other."
_LEGEND_CHARACTERS = 16


class RunsView(QWidget):
    """Shows up to six runs over each other."""

    def __init__(self) -> None:
        super().__init__()
        self.stories: list[RunStory] = []
        self.table = RunsTable()
        self.what = Segments(_WHAT)
        self.what.setFixedWidth(180)
        self.what.setAccessibleName("What is drawn")
        self.plot: TrainingPlot | None = None
        self._hint = label(_HINT, "muted", wrap=True)
        self._place = QVBoxLayout()
        self._place.setContentsMargins(0, 0, 0, 0)
        self.differences = QTableWidget(0, 0)
        self.differences.setAccessibleName("Settings that differ")
        self.differences.verticalHeader().hide()
        self.differences.verticalHeader().setDefaultSectionSize(24)
        self.differences.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.differences.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.differences.setShowGrid(False)
        self._difference_words = label("Settings that differ", "section")
        heading = row(label("Runs over each other", "section"), self._hint, self.what)
        heading.setStretch(1, 1)
        curves, settings = QWidget(), QWidget()
        curves.setLayout(self._place)
        settings.setLayout(column(self._difference_words, self.differences, spacing=4))
        self._lower = QWidget()
        lower = row(curves, settings, spacing=2 * GRID_PX)
        lower.setStretch(0, 3)
        lower.setStretch(1, 2)
        self._lower.setLayout(lower)
        layout = column(self.table, heading, self._lower, spacing=GRID_PX)
        layout.setStretch(0, 4)
        layout.setStretch(2, 5)
        self.setLayout(layout)
        self.what.chosen.connect(lambda _: self._draw())
        self.show_stories([])

    def show_stories(self, stories: Sequence[RunStory]) -> None:
        """Lay these runs over each other."""
        self.stories = list(stories)[:MOST_COMPARED]
        self._hint.setText("" if self.stories else _HINT)
        self._draw()
        self._show_differences()

    @property
    def folders(self) -> list[Path]:
        """Of the runs that are drawn."""
        return [story.folder for story in self.stories if story.folder is not None]

    def _draw(self) -> None:
        if self.plot is not None:
            self._place.removeWidget(self.plot)
            self.plot.hide()
            self.plot.deleteLater()
        names = self._names()
        what = self.what.current
        self.plot = TrainingPlot("", dict(zip(names, _TOKENS, strict=False)), _UNITS[what])
        self.plot.plot.setLabel("bottom", "epoch")
        self._place.addWidget(self.plot)
        for name, story in zip(names, self.stories, strict=True):
            epochs = [float(done.epoch) for done in story.epochs]
            values = [_value(done, what) for done in story.epochs]
            if story.baseline is not None and what != "gap":
                epochs, values = [0.0, *epochs], [getattr(story.baseline, what), *values]
            self.plot.set_curve(name, epochs, values)
        self.plot.set_extent(float(max((story.epoch for story in self.stories), default=0)))

    def _names(self) -> list[str]:
        """Short and different, for the legend."""
        names: list[str] = []
        for story in self.stories:
            short = story.name if len(story.name) <= _LEGEND_CHARACTERS else f"{story.name[:_LEGEND_CHARACTERS]}…"
            number = 2
            name = short
            while name in names:
                name, number = f"{short} ({number})", number + 1
            names.append(name)
        return names

    def _show_differences(self) -> None:
        several = len(self.stories) > 1
        lines = differing_settings([story.settings for story in self.stories]) if several else []
        words = "Settings that differ" if lines else "The settings are the same" if several else ""
        self._difference_words.setText(words)
        table = self.differences
        table.setVisible(bool(lines))
        heads = ["Setting", *self._names()]
        table.setColumnCount(len(heads))
        table.setHorizontalHeaderLabels(heads)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        table.setRowCount(len(lines))
        for line, (title, values) in enumerate(lines):
            for place, words in enumerate((title, *values)):
                item = QTableWidgetItem(words)
                item.setToolTip(words)
                item.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
                table.setItem(line, place, item)


def _value(done: object, what: str) -> float:
    if what == "gap":
        return float(getattr(done, "validation_epe_px") - getattr(done, "train_epe_px"))  # noqa: B009
    return float(getattr(done, what))
