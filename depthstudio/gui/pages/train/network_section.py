"""Which network a run starts from."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog

from depthstudio.gui.pages.train.library import RunEntry
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.gui.theme import mark
from depthstudio.gui.training_worker import loaded_lines
from depthstudio.gui.widgets.basics import Section, field, label
from depthstudio.resources import shipped_networks

_CHECKPOINT = "checkpoint…"
_OWN = "depthstudio-s"
_FILES = "Networks (*.safetensors *.pth *.pt);;All files (*)"
_ABOUT = {
    "shipped": "Shipped with DepthStudio, trained on synthetic scenes; {}.",
    "untrained": "Random weights: without pretraining it needs far more frames and epochs.",
    "siamese": "The classic encoder-decoder with random weights: to compare with, or to train from nothing.",
}


class NetworkSection(Section):
    """The chooser with what is known of the choice under it. changed(spec): another network."""

    changed = Signal(str)

    def __init__(self, studio: Studio) -> None:
        super().__init__("Network")
        self._studio = studio
        self._about: dict[str, str] = {}
        self._files: list[Path] = []
        self._last = ""
        self.box = field(QComboBox(), "Network to start from", "The network to start from")
        self.box.setMinimumContentsLength(8)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.report = label("", "small", wrap=True)
        self.add(self.box)
        self.add(self.report)
        self.offer([])
        self.box.activated.connect(self._on_activated)

    @property
    def spec(self) -> str:
        """What TrainingSettings.network takes."""
        return str(self.box.currentData())

    def offer(self, runs: Sequence[RunEntry]) -> None:
        """Fill the list: shipped networks, own runs, files; the choice stays."""
        chosen = self._last or _OWN
        self._about.clear()
        with QSignalBlocker(self.box):
            self.box.clear()
            shipped = shipped_networks()
            for name, purpose in shipped.items():
                self._add(name, name, _ABOUT["shipped"].format(purpose))
            if _OWN not in shipped:
                self._add(f"{_OWN}, untrained", _OWN, _ABOUT["untrained"])
            for entry in runs:
                if entry.run.best_path.exists():
                    self._add(entry.run.name, str(entry.folder), _about_run(entry))
            for path in [*self._own_files(), *self._files]:
                self._add(path.name, str(path), "")
            self._add("siamese, untrained", "siamese", _ABOUT["siamese"])
            self.box.addItem("Checkpoint…", _CHECKPOINT)
        self.choose(chosen if self.box.findData(chosen) >= 0 else _OWN)

    def choose(self, spec: str) -> None:
        """Select a network of the list, or a file or run folder that is not in it yet."""
        if self.box.findData(spec) < 0:
            self._files.append(Path(spec))
            with QSignalBlocker(self.box):
                self.box.insertItem(self.box.count() - 1, Path(spec).name, spec)
        self.box.setCurrentIndex(self.box.findData(spec))
        self.box.setToolTip(spec)
        if spec == self._last:
            return
        self._last = spec
        mark(self.report, tone="")
        self.report.setText(self._about.get(spec, ""))
        if not self._about.get(spec):
            self._check(spec)
        self.changed.emit(spec)

    def ask_checkpoint(self) -> None:
        """Let the user choose a file."""
        dialog = QFileDialog(self.window(), "Checkpoint to start from", "", _FILES)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.choose)
        dialog.open()

    def _add(self, title: str, spec: str, about: str) -> None:
        self.box.addItem(title, spec)
        self._about[spec] = about

    def _own_files(self) -> list[Path]:
        folder = self._studio.workspace.networks
        kinds = (".safetensors", ".pth", ".pt")
        return sorted(path for path in folder.iterdir() if path.suffix in kinds) if folder.is_dir() else []

    def _on_activated(self) -> None:
        if self.spec != _CHECKPOINT:
            self.choose(self.spec)
            return
        self.box.setCurrentIndex(self.box.findData(self._last))
        self.ask_checkpoint()

    def _check(self, spec: str) -> None:
        """Load it once, to show what is inside or why it cannot be used."""
        self.report.setText("Reading the file…")
        workspace = self._studio.workspace

        def work(_: TaskContext) -> list[str]:
            return loaded_lines(spec, workspace)

        def loaded(lines: list[str]) -> None:
            if spec == self._last:
                self.report.setText("\n".join(lines))

        def failed(error: BaseException) -> None:
            self._studio.report(error)
            if spec == self._last:
                mark(self.report, tone="bad")
                self.report.setText("This file cannot be used; the message above says why.")

        self._studio.tasks.run(work, "Read a checkpoint", loaded, failed)


def _about_run(entry: RunEntry) -> str:
    summary = entry.summary
    if not isfinite(summary.best_validation_epe_px):
        return f"Run of {entry.run.about.created[:10]}."
    return (
        f"Run of {entry.run.about.created[:10]}: validation EPE {summary.best_validation_epe_px:.3g} px "
        f"at epoch {summary.best_epoch}."
    )
