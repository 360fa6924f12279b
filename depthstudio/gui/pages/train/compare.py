"""Comparing the shown run with another: its curves dashed beside, and the settings in which the two differ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel
from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox

from depthstudio.gui.pages.train.library import RunEntry
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.widgets.basics import Section, field, label
from depthstudio.gui.widgets.facts import Fact, Facts
from depthstudio.training.settings import TrainingSettings


class CompareSection(Section):
    """chosen(folder): compare with this run, None with nothing."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__("Compare with")
        self.box = field(QComboBox(), "Run to compare with", "Its curves are drawn dashed beside the shown run's")
        self.box.setMinimumContentsLength(8)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.facts = Facts("Differences to the compared run")
        self._words = label("", "small", wrap=True)
        for item in (self.box, self.facts, self._words):
            self.add(item)
        self.offer([], None)
        self.show_other(None, None)
        self.box.activated.connect(lambda: self.chosen.emit(self.box.currentData()))

    def offer(self, entries: Sequence[RunEntry], shown: Path | None) -> None:
        """Every run but the shown one."""
        before = self.box.currentData()
        with QSignalBlocker(self.box):
            self.box.clear()
            self.box.addItem("nothing", None)
            for entry in entries:
                if entry.folder != shown:
                    self.box.addItem(
                        f"{entry.run.name}, {entry.run.about.created[5:16].replace('T', ' ')}", entry.folder
                    )
            self.box.setCurrentIndex(max(0, self.box.findData(before)))
        self.setVisible(self.box.count() > 1)

    def show_other(self, shown: RunStory | None, other: RunStory | None) -> None:
        """The numbers of both, this run first."""
        if shown is None or other is None:
            with QSignalBlocker(self.box):
                self.box.setCurrentIndex(0)
            self.facts.set_facts([])
            self._words.hide()
            return
        with QSignalBlocker(self.box):
            self.box.setCurrentIndex(max(0, self.box.findData(other.folder)))
        facts = _results(shown, other) + _settings(shown.settings, other.settings)
        self.facts.set_facts(facts)
        self._words.setText("This run first, then the other; its curves are dashed.")
        self._words.show()


def _results(shown: RunStory, other: RunStory) -> list[Fact]:
    facts: list[Fact] = []
    if shown.best_epe_px is not None and other.best_epe_px is not None:
        tone = "good" if shown.best_epe_px < other.best_epe_px else ""
        facts.append(("Best EPE", f"{shown.best_epe_px:.3g} / {other.best_epe_px:.3g} px", tone))
        facts.append(("Best epoch", f"{shown.best_epoch} / {other.best_epoch}"))
    return facts


def _settings(shown: TrainingSettings, other: TrainingSettings) -> list[Fact]:
    return [(title, " / ".join(values)) for title, values in differing_settings([shown, other])]


def differing_settings(several: Sequence[TrainingSettings]) -> list[tuple[str, list[str]]]:
    """Title and spoken values of every setting in which these runs differ; nested groups field by field."""
    lines: list[tuple[str, list[str]]] = []
    for name, info in TrainingSettings.model_fields.items():
        values = [getattr(settings, name) for settings in several]
        if all(value == values[0] for value in values):
            continue
        if isinstance(values[0], BaseModel):
            for inner, inner_info in type(values[0]).model_fields.items():
                parts = [getattr(value, inner) for value in values]
                if any(part != parts[0] for part in parts):
                    lines.append((inner_info.title or inner, [_spoken(part) for part in parts]))
            continue
        lines.append((info.title or name, [_spoken(value) for value in values]))
    return lines


def _spoken(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:.3g}"
    return Path(value).stem if isinstance(value, str) else str(value)
