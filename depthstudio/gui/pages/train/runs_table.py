"""All runs of the workspace as a table; those chosen are compared under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QBrush, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem

from depthstudio.gui.pages.train.library import RunEntry
from depthstudio.gui.status_strip import spoken_duration
from depthstudio.gui.theme import theme
from depthstudio.training.presets import Preset

_TONES = {"finished": "good", "failed": "bad", "unfinished": "warning", "running": "accent"}
_WORDS = {"unfinished": "interrupted", "empty": "not begun"}
_HEADS = {
    "Run": "Its name; double click opens it",
    "Preset": "The preset nearest to its settings, and how many of them differ",
    "Data": "Recordings or folders it learned from",
    "EPE, px": "Best validation error, and that of the network as it came",
    "Gap": "Validation minus training EPE at the best epoch, px",
    "Guard": "Error on scenes that the run does not learn from, before and after, px",
    "Epoch": "Best epoch of those run",
    "Time": "Training and validation",
    "State": "How it stands",
}
_DOT_PX = 10
_RIGHT = ("EPE, px", "Gap", "Guard", "Epoch", "Time")


class RunsTable(QTableWidget):
    """chosen(list of folders): the selection changed. opened(folder): double click or Return."""

    chosen = Signal(object)
    opened = Signal(object)

    def __init__(self) -> None:
        super().__init__(0, len(_HEADS))
        self._entries: list[RunEntry] = []
        self.setAccessibleName("Runs")
        for column, (name, tip) in enumerate(_HEADS.items()):
            head = QTableWidgetItem(name)
            head.setToolTip(tip)
            self.setHorizontalHeaderItem(column, head)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(26)
        self.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableWidget.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setToolTip("Ctrl+click chooses several to compare")
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for place in (0, 1):
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(40)
        self.itemSelectionChanged.connect(lambda: self.chosen.emit(self.folders))
        self.cellActivated.connect(lambda row, _column: self.opened.emit(self._entries[row].folder))
        theme().changed.connect(self._paint_states)

    @property
    def folders(self) -> list[Path]:
        """The chosen runs, from the top."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self._entries[row].folder for row in rows]

    def show_runs(self, entries: Sequence[RunEntry], presets: Sequence[Preset], live: Path | None) -> None:
        """Newest first; the selection stays. live: the folder of the run that goes on."""
        before = set(self.folders)
        self._entries = list(entries)
        with QSignalBlocker(self):
            self.clearSelection()
            self.setRowCount(len(entries))
            for line, entry in enumerate(entries):
                for column, words in enumerate(_cells(entry, presets, entry.folder == live)):
                    self.setItem(line, column, self._item(column, words, entry))
        self._paint_states()
        self.choose(before)
        self.chosen.emit(self.folders)

    def mark_runs(self, tokens: Mapping[Path, str]) -> None:
        """Put a dot of this colour before a run's name: the colour of its curve."""
        for line, entry in enumerate(self._entries):
            item = self.item(line, 0)
            if item is not None:
                token = tokens.get(entry.folder)
                item.setIcon(QIcon() if token is None else _dot(token))

    def choose(self, folders: set[Path]) -> None:
        """Select these runs."""
        with QSignalBlocker(self):
            self.clearSelection()
            selection = self.selectionModel()
            for line, entry in enumerate(self._entries):
                if entry.folder in folders:
                    flags = selection.SelectionFlag.Select | selection.SelectionFlag.Rows
                    selection.select(self.model().index(line, 0), flags)

    @staticmethod
    def _item(column: int, words: str, entry: RunEntry) -> QTableWidgetItem:
        item = QTableWidgetItem(words)
        if list(_HEADS)[column] in _RIGHT:
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        about = entry.run.about
        lines = (
            words if column == 1 else entry.run.name,
            about.created.replace("T", " "),
            about.notes,
            str(entry.folder),
        )
        item.setToolTip("\n".join(line for line in lines if line))
        return item

    def _paint_states(self) -> None:
        column = list(_HEADS).index("State")
        for line in range(self.rowCount()):
            item = self.item(line, column)
            if item is None:
                continue
            words = {word: state for state, word in _WORDS.items()}
            tone = _TONES.get(words.get(item.text(), item.text()), "text_muted")
            item.setForeground(QBrush(theme().color(tone)))


def nearest_preset(entry: RunEntry, presets: Sequence[Preset]) -> str:
    """ "Safe fine-tune", or "Safe fine-tune +3": the preset with the fewest differences."""
    settings = entry.run.settings
    counts = [(len(set(settings.differences(one.settings)) - {"network"}), i, one) for i, one in enumerate(presets)]
    if not counts:
        return ""
    changed, _, best = min(counts)
    return best.name if not changed else f"{best.name} +{changed}"


def data_words(entry: RunEntry) -> str:
    """What it learned from, in a word."""
    folders = [Path(path).name for path in entry.run.about.data]
    if folders == ["sessions"]:
        return "recordings"
    return folders[0] if len(folders) == 1 else f"{len(folders)} folders" if folders else ""


def _cells(entry: RunEntry, presets: Sequence[Preset], live: bool) -> list[str]:
    summary = entry.summary
    before, after = summary.baseline_validation_epe_px, summary.best_validation_epe_px
    change = f"{before:.3g} → " if isfinite(before) and summary.best_epoch else ""
    guard = (summary.guard_epe_px_before, summary.guard_epe_px_after)
    return [
        entry.run.name,
        nearest_preset(entry, presets),
        data_words(entry),
        f"{change}{after:.3g}" if isfinite(after) else "",
        f"{summary.gap_epe_px:+.2g}" if isfinite(summary.gap_epe_px) else "",
        " → ".join(f"{value:.2g}" for value in guard if value is not None),
        f"{summary.best_epoch} of {summary.epochs_run}" if summary.epochs_run else "",
        spoken_duration(summary.seconds) if summary.seconds else "",
        "running" if live else _WORDS.get(summary.state, summary.state),
    ]


def _dot(token: str) -> QIcon:
    picture = QPixmap(_DOT_PX, _DOT_PX)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme().color(token))
    painter.drawEllipse(1, 1, _DOT_PX - 2, _DOT_PX - 2)
    painter.end()
    return QIcon(picture)
