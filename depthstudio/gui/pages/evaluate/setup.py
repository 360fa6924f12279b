"""What to compare, on what, and how errors are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QSpinBox, QWidget

from depthstudio.datasets.session import Session
from depthstudio.gui.network_chooser import NetworkChooser, NetworkItem
from depthstudio.gui.pages.evaluate.chosen import ChosenList
from depthstudio.gui.widgets.basics import Section, button, column, field, label, row
from depthstudio.workspace import label_of_folder

if TYPE_CHECKING:
    from depthstudio.evaluation.evaluate import Average, Measure
    from depthstudio.evaluation.truth import Mask, Truth

_NAME_WIDTH_PX = 64
_TRUTHS = {"auto": "Best that is known", "label": "Label", "exact": "Exact (simulations)"}
_MASKS = {"all": "All pixels", "nonoccluded": "Seen by both cameras", "occluded": "Occluded"}
_AVERAGES = {"per_image": "Every frame the same", "per_pixel": "Every pixel the same"}


@dataclass(frozen=True)
class EvaluationWish:
    """What the panel asks for. limit: at most so many frames, 0 for all."""

    networks: tuple[Path, ...]
    data: tuple[Path, ...]
    sgbm: bool
    camera: bool
    limit: int
    truth: str
    mask: str
    average: str
    holes_are_bad: bool

    @property
    def words(self) -> str:
        """How errors are counted, as the panel says it."""
        chosen = _TRUTHS[self.truth], _MASKS[self.mask], _AVERAGES[self.average]
        truth, mask, average = (text[0].lower() + text[1:] for text in chosen)
        holes = ", holes count as bad" if self.holes_are_bad else ""
        return f"truth: {truth}; {mask}, {average}{holes}"

    @property
    def measure(self) -> Measure:
        """For the evaluation."""
        from depthstudio.evaluation.evaluate import Measure

        truth, mask, average = cast("Truth", self.truth), cast("Mask", self.mask), cast("Average", self.average)
        return Measure(truth, mask, average, self.holes_are_bad)


class EvaluationSetup(QWidget):
    """changed() when anything does."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._offered: tuple[Path, ...] = ()
        self.setLayout(column(self._build_networks(), self._build_data(), self._build_measure(), spacing=16))

    def _build_networks(self) -> Section:
        self.networks = ChosenList("Choose one or more networks.")
        self.chooser = NetworkChooser("Add a network", "Networks to compare. Runs show their best validation error.")
        self.chooser.combo.setPlaceholderText("Add a network")
        self.chooser.chosen.connect(self.add_network)
        self.sgbm, self.camera = QCheckBox("SGBM"), QCheckBox("Camera's own depth")
        self.sgbm.setToolTip("OpenCV's matcher, with its holes left open and filled.")
        self.camera.setToolTip("Where something better is the truth: a simulation's exact disparity.")
        section = Section("Networks")
        for box in (self.sgbm, self.camera):
            box.setChecked(True)
            box.toggled.connect(lambda _: self.changed.emit())
        section.add(self.networks)
        section.add(self.chooser)
        section.add(row(self.sgbm, self.camera, 1, spacing=16))
        self.networks.changed.connect(self.changed)
        return section

    def _build_data(self) -> Section:
        self.data = ChosenList("Choose recordings, a data set or a benchmark folder.")
        self.sessions = field(QComboBox(), "Add a recording", "Recordings of this workspace.")
        self.sessions.setPlaceholderText("Add a recording")
        self.sessions.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.sessions.activated.connect(self._on_session)
        folder = button("Add a folder", self.ask_folder, "folder-open")
        folder.setToolTip("Data sets and benchmarks as downloaded: Middlebury, ETH3D, KITTI, SceneFlow")
        self.limit = field(QSpinBox(), "Frames at most", "Evenly spread over the data; 0 takes all.")
        self.limit.setRange(0, 100000)
        self.limit.setSpecialValueText("all")
        self.limit.valueChanged.connect(lambda _: self.changed.emit())
        section = Section("Data")
        section.add(self.data)
        section.add(self.sessions)
        section.add(folder)
        section.add(row(label("Frames at most"), 1, self.limit))
        self.data.changed.connect(self.changed)
        return section

    def _build_measure(self) -> Section:
        section = Section("How errors are counted")
        self.truth = self._choice(
            _TRUTHS,
            "Truth",
            "What the predictions are compared with; the best is the exact one of a simulation, else the label.",
        )
        self.which_mask = self._choice(_MASKS, "Mask", "Which pixels are looked at.")
        self.average = self._choice(_AVERAGES, "Average", "What weighs the same in the means.")
        for name, widget in (("Truth", self.truth), ("Mask", self.which_mask), ("Average", self.average)):
            words = label(name)
            words.setFixedWidth(_NAME_WIDTH_PX)
            line = row(words, widget)
            line.setStretch(1, 1)
            section.add(line)
        self.holes = QCheckBox("Holes count as bad")
        self.holes.setToolTip("A pixel without a prediction counts in bad-t and D1, instead of not at all.")
        self.holes.toggled.connect(lambda _: self.changed.emit())
        section.add(self.holes)
        return section

    def _choice(self, choices: dict[str, str], name: str, tip: str) -> QComboBox:
        box = field(QComboBox(), name, tip)
        for key, text in choices.items():
            box.addItem(text, key)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.currentIndexChanged.connect(lambda _: self.changed.emit())
        return box

    @property
    def wish(self) -> EvaluationWish:
        """What the panel says now."""
        return EvaluationWish(
            tuple(self.networks.paths),
            tuple(self.data.paths),
            self.sgbm.isChecked(),
            self.camera.isChecked(),
            self.limit.value(),
            self.truth.currentData(),
            self.which_mask.currentData(),
            self.average.currentData(),
            self.holes.isChecked(),
        )

    def set_networks_known(self, items: list[NetworkItem]) -> None:
        """Fill the list to choose from."""
        self.chooser.set_items(items)

    def set_sessions(self, sessions: list[Session]) -> None:
        """Fill the list of recordings."""
        self.sessions.clear()
        for session in sessions:
            self.sessions.addItem(
                f"{session.name or session.folder.name} · {session.frame_count} frames", session.folder
            )
        self.sessions.setCurrentIndex(-1)
        self.sessions.setEnabled(bool(sessions))

    def add_network(self, path: Path | None) -> None:
        """Compare this one too."""
        if path is not None:
            title = label_of_folder(path.parent.name) if path.stem == "best" else path.stem
            self.networks.add(path, title)
            self.chooser.set_current(None)
            self.changed.emit()

    def add_data(self, path: Path) -> None:
        """Measure on this too."""
        self.data.add(path, label_of_folder(path.name))
        self.changed.emit()

    def offer_data(self, folders: Sequence[Path]) -> None:
        """Measure on these, in place of those offered before; what the user has chosen stays as it is."""
        if set(self.data.paths) <= set(self._offered):
            self._offered = tuple(folders)
            self.data.set_items([(folder, label_of_folder(folder.name)) for folder in folders])
            self.changed.emit()

    def ask_folder(self) -> None:
        """Let the user pick a folder."""
        dialog = QFileDialog(self.window(), "Choose a data set or benchmark")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda name: self.add_data(Path(name)))
        dialog.open()

    def _on_session(self, index: int) -> None:
        folder = self.sessions.itemData(index)
        self.sessions.setCurrentIndex(-1)
        if isinstance(folder, Path):
            self.add_data(folder)
