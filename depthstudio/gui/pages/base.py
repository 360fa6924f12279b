"""Page: what every page of the window is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from depthstudio.frames import StereoFrame
from depthstudio.gui.studio import Studio
from depthstudio.gui.theme import GRID_PX, mark
from depthstudio.gui.widgets.panel import Panel


class Page(QWidget):
    """A stage that takes all the space and a panel of 320 px at its right.

    Subclasses set name, title and icon, fill `stage` (a vertical layout) and `panel` in __init__, and may override
    `on_frame`, `on_shown` and `on_hidden`. `show_empty(widget)` replaces stage and panel while something is missing.
    Frames arrive only while the page is visible. A page is made when it is first needed: what happened before, it reads
    from the studio. `answers` names the studio's signals that make the page when it is not there yet, each with the
    method to call; the window connects them.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    icon: ClassVar[str]
    answers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.studio = studio
        self._subscribed = False
        mark(self, surface="window")
        work = QWidget()
        layout = QHBoxLayout(work)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        stage = QWidget()
        mark(stage, surface="stage")
        self.stage = QVBoxLayout(stage)
        self.stage.setContentsMargins(2 * GRID_PX, 2 * GRID_PX, 2 * GRID_PX, 2 * GRID_PX)
        self.stage.setSpacing(GRID_PX)
        self.panel = Panel()
        layout.addWidget(stage, 1)
        layout.addWidget(self.panel)
        self._views = QStackedWidget()
        self._views.addWidget(work)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._views)

    def show_empty(self, empty: QWidget | None) -> None:
        """Show an EmptyState instead of stage and panel; None brings them back."""
        if empty is None:
            self._views.setCurrentIndex(0)
            return
        if self._views.indexOf(empty) < 0:
            self._views.addWidget(empty)
        self._views.setCurrentWidget(empty)

    @property
    def is_empty(self) -> bool:
        """True while an EmptyState is shown."""
        return self._views.currentIndex() != 0

    def shortcut(self, keys: str, action: Callable[[], object]) -> QShortcut:
        """A key that works while this page is visible. A letter typed into a text field stays a letter.

        Space presses the button or box that was reached by Tab: whoever moves by keyboard means that.
        """
        made = QShortcut(QKeySequence(keys), self)

        def act() -> None:
            focused = QApplication.focusWidget()
            if keys == "Space" and isinstance(focused, QPushButton | QCheckBox) and _is_tabbed(focused):
                focused.click()
            else:
                action()

        made.activated.connect(act)
        return made

    def on_frame(self, frame: StereoFrame) -> None:
        """The newest frame of the open source, at most 30 times a second."""

    def on_shown(self) -> None:
        """The page came into view."""

    def on_hidden(self) -> None:
        """Another page took its place."""

    def on_escape(self) -> None:
        """Esc was pressed and nothing else took it: leave an enlarged view, close an editor."""

    def shut_down(self) -> None:
        """The window closes: stop what this page started and wait for it."""

    def showEvent(self, event: QShowEvent) -> None:
        """Subscribe to frames; the last one fills the page at once."""
        super().showEvent(event)
        if not self._subscribed:
            self._subscribed = True
            self.studio.sources.frame_ready.connect(self.on_frame)
        self.on_shown()
        if self.studio.sources.last_frame is not None:
            self.on_frame(self.studio.sources.last_frame)

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop paying for frames that nobody sees."""
        super().hideEvent(event)
        if self._subscribed:
            self._subscribed = False
            self.studio.sources.frame_ready.disconnect(self.on_frame)
            self.on_hidden()


def _is_tabbed(button: QAbstractButton) -> bool:
    """It takes the focus by Tab only: a click leaves the keys of the page alone."""
    return button.focusPolicy() is Qt.FocusPolicy.TabFocus
