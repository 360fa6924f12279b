"""CameraSettings: resolution, controls and settings files of the open source, with what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from depthstudio.errors import SettingsError
from depthstudio.gui.errors import Notice
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.gui.widgets.basics import Section, button, column, field, label, row
from depthstudio.gui.widgets.controls_form import ControlsForm
from depthstudio.storage import write_text

_FILTER = "Camera settings (*.json)"
_LONGEST_BYTES = 1_000_000
_ANSWER_TIMEOUT_S = 10.0


class CameraSettings(Section):
    """Hidden while the source has nothing to set. Resolution and rate wait while a page is busy with the frames."""

    def __init__(self, studio: Studio) -> None:
        super().__init__("Camera", foldable=True, folded=True)
        self._studio = studio
        self.mode = field(QComboBox(), "Resolution and rate")
        self.mode.activated.connect(self._choose_mode)
        self._mode_row = QWidget()
        self._mode_row.setLayout(column(label("Resolution and rate", "small"), self.mode, spacing=4))
        self.controls = ControlsForm()
        self.controls.changed.connect(studio.sources.set_control)
        self.load = button("Load settings…", self._ask_load, tip="A settings file of RealSense Viewer (.json)")
        self.save = button("Save settings…", self._ask_save, tip="All settings as a file for RealSense Viewer (.json)")
        self._files = QWidget()
        self._files.setLayout(row(self.load, self.save, 1))
        for part in (self._mode_row, self.controls, self._files):
            self.add(part)
        studio.sources.opened.connect(self._show)
        studio.sources.settings_changed.connect(self._show)
        studio.sources.state_changed.connect(self._show)
        studio.activity_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        sources = self._studio.sources
        modes, streams = sources.modes, sources.is_streaming
        self.mode.clear()
        self.mode.addItems([mode.label for mode in modes])
        self.mode.setCurrentIndex(next((i for i, mode in enumerate(modes) if mode.is_current), -1))
        self._mode_row.setVisible(len(modes) > 1)
        busy = next((activity for activity in self._studio.activities.values() if activity.runs), None)
        self._mode_row.setEnabled(streams and busy is None)
        self._mode_row.setToolTip(f"{busy.text} Stop it first." if busy is not None else "The camera starts again.")
        self.controls.set_controls(sources.controls)
        self.controls.setEnabled(streams)
        self._files.setVisible(any(name.startswith("realsense") for name in self._devices()))
        self._files.setEnabled(streams)
        self.setVisible(bool(sources.controls or len(modes) > 1))

    def _devices(self) -> tuple[str, ...]:
        source = self._studio.sources.source
        return source.devices if source is not None else ()

    def _choose_mode(self, index: int) -> None:
        modes = self._studio.sources.modes
        if 0 <= index < len(modes) and not modes[index].is_current:
            self._studio.sources.open(modes[index].url)

    def _ask_load(self) -> None:
        dialog = self._dialog("Load camera settings")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.load_file)
        dialog.open()

    def _ask_save(self) -> None:
        dialog = self._dialog("Save camera settings")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.fileSelected.connect(self.save_file)
        dialog.open()

    def _dialog(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self.window(), title, str(Path.home()), _FILTER)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog

    def load_file(self, path: str) -> None:
        """Read a settings file and give it to the camera; a refusal becomes a notice."""

        def read(_: TaskContext) -> str:
            file = Path(path)
            if file.stat().st_size > _LONGEST_BYTES:
                raise SettingsError(f"{file.name} holds no camera settings.", "It is far too large.")
            try:
                return file.read_text(encoding="utf-8")
            except UnicodeDecodeError as error:
                raise SettingsError(f"{file.name} holds no camera settings.", "It is no text.") from error

        self._studio.tasks.run(read, f"Load {Path(path).name}", self._studio.sources.import_settings)

    def save_file(self, path: str) -> None:
        """Write the camera's settings into a file."""
        capture = self._studio.sources.capture
        if capture is None:
            return
        answer = capture.call(lambda source: source.export_settings())

        def write(_: TaskContext) -> str:
            try:
                text = answer.result(_ANSWER_TIMEOUT_S)
            except TimeoutError as error:
                why = f"It has not answered for {_ANSWER_TIMEOUT_S:.0f} s."
                raise SettingsError("The camera did not say its settings.", why, "Open it again.") from error
            write_text(Path(path), text)
            return Path(path).name

        def written(name: str) -> None:
            self._studio.notify(Notice(f"The camera's settings are in {name}.", tone="good"))

        self._studio.tasks.run(write, f"Save {Path(path).name}", written)
