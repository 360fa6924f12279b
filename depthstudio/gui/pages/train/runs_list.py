"""All runs of the workspace as cards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from PySide6.QtWidgets import QWidget

from depthstudio.gui.status_strip import spoken_duration
from depthstudio.gui.widgets.basics import column, label
from depthstudio.gui.widgets.cards import CardList, MediaCard
from depthstudio.training.run import Run, RunSummary, list_runs

_TONES = {"finished": "good", "failed": "bad", "unfinished": "warning", "stopped": "", "empty": ""}
_WORDS = {"unfinished": "interrupted", "empty": "not begun"}


@dataclass(frozen=True)
class RunEntry:
    """A run with its one-line summary, read in the background."""

    run: Run
    summary: RunSummary

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.run.folder


def read_runs(folder: Path) -> list[RunEntry]:
    """All readable runs, newest first. Reads every history, so not on the GUI thread."""
    return [RunEntry(run, run.summary()) for run in list_runs(folder)]


class RunsList(QWidget):
    """Cards of runs; `on_open` is called with the entry that was clicked."""

    def __init__(self, on_open: Callable[[RunEntry], object]) -> None:
        super().__init__()
        self._on_open = on_open
        self._none = label("No run yet. What you train appears here with its curves.", "muted", wrap=True)
        self.cards = CardList()
        self.entries: list[RunEntry] = []
        self.setLayout(column(self._none, self.cards, 1))

    def show_runs(self, entries: Sequence[RunEntry], shown: Path | None, live: Path | None) -> None:
        """shown: the folder on the stage. live: the folder of the run that goes on."""
        self.entries = list(entries)
        self._none.setVisible(not entries)
        self.cards.set_cards([self._card(entry, entry.folder == shown, entry.folder == live) for entry in entries])

    def _card(self, entry: RunEntry, selected: bool, live: bool) -> MediaCard:
        summary, about = entry.summary, entry.run.about
        card = MediaCard(entry.run.name, (_numbers(summary), _circumstances(entry)))
        card.thumbnail.hide()
        word = "running" if live else _WORDS.get(summary.state, summary.state)
        card.add_badge(word, "accent" if live else _TONES.get(summary.state, ""))
        card.set_selected(selected)
        card.setToolTip(f"{about.created.replace('T', ' ')}\n{entry.folder}")
        card.clicked.connect(lambda: self._on_open(entry))
        return card


def _numbers(summary: RunSummary) -> str:
    if not isfinite(summary.best_validation_epe_px):
        return "nothing measured"
    before = summary.baseline_validation_epe_px
    change = f"{before:.3g} → " if isfinite(before) and summary.best_epoch else ""
    gap = f", gap {summary.gap_epe_px:+.2g}" if isfinite(summary.gap_epe_px) else ""
    return f"EPE {change}{summary.best_validation_epe_px:.3g} px{gap}"


def _circumstances(entry: RunEntry) -> str:
    summary = entry.summary
    network = Path(entry.run.settings.network).stem
    took = f", {spoken_duration(summary.seconds)}" if summary.seconds else ""
    return f"{network}, epoch {summary.best_epoch} of {summary.epochs_run}{took}"
