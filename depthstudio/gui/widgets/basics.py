"""Small building blocks in the window's look: labels, buttons, rules, sections, segments, fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from depthstudio.gui.theme import GRID_PX, mark, tabular, theme


def label(text: str = "", role: str = "", wrap: bool = False, tone: str = "") -> QLabel:
    """A label. role: title, section, muted, faint, small, number, instruction, verdict or empty for body."""
    widget = QLabel(text)
    widget.setTextFormat(Qt.TextFormat.PlainText)
    widget.setWordWrap(wrap)
    mark(widget, role=role, tone=tone)
    return widget


def number_label(text: str = "", role: str = "") -> QLabel:
    """A label for changing numbers: digits of equal width."""
    widget = label(text, role)
    widget.setFont(tabular(widget.font()))
    return widget


def button(
    text: str, on_click: Callable[[], object] | None = None, icon: str = "", kind: str = "", tip: str = ""
) -> QPushButton:
    """A push button. kind: primary, danger, quiet, link or empty for the plain one."""
    widget = QPushButton(text)
    mark(widget, kind=kind)
    widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    widget.setCursor(Qt.CursorShape.PointingHandCursor if kind == "link" else Qt.CursorShape.ArrowCursor)
    if icon:
        token = {"primary": "on_accent", "danger": "bad", "link": "accent"}.get(kind, "text_muted")
        theme().set_icon(widget, icon, token, 16)
    if tip:
        widget.setToolTip(tip)
    if on_click is not None:
        widget.clicked.connect(lambda _checked=False: on_click())
    return widget


def icon_button(
    icon: str, name: str, on_click: Callable[[], object] | None = None, checkable: bool = False, size_px: int = 16
) -> QToolButton:
    """A square button with an icon only; `name` is its tooltip and its name for screen readers."""
    widget = QToolButton()
    theme().set_icon(widget, icon, "text_muted", size_px)
    widget.setToolTip(name)
    widget.setAccessibleName(name)
    widget.setCheckable(checkable)
    widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if on_click is not None:
        widget.clicked.connect(lambda _checked=False: on_click())
    return widget


def rule() -> QFrame:
    """A thin horizontal line."""
    line = QFrame()
    mark(line, surface="rule")
    line.setFixedHeight(1)
    return line


def row(*items: QWidget | QLayout | int, spacing: int = GRID_PX) -> QHBoxLayout:
    """A horizontal layout without margins; an int is a stretch."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    _fill(layout, items)
    return layout


def column(*items: QWidget | QLayout | int, spacing: int = GRID_PX) -> QVBoxLayout:
    """A vertical layout without margins; an int is a stretch."""
    layout = QVBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    _fill(layout, items)
    return layout


def _fill(layout: QHBoxLayout | QVBoxLayout, items: tuple[QWidget | QLayout | int, ...]) -> None:
    for item in items:
        if isinstance(item, int):
            layout.addStretch(item)
        elif isinstance(item, QLayout):
            layout.addLayout(item)
        else:
            layout.addWidget(item)


