"""The form of the export sheet: as what, for which pictures, and where to."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QFormLayout, QWidget

from depthstudio.geometry import StereoCalibration
from depthstudio.gui.export_job import FOLDER, ExportWish
from depthstudio.gui.studio import Studio
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import ElidedLabel, Segments, field, icon_button, label, row

_SUFFIXES = {"onnx": ".onnx", "openvino": ".xml", "torchscript": ".pt"}
_WORDS = {
    "onnx": "One file for ONNX Runtime, TensorRT, OpenVINO and most other runtimes.",
    "openvino": "Two files (.xml and .bin) for OpenVINO on Intel processors and graphics.",
    "torchscript": "One file for LibTorch and PyTorch without this program's code.",
    FOLDER: "The network as ONNX, the rectification maps, a short Python script that needs only numpy, OpenCV and "
    "ONNX Runtime, and a note for ROS 2.",
}
_ANY_SIZE = "any size"
_SIZES = ("640x480", "848x480", "1280x720", _ANY_SIZE)


class ExportForm(QWidget):
    """network: the file to export. name: what it is called in the names of the files written."""

    def __init__(self, studio: Studio, network: Path, name: str) -> None:
        super().__init__()
        self._studio = studio
        self._network = network
        self._name = name
        self._target = Path()
        self.kind = Segments(
            {FOLDER: "Use it elsewhere", "onnx": "ONNX", "openvino": "OpenVINO", "torchscript": "TorchScript"}
        )
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
        self._lay_out()
        self.kind.chosen.connect(self.show_kind)
        self.calibration.currentIndexChanged.connect(lambda _: self._show_size())
        self.show_kind(self.kind.current)

    @property
    def wish(self) -> ExportWish:
        """What the form says now."""
        text = self.image_size.currentText()
        width, _, height = text.partition("x")
        size = None if text == _ANY_SIZE else (int(width), int(height))
        kind = self.kind.current
        calibration = self.calibration.currentData() if kind == FOLDER else None
        return ExportWish(self._network, kind, self.target, size, self.half.isChecked(), calibration)

    @property
    def target(self) -> Path:
        """The file or folder to write."""
        return self._target

    @property
    def folder(self) -> Path:
        """Where the user finds what was written."""
        return self.target if self.kind.current == FOLDER else self.target.parent

    def choose_kind(self, kind: str) -> None:
        """Choose as the user would."""
        self.kind.set_current(kind)
        self.show_kind(kind)

    def choose_target(self) -> None:
        """Let the user pick another place."""
        folder = self.kind.current == FOLDER
        dialog = QFileDialog(self.window(), "Write to", str(self.target))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory if folder else QFileDialog.FileMode.AnyFile)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave if not folder else QFileDialog.AcceptMode.AcceptOpen)
        dialog.setDefaultSuffix(_SUFFIXES.get(self.kind.current, ""))
        dialog.fileSelected.connect(self._on_target)
        dialog.open()

    def show_kind(self, kind: str) -> None:
        """What belongs to it; another kind is another file."""
        self._target = self._unused_target(_SUFFIXES.get(kind, ""))
        self._about.setText(_WORDS[kind])
        self._lines.setRowVisible(self.calibration, kind == FOLDER)
        self._show_size()
        self._show_target()

    def _lay_out(self) -> None:
        lines = QFormLayout(self)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(GRID_PX)
        lines.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        lines.addRow(self.kind)
        lines.addRow(self._about)
        lines.addRow("Calibration", self.calibration)
        lines.addRow("Image size", self.image_size)
        lines.addRow("", self.half)
        target = row(self._target_words, icon_button("folder-open", "Choose where to write it", self.choose_target))
        target.setStretch(0, 1)
        lines.addRow("Write to", target)
        self._lines = lines

    def _fill_calibrations(self) -> None:
        active = self._studio.calibration
        if active is not None:
            self.calibration.addItem(f"In force: {active.name}", active.calibration)
        for path in self._studio.calibration_files():
            if active is None or active.path != path:
                self.calibration.addItem(path.stem, path)
        self.calibration.addItem("None: pairs come rectified", None)

    def _unused_target(self, suffix: str) -> Path:
        """In the workspace; an export of the same name, perhaps of another network, stays."""
        parent = self._studio.workspace.root / "exports"
        names = (f"{self._name}{counter}{suffix}" for counter in ("", *(f"_{i}" for i in range(2, 1000))))
        return next(parent / name for name in names if not (parent / name).exists())

    def _on_target(self, name: str) -> None:
        self._target = Path(name)
        self._show_target()

    def _show_size(self) -> None:
        """A calibration's maps are for one size."""
        calibration = self.calibration.currentData() if self.kind.current == FOLDER else None
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
