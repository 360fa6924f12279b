"""What may be changed while a run goes on: rate, patience and length; recorded in its history."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox, QWidget

from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import ElidedLabel, Section, button, field, row
from depthstudio.gui.widgets.number_fields import LogSpinBox
from depthstudio.gui.widgets.settings_form import help_text, limits
from depthstudio.training.control import CHANGEABLE
from depthstudio.training.settings import TrainingSettings

_WIDTH_PX = 112


class LiveChanges(Section):
    """asked(dict): use these values from the next step on."""

    asked = Signal(object)

    def __init__(self) -> None:
        super().__init__("Change while it runs", foldable=True, folded=True)
        self.editors: dict[str, QSpinBox | QDoubleSpinBox] = {}
        self._now: dict[str, float] = {}
        for name in CHANGEABLE:
            self.add(self._line(name))
        self.apply = button("Use from the next step on", self._ask, "check")
        self.add(self.apply)

    def show_story(self, story: RunStory) -> None:
        """Show what holds now; a value that the user is changing stays."""
        now: dict[str, float] = {name: getattr(story.settings, name) for name in CHANGEABLE}
        if story.steps:
            now["learning_rate"] = story.steps[-1].learning_rate
        for name, value in now.items():
            editor = self.editors[name]
            if name not in self._now or editor.value() == self._now[name]:
                with QSignalBlocker(editor):
                    editor.setValue(value)  # type: ignore[arg-type]
                now[name] = editor.value()
        self._now = now
        self._show_apply()

    def forget(self) -> None:
        """Another run is shown."""
        self._now = {}

    @property
    def wanted(self) -> dict[str, float]:
        """The values that differ from those that hold."""
        return {name: editor.value() for name, editor in self.editors.items() if editor.value() != self._now.get(name)}

    def _line(self, name: str) -> QWidget:
        info = TrainingSettings.model_fields[name]
        low, high = limits(info)
        editor: QSpinBox | QDoubleSpinBox
        if info.annotation is int:
            editor = whole = field(QSpinBox(), info.title or name, help_text(info))
            whole.setRange(int(low or 0), int(high or 1000))
        else:
            editor = field(LogSpinBox(low or 0.0, high or 1.0), info.title or name, help_text(info))
        editor.setFixedWidth(_WIDTH_PX)
        editor.valueChanged.connect(self._show_apply)
        self.editors[name] = editor
        words = ElidedLabel(info.title or name)
        words.setBuddy(editor)
        line = row(words, editor, spacing=GRID_PX)
        line.setStretch(0, 1)
        holder = QWidget()
        holder.setLayout(line)
        return holder

    def _show_apply(self) -> None:
        self.apply.setEnabled(bool(self.wanted) and bool(self._now))

    def _ask(self) -> None:
        wanted = self.wanted
        self._now |= wanted  # shown as the new state until the loop says so
        self._show_apply()
        self.asked.emit(wanted)
