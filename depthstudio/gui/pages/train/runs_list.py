"""All runs of the workspace as cards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path

from PySide6.QtWidgets import QWidget

from depthstudio.gui.pages.train.library import RunEntry
from depthstudio.gui.status_strip import spoken_duration
from depthstudio.gui.widgets.basics import column, label
from depthstudio.gui.widgets.cards import CardList, MediaCard
from depthstudio.training.run import RunSummary

_TONES = {"finished": "good", "failed": "bad", "unfinished": "warning", "stopped": "", "empty": ""}
_WORDS = {"unfinished": "interrupted", "empty": "not begun"}


class RunsList(QWidget):
    """Cards of runs; a click calls `on_open` with the entry, the card's menu `on_trash`."""

    def __init__(self, on_open: Callable[[RunEntry], object], on_trash: Callable[[RunEntry], object]) -> None:
        super().__init__()
        self._on_open = on_open
        self._on_trash = on_trash
        self._none = label("No run yet. What you train appears here with its curves.", "muted", wrap=True)
        self.cards = CardList()
        self.setLayout(column(self._none, self.cards, 1))

    def show_runs(self, entries: Sequence[RunEntry], shown: Path | None, live: Path | None) -> None:
        """shown: the folder on the stage. live: the folder of the run that goes on."""
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
        if not live:
            card.set_menu([("Show", lambda: self._on_open(entry)), ("Move to trash", lambda: self._on_trash(entry))])
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
