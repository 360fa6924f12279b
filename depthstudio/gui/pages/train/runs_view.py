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
from depthstudio.training.advisor import gap_epe_px
from depthstudio.training.events import EpochDone

MOST_COMPARED = 6
_TOKENS = ("accent", "warning", "mask_border", "bad", "mask_percentile", "train")
_WHAT = {"validation_epe_px": "EPE", "validation_loss": "Loss", "gap": "Gap"}
_UNITS = {"validation_epe_px": "px", "validation_loss": "", "gap": "px"}
_HINT = "Choose runs above, with Ctrl several, to lay their curves over each other."
_LEGEND_CHARACTERS = {2: 12, 3: 6}  # number of runs -> of each name, so that legend and table fit beside each other
_LEAST_COLUMN_PX = 64
_MANY = 3  # above, the legend holds numbers


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
        self.differences.setWordWrap(False)
        self._difference_words = label("Settings that differ", "section")
        heading = row(label("Runs over each other", "section"), self._hint, self.what)
        heading.setStretch(1, 1)
        curves, self._settings = QWidget(), QWidget()
        curves.setLayout(self._place)
        self._settings.setLayout(column(self._difference_words, self.differences, spacing=4))
        self._lower = QWidget()
        lower = row(curves, self._settings, spacing=2 * GRID_PX)
        lower.setStretch(0, 1)
        lower.setStretch(1, 1)
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
        self._hint.setText("" if len(self.stories) > 1 else _HINT)
        self._draw()
        self._show_differences()
        tokens = {story.folder: token for story, token in zip(self.stories, _TOKENS, strict=False) if story.folder}
        self.table.mark_runs(tokens if len(tokens) > 1 else {})

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
        if len(names) > _MANY:
            names = [str(number) for number in range(1, len(names) + 1)]
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
        limit = _LEGEND_CHARACTERS.get(len(self.stories), 12)
        for story in self.stories:
            short = story.name if len(story.name) <= limit else f"{story.name[:limit].rstrip()}…"
            number = 2
            name = short
            while name in names:
                name, number = f"{short} ({number})", number + 1
            names.append(name)
        return names

    def _show_differences(self) -> None:
        several = len(self.stories) > 1
        lines = differing_settings([story.settings for story in self.stories]) if several else []
        self._difference_words.setText(
            "Results, and settings that differ" if lines else "Results; the settings are equal"
        )
        lines = [*results(self.stories), *lines]
        table = self.differences
        self._settings.setVisible(several)
        names = self._names()
        if len(names) > _MANY:
            names = [f"{number} {name}" for number, name in enumerate(names, start=1)]
        heads = ["Setting", *names]
        table.setColumnCount(len(heads))
        table.setHorizontalHeaderLabels(heads)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setMinimumSectionSize(_LEAST_COLUMN_PX)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)  # its words are in the tip, too
        table.setRowCount(len(lines))
        for line, (title, values) in enumerate(lines):
            for place, words in enumerate((title, *values)):
                item = QTableWidgetItem(words)
                item.setToolTip(words)
                item.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
                table.setItem(line, place, item)


def results(stories: Sequence[RunStory]) -> list[tuple[str, list[str]]]:
    """Title and values of what came of each run."""
    bests = [story.best for story in stories]
    epe = [f"{story.best_epe_px:.3g}" if story.best_epe_px is not None else "" for story in stories]
    return [
        ("Best EPE, px", epe),
        ("Gap, px", [f"{gap_epe_px(best):+.2g}" if best is not None else "" for best in bests]),
        ("Best epoch", [f"{story.best_epoch} of {story.epoch}" for story in stories]),
    ]


def _value(done: EpochDone, what: str) -> float:
    return gap_epe_px(done) if what == "gap" else float(getattr(done, what))
