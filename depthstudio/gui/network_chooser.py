"""The networks there are to choose from: runs of the workspace, those shipped, imported files."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPaintEvent, QStandardItem
from PySide6.QtWidgets import QComboBox, QFileDialog, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

from depthstudio.gui.settings import WindowSettings
from depthstudio.gui.widgets.basics import column, field
from depthstudio.resources import shipped_networks
from depthstudio.workspace import Workspace

_GROUPS = {"run": "Runs, newest first", "shipped": "Shipped with DepthStudio", "file": "Files"}
_OPEN_FILE = "open file"
_ARROW_AND_MARGINS_PX = 40
_FILTER = "Networks (*.safetensors *.pth *.pt);;All files (*)"


@dataclass(frozen=True)
class NetworkItem:
    """One network. kind: run, shipped or file. detail: of a run its best error and its date, else what it is for."""

    kind: str
    title: str
    path: Path
    detail: str = ""


def list_networks(workspace: Workspace) -> list[NetworkItem]:
    """Runs with a result, newest first, then shipped networks, then files in the workspace. Reads histories only."""
    from depthstudio.models import bundled_networks  # imports torch, which a window without networks need not wait for
    from depthstudio.training.run import list_runs

    items = []
    for run in list_runs(workspace.runs):
        if run.best_path.is_file():
            epe_px = run.summary().best_validation_epe_px
            error = f"EPE {epe_px:.2f} px, " if isfinite(epe_px) else ""
            detail = error + run.about.created[5:16].replace("T", " ")
            items.append(NetworkItem("run", run.name, run.best_path, detail))
    purposes = shipped_networks()
    items += [NetworkItem("shipped", path.stem, path, purposes[path.stem]) for path in bundled_networks()]
    if workspace.networks.is_dir():
        found = sorted(p for p in workspace.networks.iterdir() if p.suffix in (".safetensors", ".pth", ".pt"))
        items += [NetworkItem("file", path.name, path) for path in found]
    return items


def network_used_last(settings: WindowSettings, items: list[NetworkItem]) -> Path | None:
    """The network of the last visit while its file is there, else the first of the list."""
    last = Path(settings.live_network) if settings.live_network else None
    if last is not None and last.is_file():
        return last
    return items[0].path if items else None


class _ElidedCombo(QComboBox):
    """A list whose shown choice ends in an ellipsis instead of being cut; Qt elides in the opened list only."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """As Qt does it, with the text shortened."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        words = option.currentText or self.placeholderText()
        width = self.width() - _ARROW_AND_MARGINS_PX
        option.currentText = option.fontMetrics.elidedText(words, Qt.TextElideMode.ElideRight, width)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


class NetworkChooser(QWidget):
    """A list in groups, with "Open a file" at its end. chosen(Path) when the user picks one.

    none: the words for choosing no network, chosen(None); empty when there has to be one.
    """

    chosen = Signal(object)

    def __init__(self, name: str, tip: str, none: str = "") -> None:
        super().__init__()
        self._none = none
        self.combo = field(_ElidedCombo(), name, tip)
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.combo.setMinimumContentsLength(12)
        self.combo.setPlaceholderText(none or "Choose a network")
        self.combo.activated.connect(self._on_activated)
        self.setLayout(column(self.combo))
        self._items: list[NetworkItem] = []
        self._current: Path | None = None

    @property
    def items(self) -> list[NetworkItem]:
        """Those listed."""
        return list(self._items)

    @property
    def current(self) -> Path | None:
        """The file of the network chosen."""
        return self._current

    def set_items(self, items: list[NetworkItem]) -> None:
        """Replace the list; the choice stays, listed as a file when it is none of these."""
        self._items = list(items)
        self.set_current(self._current)

    def set_current(self, path: Path | None) -> None:
        """Choose without emitting `chosen`; a file from elsewhere joins the list."""
        self._current = path
        if path is not None and path not in (item.path for item in self._items):
            self._items.append(NetworkItem("file", path.name, path))
        self._fill()

    def ask_file(self) -> None:
        """Let the user pick a file."""
        dialog = QFileDialog(self.window(), "Open a network", "", _FILTER)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self._choose(Path(name)))
        dialog.open()

    def _fill(self) -> None:
        with QSignalBlocker(self.combo):
            self.combo.clear()
            if self._none:
                self.combo.addItem(self._none, None)
            for kind, heading in _GROUPS.items():
                members = [item for item in self._items if item.kind == kind]
                if members:
                    self._add_heading(heading)
                for item in members:
                    words = f"{item.title} · {item.detail}" if item.detail else item.title
                    self.combo.addItem(words, item.path)
                    self.combo.setItemData(self.combo.count() - 1, f"{words}\n{item.path}", Qt.ItemDataRole.ToolTipRole)
            if self._items:
                self.combo.insertSeparator(self.combo.count())
            self.combo.addItem("Open a file…", _OPEN_FILE)
            paths = [self.combo.itemData(i) for i in range(self.combo.count())]
            chosen = paths.index(self._current) if self._current is not None and self._current in paths else -1
            self.combo.setCurrentIndex(0 if self._none and self._current is None else chosen)

    def _add_heading(self, text: str) -> None:
        heading = QStandardItem(text)
        heading.setFlags(Qt.ItemFlag.NoItemFlags)
        self.combo.model().appendRow(heading)  # type: ignore[attr-defined]  # a combo box makes a QStandardItemModel

    def _on_activated(self, index: int) -> None:
        data = self.combo.itemData(index)
        if data == _OPEN_FILE:
            self._fill()  # until a file was picked, the old choice stays shown
            self.ask_file()
        elif isinstance(data, Path) or (index == 0 and self._none):
            self._choose(data)

    def _choose(self, path: Path | None) -> None:
        self.set_current(path)
        self.chosen.emit(path)
