"""SettingsForm: a form made from a pydantic model; ranges, units, defaults and help live on the fields alone."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QSpinBox, QToolButton, QWidget

from depthstudio.gui.theme import GRID_PX, mark
from depthstudio.gui.widgets.basics import ElidedLabel, Section, column, field, icon_button, label, row
from depthstudio.gui.widgets.number_fields import LogSpinBox

_FIELD_WIDTH_PX = 112
_LOG_DECADES = 1e4


@dataclass
class _Line:
    """One field of the form: how to read and write its editor."""

    widget: QWidget
    editor: QWidget
    read: Callable[[], Any]
    write: Callable[[Any], None]
    reset: QToolButton


def limits(info: FieldInfo) -> tuple[float | None, float | None]:
    """(smallest, largest) value that a number field allows; None where it has no limit."""
    low = high = None
    for rule in info.metadata:
        low = getattr(rule, "ge", getattr(rule, "gt", low))
        high = getattr(rule, "le", getattr(rule, "lt", high))
    return low, high


def help_text(info: FieldInfo) -> str:
    """Help, range and unit of a field, for its tooltip."""
    low, high = limits(info)
    unit = _extra(info).get("unit", "")
    extent = f"{low:g} to {high:g} {unit}".strip() if low is not None and high is not None else unit
    return "\n".join(part for part in (info.description or "", f"Range: {extent}" if extent else "") if part)


class SettingsForm(QWidget):
    """Shows and edits one model: fields marked "expert" are folded, what differs from the reference is marked.

    changed(): the user changed a value. Nested models become sections of their own.
    """

    changed = Signal()

    def __init__(
        self, model: type[BaseModel], skip: tuple[str, ...] = (), choices: dict[str, list[str]] | None = None
    ) -> None:
        super().__init__()
        self._model = model
        self._choices = choices or {}
        self._lines: dict[str, _Line] = {}
        self._nested: dict[str, SettingsForm] = {}
        self._reference: BaseModel | None = None
        self._unknown: dict[str, Any] = {}
        self._message = label("", "small", wrap=True, tone="bad")
        self._message.hide()
        self._groups: dict[tuple[str, bool], Section] = {}
        self._expert = Section("More settings", foldable=True, folded=True)
        self._easy = column(spacing=2 * GRID_PX)
        for name, info in model.model_fields.items():
            if name not in skip:
                self._add_field(name, info)
        self.setLayout(column(self._easy, self._expert, self._message, spacing=2 * GRID_PX))
        self._expert.setVisible(any(expert for _, expert in self._groups))
        self.set_values(model())

    # ---- values

    def values(self) -> dict[str, Any]:
        """What is entered, unchecked; fields unknown to this version are kept."""
        own = {name: line.read() for name, line in self._lines.items()}
        return {**self._unknown, **own, **{name: form.values() for name, form in self._nested.items()}}

    def settings(self) -> BaseModel | None:
        """The checked model; None when something is wrong, which the form then says."""
        try:
            checked = self._model.model_validate(self.values())
        except ValidationError as error:
            self._show_problem(error)
            return None
        self._clear_problem()
        return checked

    def set_values(self, settings: BaseModel) -> None:
        """Show a model's values; `changed` is not emitted."""
        dumped = settings.model_dump()
        known = set(self._lines) | set(self._nested)
        self._unknown = {name: value for name, value in dumped.items() if name not in known}
        for name, line in self._lines.items():
            with QSignalBlocker(line.editor):
                line.write(getattr(settings, name))
        for name, form in self._nested.items():
            form.set_values(getattr(settings, name))
        self._mark_differences()
        self._clear_problem()

    def set_reference(self, settings: BaseModel) -> None:
        """Fields that differ from this one (a preset) get a mark and a reset arrow."""
        self._reference = settings
        for name, form in self._nested.items():
            form.set_reference(getattr(settings, name))
        self._mark_differences()

    def editor(self, name: str) -> QWidget:
        """The widget that edits a field."""
        return self._lines[name].editor

    def differing(self) -> list[str]:
        """Fields that differ from the reference."""
        if self._reference is None:
            return []
        return [name for name, line in self._lines.items() if line.read() != getattr(self._reference, name)]

    # ---- building

    def _add_field(self, name: str, info: FieldInfo) -> None:
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            form = SettingsForm(info.annotation)
            form.changed.connect(self._on_changed)
            self._nested[name] = form
            section = Section(info.title or name, foldable=True, folded=True)
            section.add(form)
            self._easy.addWidget(section)
            return
        line = self._line(name, info)
        self._lines[name] = line
        self._section(info).add(line.widget)

    def _section(self, info: FieldInfo) -> Section:
        extra = _extra(info)
        key = (str(extra.get("group", "")), bool(extra.get("expert", False)))
        if key not in self._groups:
            section = Section(key[0])
            self._groups[key] = section
            if key[1]:
                self._expert.add(section)
            else:
                self._easy.addWidget(section)
        return self._groups[key]

    def _line(self, name: str, info: FieldInfo) -> _Line:
        editor, read, write, changed = _editor(info, self._choices.get(name))
        title = info.title or name.replace("_", " ").capitalize()
        tip = help_text(info)
        editor.setAccessibleName(title)
        editor.setToolTip(tip)
        editor.setFixedWidth(_FIELD_WIDTH_PX)
        words = ElidedLabel(title)
        words.setToolTip(tip)
        words.setBuddy(editor)
        reset = icon_button("rotate-ccw", f"Reset {title}", lambda: self._reset(name), size_px=12)
        reset.setFixedSize(20, 20)
        policy = reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        reset.setSizePolicy(policy)
        reset.hide()
        holder = QWidget()
        line = row(words, reset, editor, spacing=4)
        line.setStretch(0, 1)
        holder.setLayout(line)
        changed.connect(lambda *_: self._on_changed())
        return _Line(holder, editor, read, write, reset)

    # ---- reacting

    def _on_changed(self) -> None:
        self._mark_differences()
        self.settings()
        self.changed.emit()

    def _reset(self, name: str) -> None:
        if self._reference is not None:
            self._lines[name].write(getattr(self._reference, name))
            self._on_changed()

    def _mark_differences(self) -> None:
        differing = set(self.differing())
        for name, line in self._lines.items():
            line.reset.setVisible(name in differing)

    def _show_problem(self, error: ValidationError) -> None:
        self._clear_problem()
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        info = self._model.model_fields.get(name)
        if name in self._lines:
            mark(self._lines[name].editor, invalid=True)
        words = f"{info.title or name}: {first['msg']}." if info is not None else str(first["msg"])
        self._message.setText(words)
        self._message.show()

    def _clear_problem(self) -> None:
        for line in self._lines.values():
            mark(line.editor, invalid=False)
        self._message.hide()


