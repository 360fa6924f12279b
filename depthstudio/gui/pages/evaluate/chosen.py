"""A short list of what was chosen, each with a button to drop it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from depthstudio.gui.theme import mark
from depthstudio.gui.widgets.basics import ElidedLabel, clear_layout, column, icon_button, label, row


class ChosenList(QWidget):
    """Files or folders under each other. changed() when the user drops one."""

    changed = Signal()

    def __init__(self, empty: str) -> None:
        super().__init__()
        self._items: dict[Path, str] = {}
        self._empty = empty
        self._layout = column(spacing=4)
        self.setLayout(self._layout)
        self._show()

    @property
    def paths(self) -> list[Path]:
        """Those chosen, in order."""
        return list(self._items)

    def add(self, path: Path, title: str) -> None:
        """Append; one that is there already stays where it is."""
        self._items.setdefault(path, title)
        self._show()

    def set_items(self, items: Sequence[tuple[Path, str]]) -> None:
        """Replace all."""
        self._items = dict(items)
        self._show()

    def remove(self, path: Path) -> None:
        """Drop one."""
        self._items.pop(path, None)
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        clear_layout(self._layout)
        if not self._items:
            self._layout.addWidget(label(self._empty, "muted", wrap=True))
        for path, title in self._items.items():
            holder = QFrame()
            mark(holder, surface="card")
            words = ElidedLabel(title)
            words.setToolTip(str(path))
            line = row(words, icon_button("x", f"Remove {title}", partial(self.remove, path), size_px=14), spacing=4)
            line.setContentsMargins(8, 2, 2, 2)
            line.setStretch(0, 1)
            holder.setLayout(line)
            self._layout.addWidget(holder)