def clear_layout(layout: QLayout) -> None:
    """Remove and delete every widget of a layout."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()


class ElidedLabel(QLabel):
    """One line that ends in an ellipsis instead of being cut; the tooltip shows it in full."""

    def __init__(self, text: str = "", role: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight) -> None:
        super().__init__()
        self._mode = mode
        self._full = ""
        self._tip = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        mark(self, role=role)
        self.set_full_text(text)

    def set_full_text(self, text: str) -> None:
        """Show a text, elided to the width there is."""
        self._full = text
        self.setAccessibleName(text)
        self._elide()

    def full_text(self) -> str:
        """The text before eliding."""
        return self._full

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Elide again."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        shown = self.fontMetrics().elidedText(self._full, self._mode, max(0, self.width()))
        super().setText(shown)
        if not self.toolTip() or self.toolTip() == self._tip:
            self._tip = self._full if shown != self._full else ""
            self.setToolTip(self._tip)


class Section(QWidget):
    """A bold heading with content under it; a foldable one opens and closes by a click on the heading."""

    folded_changed = Signal(bool)

    def __init__(self, title: str, foldable: bool = False, folded: bool = False) -> None:
        super().__init__()
        self.title = title
        self.body = QWidget()
        self.content = QVBoxLayout(self.body)
        self.content.setContentsMargins(0, 0, 0, 0)
        self.content.setSpacing(GRID_PX)
        self._heading: QLabel | QToolButton = self._fold_button(title) if foldable else label(title, "section")
        self.heading_row = row(self._heading, 1)
        layout = column(self.heading_row, self.body)
        self.setLayout(layout)
        if foldable:
            self.set_folded(folded)

    def add(self, item: QWidget | QLayout) -> None:
        """Append to the content."""
        if isinstance(item, QLayout):
            self.content.addLayout(item)
        else:
            self.content.addWidget(item)

    @property
    def is_folded(self) -> bool:
        """True while the content is hidden."""
        return self.body.isHidden()

    def set_folded(self, folded: bool) -> None:
        """Hide or show the content."""
        self.body.setVisible(not folded)
        if isinstance(self._heading, QToolButton):
            theme().set_icon(self._heading, "chevron-right" if folded else "chevron-down", "text_muted", 14)
            self._heading.setChecked(not folded)
        self.folded_changed.emit(folded)

    def _fold_button(self, title: str) -> QToolButton:
        heading = QToolButton()
        heading.setText(title)
        heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        heading.setCheckable(True)
        heading.setAccessibleName(title)
        mark(heading, kind="section")
        heading.clicked.connect(lambda: self.set_folded(not self.is_folded))
        return heading


class Segments(QWidget):
    """A row of buttons of which one is chosen."""

    chosen = Signal(str)

    def __init__(self, choices: dict[str, str], current: str = "") -> None:
        super().__init__()
        self._buttons: dict[str, QToolButton] = {}
        layout = row(spacing=0)
        for key, text in choices.items():
            item = QToolButton()
            item.setText(text)
            item.setCheckable(True)
            item.setAutoExclusive(True)
            item.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            item.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            mark(item, kind="segment")
            item.clicked.connect(lambda _checked=False, key=key: self.chosen.emit(key))
            self._buttons[key] = item
            layout.addWidget(item)
        self.setLayout(layout)
        self.set_current(current or next(iter(choices)))

    @property
    def current(self) -> str:
        """The key of the chosen button."""
        return next(key for key, item in self._buttons.items() if item.isChecked())

    def set_current(self, key: str) -> None:
        """Choose without emitting `chosen`."""
        self._buttons[key].setChecked(True)

    def set_choice_enabled(self, key: str, enabled: bool) -> None:
        """Whether this one can be chosen."""
        self._buttons[key].setEnabled(enabled)


class _WheelGuard(QObject):
    """Keeps the mouse wheel from changing a field that is merely scrolled past."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Send the wheel on to the scroll area unless the field has the focus."""
        if event.type() != QEvent.Type.Wheel or not isinstance(watched, QWidget) or watched.hasFocus():
            return False
        parent = watched.parentWidget()
        while parent is not None and not isinstance(parent, QScrollArea):
            parent = parent.parentWidget()
        if parent is not None:
            QApplication.sendEvent(parent.viewport(), event)
        return True


Field = TypeVar("Field", QSpinBox, QDoubleSpinBox, QComboBox, QSlider)


def field(widget: Field, name: str = "", tip: str = "") -> Field:
    """A spin box, list or slider with the window's habits: the wheel scrolls the panel until the field is clicked."""
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(_WheelGuard(widget))
    if isinstance(widget, QAbstractSpinBox):
        widget.lineEdit().setTextMargins(6, 0, 0, 0)
    if name:
        widget.setAccessibleName(name)
    if tip:
        widget.setToolTip(tip)
    return widget