def _extra(info: FieldInfo) -> dict[str, Any]:
    return info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}


def _editor(
    info: FieldInfo, choices: list[str] | None
) -> tuple[QWidget, Callable[[], Any], Callable[[Any], None], Any]:
    """The widget for a field's type, how to read and write it, and its signal."""
    kind = info.annotation
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(part for part in get_args(kind) if part is not type(None))
    if choices is not None or get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, Enum)):
        return _choice_editor(kind, choices)
    if kind is bool:
        box = QCheckBox()
        box.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        return box, box.isChecked, box.setChecked, box.toggled
    if kind is int:
        return _integer_editor(info)
    if kind is float:
        return _number_editor(info)
    text = QLineEdit()
    return text, text.text, lambda value: text.setText("" if value is None else str(value)), text.editingFinished


def _choice_editor(
    kind: Any, choices: list[str] | None
) -> tuple[QWidget, Callable[[], Any], Callable[[Any], None], Any]:
    box = field(QComboBox())
    options = choices or (list(get_args(kind)) if get_origin(kind) is Literal else [item.value for item in kind])
    for option in options:
        box.addItem(str(option), option)

    def write(value: Any) -> None:
        value = value.value if isinstance(value, Enum) else value
        if box.findData(value) < 0:
            box.addItem(str(value), value)
        box.setCurrentIndex(box.findData(value))

    return box, box.currentData, write, box.currentIndexChanged


def _integer_editor(info: FieldInfo) -> tuple[QWidget, Callable[[], Any], Callable[[Any], None], Any]:
    box = field(QSpinBox())
    low, high = limits(info)
    box.setRange(int(low if low is not None else -(2**31)), int(high if high is not None else 2**31 - 1))
    box.setGroupSeparatorShown(False)
    _set_unit(box, info)
    return box, box.value, lambda value: box.setValue(int(value)), box.valueChanged


def _number_editor(info: FieldInfo) -> tuple[QWidget, Callable[[], Any], Callable[[Any], None], Any]:
    low, high = limits(info)
    default = info.default if isinstance(info.default, int | float) else 1.0
    tiny = 0 < abs(default) < 0.01 or (low is not None and high is not None and low > 0 and high / low >= _LOG_DECADES)
    box: QDoubleSpinBox
    if tiny:
        box = LogSpinBox(low if low is not None else -1e12, high if high is not None else 1e12)
    else:
        span = (high - low) if low is not None and high is not None else 100.0
        box = QDoubleSpinBox()
        box.setDecimals(3 if span <= 10 else 2)
        box.setRange(low if low is not None else -1e9, high if high is not None else 1e9)
        box.setSingleStep(0.05 if span <= 1 else 0.1 if span <= 10 else 1.0)
    field(box)
    _set_unit(box, info)

    def write(value: float) -> None:
        box.setDecimals(max(box.decimals(), _decimals(value)))  # a file's 0.9995 must not become 1
        box.setValue(float(value))

    return box, lambda: float(f"{box.value():.12g}"), write, box.valueChanged


def _decimals(value: float) -> int:
    """Digits after the point that it takes to write a value; no more than a spin box has."""
    exponent = Decimal(repr(float(value))).normalize().as_tuple().exponent
    return min(12, max(0, -exponent)) if isinstance(exponent, int) else 0


def _set_unit(box: QSpinBox | QDoubleSpinBox, info: FieldInfo) -> None:
    unit = _extra(info).get("unit", "")
    if unit and len(str(unit)) <= 3:
        box.setSuffix(f" {unit}")
