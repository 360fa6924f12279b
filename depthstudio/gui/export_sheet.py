"""The export sheet: a network as ONNX, OpenVINO IR or TorchScript, or as a folder that runs without DepthStudio."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from depthstudio.errors import UserError
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.gui.errors import Notice
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import Task, TaskContext
from depthstudio.gui.theme import GRID_PX, mark
from depthstudio.gui.widgets.basics import ElidedLabel, Segments, button, field, icon_button, label, row
from depthstudio.gui.widgets.status import VerdictLabel

_FOLDER = "folder"
_SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "torchscript": ".pt"}
_WORDS = {
    "onnx": "One file for ONNX Runtime, TensorRT, OpenVINO and most other runtimes.",
    "openvino": "Two files (.xml and .bin) for OpenVINO on Intel processors and graphics.",
    "torchscript": "One file for LibTorch and PyTorch without this program's code.",
    _FOLDER: "The network as ONNX, the rectification maps, a short Python script that needs only numpy, OpenCV and "
    "ONNX Runtime, and a note for ROS 2.",
}
_ANY_SIZE = "any size"
_SIZES = ("640x480", "848x480", "1280x720", _ANY_SIZE)
_CARD_WIDTH_PX = 560


@dataclass(frozen=True)
class ExportWish:
    """What the sheet asks for. size: (width, height), None for any. target: a file, or the folder."""

    network: Path
    kind: str
    target: Path
    size: tuple[int, int] | None
    half_resolution: bool
    calibration: StereoCalibration | Path | None


def open_export(studio: Studio, network_path: Path) -> ExportSheet:
    """Ask how to export a network (a file, or a run's folder), over the studio's window."""
    path = Path(network_path)
    windows = [w for w in QApplication.topLevelWidgets() if getattr(w, "studio", None) is studio]
    return ExportSheet(windows[0], studio, path / "best.safetensors" if path.is_dir() else path)


class ExportSheet(QWidget):
    """Covers the window with a dimmed layer: a form, then how it went. Esc closes it; a running export goes on."""

    def __init__(self, parent: QWidget, studio: Studio, network: Path) -> None:
        super().__init__(parent)
        self._studio = studio
        self._network = network
        self._name = network.parent.name if network.stem == "best" else network.stem
        self._target: Path | None = None
        self.task: Task | None = None
        mark(self, surface="scrim")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(f"Export {self._name}")
        card = QFrame()
        mark(card, surface="sheet")
        card.setFixedWidth(_CARD_WIDTH_PX)
        self._layout = QVBoxLayout(card)
        self._layout.setContentsMargins(3 * GRID_PX, 3 * GRID_PX, 3 * GRID_PX, 2 * GRID_PX)
        self._layout.setSpacing(GRID_PX)
        self._layout.addWidget(label(f"Export {self._name}", "title", wrap=True))
        self._layout.addWidget(self._build_form())
        self._layout.addWidget(self._build_outcome())
        self._layout.addSpacing(GRID_PX)
        self._layout.addLayout(self._build_buttons())
        outer = QVBoxLayout(self)
        outer.addWidget(card, 0, Qt.AlignmentFlag.AlignCenter)
        parent.installEventFilter(self)
        self.setGeometry(parent.rect())
        self._on_kind(self.kind.current)
        self.show()
        self.raise_()
        self.export.setFocus()

    # ---- building

    def _build_form(self) -> QWidget:
        self.kind = Segments(
            {_FOLDER: "Use it elsewhere", "onnx": "ONNX", "openvino": "OpenVINO", "torchscript": "TorchScript"}
        )
        self.kind.chosen.connect(self._on_kind)
        self._about = label("", "muted", wrap=True)
        self._about.setMinimumHeight(2 * self._about.fontMetrics().lineSpacing() + 4)
        self._about.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.calibration = field(QComboBox(), "Calibration", "Whose rectification maps go into the folder.")
        self._fill_calibrations()
        self.image_size = field(QComboBox(), "Image size", "Fixed sizes are fastest; a calibration fixes the size.")
        self.image_size.addItems(_SIZES)
        self.half = QCheckBox("Compute at half resolution")
        self.half.setToolTip("About four times as fast and twice the largest disparity, with less detail.")
        self._target_words = ElidedLabel("", mode=Qt.TextElideMode.ElideMiddle)
        change = icon_button("folder-open", "Choose where to write it", self.choose_target)
        self.form = QWidget()
        lines = QFormLayout(self.form)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(GRID_PX)
        lines.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        lines.addRow(self.kind)
        lines.addRow(self._about)
        lines.addRow("Calibration", self.calibration)
        lines.addRow("Image size", self.image_size)
        lines.addRow("", self.half)
        target = row(self._target_words, change)
        target.setStretch(0, 1)
        lines.addRow("Write to", target)
        self._lines = lines
        self.calibration.currentIndexChanged.connect(lambda _: self._show_size())
        return self.form

    def _build_outcome(self) -> QWidget:
        self.outcome = QWidget()
        self.verdict = VerdictLabel()
        self.details = label("", "small", wrap=True)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        lines = QVBoxLayout(self.outcome)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(GRID_PX)
        for part in (self.verdict, self.progress, self.details):
            lines.addWidget(part)
        self.outcome.hide()
        return self.outcome

    def _build_buttons(self) -> QVBoxLayout:
        self.close_button = button("Cancel", self.leave)
        self.open_button = button("Open folder", self._open_folder, "folder-open")
        self.open_button.hide()
        self.export = button("Export", self.start, "share-2", "primary")
        holder = QVBoxLayout()
        holder.addLayout(row(1, self.open_button, self.close_button, self.export))
        return holder

    def _fill_calibrations(self) -> None:
        active = self._studio.calibration
        if active is not None:
            self.calibration.addItem(f"In force: {active.name}", active.calibration)
        for path in self._studio.calibration_files():
            if active is None or active.path != path:
                self.calibration.addItem(path.stem, path)
        self.calibration.addItem("None: pairs come rectified", None)

    # ---- the form

    @property
    def wish(self) -> ExportWish:
        """What the form says now."""
        text = self.image_size.currentText()
        width, _, height = text.partition("x")
        size = None if text == _ANY_SIZE else (int(width), int(height))
        kind = self.kind.current
        calibration = self.calibration.currentData() if kind == _FOLDER else None
        return ExportWish(self._network, kind, self.target, size, self.half.isChecked(), calibration)

    @property
    def target(self) -> Path:
        """The file or folder to write."""
        if self._target is not None:
            return self._target
        parent = self._studio.workspace.root / "exports"
        return parent / (self._name + _SUFFIXES.get(self.kind.current, ""))

    def choose_target(self) -> None:
        """Let the user pick another place."""
        folder = self.kind.current == _FOLDER
        dialog = QFileDialog(self.window(), "Write to", str(self.target))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory if folder else QFileDialog.FileMode.AnyFile)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave if not folder else QFileDialog.AcceptMode.AcceptOpen)
        dialog.setDefaultSuffix(_SUFFIXES.get(self.kind.current, ""))
        dialog.fileSelected.connect(self._on_target)
        dialog.open()

    def _on_target(self, name: str) -> None:
        self._target = Path(name)
        self._show_target()

    def _on_kind(self, kind: str) -> None:
        self._target = None
        self._about.setText(_WORDS[kind])
        self._lines.setRowVisible(self.calibration, kind == _FOLDER)
        self._show_size()
        self._show_target()

    def _show_size(self) -> None:
        """A calibration's maps are for one size."""
        calibration = self.calibration.currentData() if self.kind.current == _FOLDER else None
        known = calibration.image_size if isinstance(calibration, StereoCalibration) else None
        if known is not None:
            text = f"{known[0]}x{known[1]}"
            if self.image_size.findText(text) < 0:
                self.image_size.insertItem(0, text)
            self.image_size.setCurrentText(text)
        self.image_size.setEnabled(calibration is None)
        self.image_size.setToolTip("The calibration fixes the size." if calibration is not None else "")

    def _show_target(self) -> None:
        self._target_words.set_full_text(str(self.target))

    # ---- the work

    def start(self) -> None:
        """Export in the background."""
        wish = self.wish
        self.form.setEnabled(False)
        self.export.setEnabled(False)
        self.close_button.setText("Close")
        self.outcome.show()
        self.progress.show()
        self.verdict.set_verdict("Exporting and checking…", "Takes some seconds.")
        title = f"Export {self._name}"
        self.task = self._studio.tasks.run(
            lambda context: run_export(wish, context), title, self._done, self._failed, shown=True
        )

    def leave(self) -> None:
        """Close; a running export goes on and says how it went as a notice."""
        self.hide()
        if self.task is None or not self.task.is_running:
            self.deleteLater()

    def _done(self, lines: list[str]) -> None:
        if self.isHidden():
            self._studio.notify(Notice(f"{self._name} was exported.", lines[0], tone="good"))
            self.deleteLater()
            return
        self.form.hide()
        self.progress.hide()
        self.export.hide()
        self.open_button.show()
        self.close_button.setText("Close")
        self.verdict.set_verdict("Written and checked", lines[0], "good")
        self.details.setText("\n".join(lines[1:]))

    def _failed(self, error: BaseException) -> None:
        if self.isHidden():
            self._studio.report(error)
            self.deleteLater()
            return
        self.form.setEnabled(True)
        self.export.setEnabled(True)
        self.progress.hide()
        if isinstance(error, UserError):
            self.verdict.set_verdict(error.what, f"{error.why} {error.next_step}".strip(), "bad")
        else:
            self.verdict.set_verdict("The export failed", f"{type(error).__name__}: {error}", "bad")

    def _open_folder(self) -> None:
        target = self.target
        folder = target if self.kind.current == _FOLDER else target.parent
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

    # ---- Qt

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.leave()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay as large as the parent."""
        parent = self.parentWidget()
        if parent is not None and watched is parent and event.type() == QEvent.Type.Resize:
            self.setGeometry(parent.rect())
        return False


def run_export(wish: ExportWish, context: TaskContext) -> list[str]:
    """Do what the sheet asks for, on a worker's thread; returns sentences about what was written."""
    from depthstudio.evaluation.benchmark_pairs import check_pairs
    from depthstudio.inference.elsewhere import write_elsewhere
    from depthstudio.inference.export import export_network
    from depthstudio.models import load_network

    context.progress(-1.0, "exporting")
    loaded = load_network(wish.network)
    facts = {name: str(value) for name, value in loaded.metadata.items() if isinstance(value, str | int | float)}
    if wish.kind != _FOLDER:
        half = wish.half_resolution
        report = export_network(loaded.network, wish.target, wish.size, check_pairs(), facts, half_resolution=half)
        return report.lines()
    calibration = wish.calibration
    if isinstance(calibration, Path):
        calibration = StereoCalibration.load(calibration)
    rectifier = None
    if calibration is not None:
        facts["calibration_id"] = calibration.id
        rectifier = Rectifier(calibration, calibration.image_size or wish.size)
    size = None if rectifier is not None else wish.size
    half = wish.half_resolution
    folder = write_elsewhere(
        wish.target, loaded.network, rectifier, size, check_pairs(), metadata=facts, half_resolution=half
    )
    return folder.lines()
