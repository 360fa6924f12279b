"""The forms for what computes the results, and for the steps after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QSpinBox, QWidget

from depthstudio.gui.settings import WindowSettings
from depthstudio.gui.widgets.basics import Section, field, label, row

if TYPE_CHECKING:
    from depthstudio.inference.live_result import LiveResult
    from depthstudio.inference.steps import StepSettings

_DISPARITY_STEP = 16
_BACKENDS = {
    "auto": "Fastest here",
    "torch": "PyTorch",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "openvino-bf16": "OpenVINO bf16",
    "openvino-fp16": "OpenVINO fp16",
}


class StepsForm(Section):
    """Optional steps after the network; all off at first, and off for every measurement. changed() when one changes."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__("After the network", foldable=True, folded=True)
        self.cut = QCheckBox("Confidence at least")
        self.cut.setToolTip("Removes the pixels that the network is less sure of.")
        self.confidence = _percent("Least confidence", "Pixels less sure than this are removed.", 50, 99)
        self.smooth = QCheckBox("Smooth over time")
        self.smooth.setToolTip("Averages each pixel with its past, as long as it moves by less than a pixel.")
        self.weight = _percent("Weight of the past", "More is calmer, and slower to follow.", 60, 95)
        self.fill = QCheckBox("Fill holes")
        self.fill.setToolTip("A hole takes the farther of its neighbours in the row, as behind an object.")
        for box, editor in ((self.cut, self.confidence), (self.smooth, self.weight)):
            self.add(row(box, 1, editor))
            box.toggled.connect(editor.setEnabled)
            editor.setEnabled(False)
            editor.valueChanged.connect(self.changed)
        self.add(self.fill)
        self._done = label("Shown as a view of its own. Measuring never uses it.", "small", wrap=True)
        self.add(self._done)
        for box in (self.cut, self.smooth, self.fill):
            box.toggled.connect(self.changed)

    @property
    def settings(self) -> StepSettings:
        """What is on."""
        from depthstudio.inference.steps import StepSettings

        return StepSettings(
            self.confidence.value() / 100 if self.cut.isChecked() else 0.0,
            self.weight.value() / 100 if self.smooth.isChecked() else 0.0,
            self.fill.isChecked(),
        )

    def show_done(self, result: LiveResult | None) -> None:
        """How much the steps removed and filled."""
        stepped = result.stepped if result is not None else None
        if stepped is None:
            self._done.setText("Shown as a view of its own. Measuring never uses it.")
            return
        words = []
        if stepped.settings.least_confidence > 0:
            has = result is not None and result.prediction.confidence is not None
            words.append(f"{stepped.removed * 100:.1f}% removed" if has else "this network has no confidence")
        if stepped.settings.fill_holes:
            words.append(f"{stepped.filled * 100:.1f}% filled")
        self._done.setText(". ".join([", ".join(words).capitalize(), "Measuring uses the network alone."]).lstrip(". "))


class ComputingForm(Section):
    """Backend, threads and search range, remembered in the window's settings."""

    changed = Signal()

    def __init__(self, settings: WindowSettings) -> None:
        super().__init__("Computing", foldable=True, folded=True)
        self._settings = settings
        self._threads = field(
            QSpinBox(), "Threads", "Computing threads on the processor. Fewer leave more for the camera and a training."
        )
        self._threads.setRange(0, 256)
        self._threads.setSpecialValueText("Automatic")
        self._threads.setValue(settings.live_threads)
        self._reach = field(
            QSpinBox(),
            "Largest disparity",
            "How far networks with a cost volume search. More sees nearer objects and takes longer.",
        )
        self._reach.setRange(0, 1024)
        self._reach.setSingleStep(_DISPARITY_STEP)
        self._reach.setSuffix(" px")
        self._reach.setSpecialValueText("As trained")
        self._reach.setValue(settings.live_max_disparity)
        self._backend = field(
            QComboBox(), "Backend", "What runs the network. Each one is measured once to find the fastest."
        )
        for key, words in _BACKENDS.items():
            self._backend.addItem(words, key)
        self._backend.setCurrentIndex(max(0, self._backend.findData(settings.live_backend)))
        self._half = QCheckBox("Half resolution")
        self._half.setToolTip(
            "Predicts on pictures half as wide and high: reaches twice the disparity, for very near objects, and takes "
            "a quarter of the time, with less detail."
        )
        self._half.setChecked(settings.live_half_resolution)
        grid = QGridLayout()
        grid.setSpacing(8)
        grid.setColumnStretch(1, 1)
        editors: dict[str, QWidget] = {
            "Backend": self._backend,
            "Threads": self._threads,
            "Largest disparity": self._reach,
        }
        for i, (words, editor) in enumerate(editors.items()):
            grid.addWidget(label(words, "muted"), i, 0)
            grid.addWidget(editor, i, 1)
        self.add(grid)
        self.add(self._half)
        self._backend.currentIndexChanged.connect(self._on_changed)
        self._half.toggled.connect(self._on_changed)
        for box in (self._threads, self._reach):
            box.setKeyboardTracking(False)
            box.valueChanged.connect(self._on_changed)

    @property
    def threads(self) -> int:
        """0 leaves it to torch."""
        return self._threads.value()

    @property
    def max_disparity(self) -> int:
        """px; 0 leaves the network as it was trained."""
        return self._reach.value()

    @property
    def backend(self) -> str:
        """See Predictor."""
        return str(self._backend.currentData())

    def choose_backend(self, backend: str) -> None:
        """As if the user did."""
        self._backend.setCurrentIndex(max(0, self._backend.findData(backend)))

    @property
    def half_resolution(self) -> bool:
        """See Predictor."""
        return self._half.isChecked()

    def choose_half_resolution(self, half: bool) -> None:
        """As if the user did."""
        self._half.setChecked(half)

    def _on_changed(self) -> None:
        self._settings.live_backend = self.backend
        self._settings.live_half_resolution = self.half_resolution
        self._settings.live_threads = self.threads
        self._settings.live_max_disparity = self.max_disparity
        self.changed.emit()


def _percent(name: str, tip: str, value: int, most: int) -> QSpinBox:
    box = field(QSpinBox(), name, tip)
    box.setRange(1, most)
    box.setSuffix(" %")
    box.setValue(value)
    box.setKeyboardTracking(False)
    return box
