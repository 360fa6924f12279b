"""The panel beside all runs: name and note of the chosen one, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from depthstudio.gui.pages.train.library import RunEntry
from depthstudio.gui.pages.train.runs_table import data_words
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import Section, button, column, label, row
from depthstudio.gui.widgets.facts import Facts

_NONE = "No run yet. What you train appears here with its curves."
_CHOOSE = "Choose a run in the table."


class RunDetails(QWidget):
    """asked(what, entry): "show", "further", "settings", "folder", "csv" or "trash".

    described(entry, name, notes): edited.
    """

    asked = Signal(str, object)
    described = Signal(object, str, str)

    def __init__(self) -> None:
        super().__init__()
        self.entry: RunEntry | None = None
        self._words = label(_NONE, "muted", wrap=True)
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the run")
        self.name.setToolTip("The name; the folder keeps its own")
        self.name.editingFinished.connect(self._on_edited)
        self.notes = QLineEdit()
        self.notes.setPlaceholderText("Note")
        self.notes.setAccessibleName("Note")
        self.notes.editingFinished.connect(self._on_edited)
        self.facts = Facts("The run")
        details = Section("Run")
        for item in (self.name, self.notes, self.facts):
            details.add(item)
        self.show_button = self._button("Show it", "eye", "show", "primary")
        self.further = self._button("Fine-tune further", "graduation-cap", "further")
        self.reuse = self._button("Use its settings", "sliders-horizontal", "settings")
        self.csv = self._button("Save as CSV", "download", "csv")
        self.folder = self._button("Open folder", "folder-open", "folder")
        self.trash = self._button("Move to trash", "trash-2", "trash")
        actions = column(
            self.show_button,
            self.further,
            self.reuse,
            row(self.folder, self.csv),
            self.trash,
            spacing=GRID_PX,
        )
        self._body = QWidget()
        self._body.setLayout(column(details, actions, spacing=2 * GRID_PX))
        self.setLayout(column(self._words, self._body, 1, spacing=2 * GRID_PX))
        self.show_chosen([], any_runs=False)

    def show_chosen(self, entries: Sequence[RunEntry], *, any_runs: bool, is_live: bool = False) -> None:
        """The first of those chosen; is_live: it is running."""
        several = len(entries) > 1
        text = _NONE if not any_runs else _CHOOSE if not entries else _comparison(entries)
        self._words.setText(text)
        self._words.setVisible(not entries or several)
        self._body.setVisible(len(entries) == 1)
        entry = entries[0] if len(entries) == 1 else None
        same = entry is not None and self.entry is not None and entry.folder == self.entry.folder
        self.entry = entry
        if entry is None:
            return
        about = entry.run.about
        if not (same and (self.name.hasFocus() or self.notes.hasFocus())):
            self.name.setText(entry.run.name)
            self.notes.setText(about.notes)
            self.name.setCursorPosition(0)
        settings = entry.run.settings
        self.facts.set_facts(
            [
                ("Begun", about.created[:16].replace("T", " ")),
                ("Data", data_words(entry)),
                ("Network", settings.network.rsplit("/", 1)[-1]),
                ("Learning rate", f"{settings.learning_rate:.3g}"),
                ("Dropout", f"{settings.dropout_p:g}"),
                ("Weight decay", f"{settings.weight_decay:.3g}"),
                ("Patience", str(settings.early_stop_patience or "off")),
            ]
        )
        has_result = entry.run.best_path.exists()
        self.further.setEnabled(has_result)
        self.trash.setEnabled(not is_live)
        self.show_button.setText("Back to it" if is_live else "Show it")

    def _button(self, words: str, icon: str, what: str, kind: str = "") -> QPushButton:
        return button(words, lambda: self._ask(what), icon, kind)

    def _ask(self, what: str) -> None:
        if self.entry is not None:
            self.asked.emit(what, self.entry)

    def _on_edited(self) -> None:
        entry = self.entry
        if entry is None:
            return
        name, notes = self.name.text().strip() or entry.run.name, self.notes.text().strip()
        if (name, notes) != (entry.run.name, entry.run.about.notes):
            self.described.emit(entry, name, notes)


def _comparison(entries: Sequence[RunEntry]) -> str:
    """How many runs are compared, and which has the smallest error."""
    text = f"{len(entries)} runs are compared."
    measured = [entry for entry in entries if isfinite(entry.summary.best_validation_epe_px)]
    if not measured:
        return text
    best = min(measured, key=lambda entry: entry.summary.best_validation_epe_px)
    words = f"'{best.run.name}' has the smallest validation error, {best.summary.best_validation_epe_px:.3g} px."
    return f"{text} {words} Errors compare only where the validation frames are the same."
