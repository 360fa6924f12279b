"""The camera's own settings as sliders, switches and lists, with the device's ranges."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QSlider, QVBoxLayout, QWidget

from depthstudio.cameras import Control
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import column, field, label, number_label, row

_MAX_STEPS = 1000


class ControlsForm(QWidget):
    """changed(name, value) when the user moves one. What cannot be set now is greyed, the reason in its tooltip."""

    changed = Signal(str, float)

    def __init__(self) -> None:
        super().__init__()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(GRID_PX)
        self._rows: dict[str, QWidget] = {}
        self._shown: tuple[Control, ...] = ()

    def set_controls(self, controls: Sequence[Control]) -> None:
        """Show these; nothing is rebuilt while they are the same."""
        controls = tuple(controls)
        if controls == self._shown:
            return
        self._shown = controls
        while (item := self._layout.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.deleteLater()
        self._rows = {control.name: self._row(control) for control in controls}
        for line in self._rows.values():
            self._layout.addWidget(line)

    def row(self, name: str) -> QWidget:
        """The line of a control."""
        return self._rows[name]

    def _row(self, control: Control) -> QWidget:
        holder = QWidget()
        if control.choices:
            layout = self._choice(control)
        elif control.minimum == 0 and control.maximum == 1 and control.step == 1:
            layout = self._switch(control)
        else:
            layout = self._slider(control)
        holder.setLayout(layout)
        holder.setEnabled(not control.unavailable)
        holder.setToolTip(control.unavailable or f"Default {control.default:g} {control.unit}".strip())
        return holder

    def _choice(self, control: Control) -> QVBoxLayout:
        box = field(QComboBox())
        box.addItems(control.choices)
        box.setCurrentIndex(int(control.value))
        box.setAccessibleName(control.label)
        box.activated.connect(lambda index: self.changed.emit(control.name, float(index)))
        return column(label(control.label, "small"), box, spacing=4)

    def _switch(self, control: Control) -> QVBoxLayout:
        box = QCheckBox(control.label)
        box.setChecked(control.value > 0)
        box.toggled.connect(lambda on: self.changed.emit(control.name, float(on)))
        return column(box)

    def _slider(self, control: Control) -> QVBoxLayout:
        span = max(control.maximum - control.minimum, 1e-9)
        step = max(control.step, span / _MAX_STEPS)
        slider = field(QSlider(Qt.Orientation.Horizontal))
        slider.setRange(0, round(span / step))
        slider.setValue(round((control.value - control.minimum) / step))
        slider.setAccessibleName(control.label)
        digits = 0 if step >= 1 else 1 if step >= 0.1 else 2

        def words(value: float) -> str:
            return f"{value:.{digits}f} {control.unit}".strip()

        shown = number_label(words(control.value), "small")

        def moved(position: int) -> None:
            value = control.minimum + position * step
            shown.setText(words(value))
            self.changed.emit(control.name, value)

        slider.valueChanged.connect(moved)
        return column(row(label(control.label, "small"), 1, shown), slider, spacing=0)
