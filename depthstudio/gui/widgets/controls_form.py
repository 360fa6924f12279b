"""The camera's own settings as sliders, switches and lists, with the device's ranges."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QCheckBox, QComboBox, QLayout, QSlider, QVBoxLayout, QWidget

from depthstudio.cameras import Control
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import column, field, label, number_label, row

_MAX_STEPS = 1000


class ControlsForm(QWidget):
    """changed(name, value) when the user moves one. What cannot be set now is greyed, the reason beside it."""

    changed = Signal(str, float)

    def __init__(self) -> None:
        super().__init__()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(GRID_PX)
        self._rows: dict[str, _ControlRow] = {}

    def set_controls(self, controls: Sequence[Control]) -> None:
        """Show these. Rows whose range is the same stay, so that a slider is not taken from under the mouse."""
        if [_shape(control) for control in controls] != [_shape(line.control) for line in self._rows.values()]:
            self._rebuild(controls)
        for control in controls:
            self._rows[control.name].show_control(control)

    def row(self, name: str) -> QWidget:
        """The line of a control."""
        return self._rows[name]

    def _rebuild(self, controls: Sequence[Control]) -> None:
        for old in self._rows.values():
            self._layout.removeWidget(old)
            old.deleteLater()
        self._rows = {}
        for control in controls:
            line = _row_for(control)
            line.changed.connect(self.changed)
            self._rows[control.name] = line
            self._layout.addWidget(line)


def _shape(control: Control) -> tuple[object, ...]:
    limits = control.minimum, control.maximum, control.step
    return control.name, control.label, *limits, control.choices, tuple(control.refused), control.unit


def _row_for(control: Control) -> _ControlRow:
    if control.choices:
        return _ChoiceRow(control)
    if control.minimum == 0 and control.maximum == 1 and control.step == 1:
        return _SwitchRow(control)
    return _SliderRow(control)


class _ControlRow(QWidget):
    """One setting. Subclasses make the field and put a value into it."""

    changed = Signal(str, float)

    def __init__(self, control: Control) -> None:
        super().__init__()
        self.control = control
        self._reason = label("", "faint", wrap=True)
        layout = self.make_field(control)
        self.setLayout(column(layout, self._reason, spacing=2))

    def make_field(self, control: Control) -> QLayout:
        """The layout with the field in it."""
        raise NotImplementedError

    def show_value(self, value: float) -> None:
        """Put a value into the field without `changed`."""
        raise NotImplementedError

    def show_control(self, control: Control) -> None:
        """Show the setting as it is now."""
        self.control = control
        self.show_value(control.value)
        self.setEnabled(not control.unavailable)
        self.setToolTip(control.unavailable or f"Default {self._words(control.default)}")
        reason = control.unavailable or "\n".join(f"No {choice}: {why}" for choice, why in control.refused.items())
        self._reason.setText(reason)
        self._reason.setVisible(bool(reason))

    def emit_value(self, value: float) -> None:
        """The user chose a value."""
        self.changed.emit(self.control.name, value)

    def _words(self, value: float) -> str:
        if self.control.choices:
            return self.control.choices[min(max(int(value), 0), len(self.control.choices) - 1)]
        return f"{value:g} {self.control.unit}".strip()


class _ChoiceRow(_ControlRow):
    def make_field(self, control: Control) -> QLayout:
        self._box = field(QComboBox(), control.label)
        items = QStandardItemModel(self._box)
        self._box.setModel(items)
        self._box.addItems(control.choices)
        for place, choice in enumerate(control.choices):
            items.item(place).setEnabled(choice not in control.refused)
        self._box.activated.connect(lambda index: self.emit_value(float(index)))
        return column(label(control.label, "small"), self._box, spacing=4)

    def show_value(self, value: float) -> None:
        self._box.setCurrentIndex(int(value))


class _SwitchRow(_ControlRow):
    def make_field(self, control: Control) -> QLayout:
        self._box = QCheckBox(control.label)
        self._box.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # after a click Space records, as before it
        self._box.toggled.connect(lambda on: self.emit_value(float(on)))
        return column(self._box)

    def show_value(self, value: float) -> None:
        with QSignalBlocker(self._box):
            self._box.setChecked(value > 0)


class _SliderRow(_ControlRow):
    def make_field(self, control: Control) -> QLayout:
        span = max(control.maximum - control.minimum, 1e-9)
        self._step = max(control.step, span / _MAX_STEPS)
        self._digits = 0 if self._step >= 1 else 1 if self._step >= 0.1 else 2
        self._slider = field(QSlider(Qt.Orientation.Horizontal), control.label)
        self._slider.setRange(0, round(span / self._step))
        self._slider.valueChanged.connect(self._moved)
        self._shown = number_label("", "small")
        return column(row(label(control.label, "small"), 1, self._shown), self._slider, spacing=0)

    def show_value(self, value: float) -> None:
        if self._slider.isSliderDown():
            return
        with QSignalBlocker(self._slider):
            self._slider.setValue(round((value - self.control.minimum) / self._step))
        self._show_number(value)

    def _moved(self, position: int) -> None:
        value = min(self.control.minimum + position * self._step, self.control.maximum)
        steps = round((value - self.control.minimum) / self.control.step) if self.control.step > 0 else 0
        if self.control.step > 0:  # a device refuses what is off its own steps
            value = min(self.control.minimum + steps * self.control.step, self.control.maximum)
        self._show_number(value)
        self.emit_value(value)

    def _show_number(self, value: float) -> None:
        self._shown.setText(f"{value:.{self._digits}f} {self.control.unit}".strip())
