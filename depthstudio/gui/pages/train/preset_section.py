"""The preset a run's settings start from, what differs from it, and saving an own one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QLineEdit, QWidget

from depthstudio.errors import UserError
from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.basics import Section, button, field, label, row
from depthstudio.training.presets import Preset, load_presets, read_preset, save_preset
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.settings_file import load_settings, read_toml

_FILES = "Settings (*.toml);;All files (*)"


class PresetSection(Section):
    """chosen(preset): the form shall take it over. reset_asked(): back to the preset's values.

    loaded(settings): the form shall show those of a file.
    """

    chosen = Signal(object)
    reset_asked = Signal()
    save_asked = Signal(str)
    loaded = Signal(object)

    def __init__(self, studio: Studio) -> None:
        super().__init__("Preset")
        self._studio = studio
        self._presets: list[Preset] = []
        self.box = field(QComboBox(), "Preset", "Settings to start from")
        self.purpose = label("", "small", wrap=True)
        self.difference = label("", "small")
        self._reset = button("Reset all", self.reset_asked.emit, kind="link", tip="Back to the preset's values")
        self._save = button("Save as…", self.ask_name, kind="link", tip="Save these settings as an own preset (Ctrl+S)")
        self._load = button("Load…", self.ask_file, kind="link", tip="Settings of a file or of an earlier run")
        self.name = QLineEdit()
        self.name.setPlaceholderText("Name of the preset")
        self.name.setAccessibleName("Name of the preset")
        self._naming = QWidget()
        naming = row(self.name, button("Save", self._on_save, "save"))
        naming.setContentsMargins(0, 0, 0, 0)
        self._naming.setLayout(naming)
        self._naming.hide()
        for item in (self.box, self.purpose):
            self.add(item)
        self.add(row(self.difference, 1, self._reset, self._load, self._save, spacing=12))
        self.add(self._naming)
        self.reload()
        self.box.activated.connect(lambda: self.chosen.emit(self.preset))
        self.name.returnPressed.connect(self._on_save)

    @property
    def preset(self) -> Preset:
        """The one chosen."""
        return self._presets[max(0, self.box.currentIndex())]

    def choose(self, key: str) -> None:
        """Choose by key and say so."""
        keys = [preset.key for preset in self._presets]
        if key in keys:
            self.box.setCurrentIndex(keys.index(key))
            self._show_purpose()
            self.chosen.emit(self.preset)

    def reload(self) -> None:
        """Read the presets again; the choice stays."""
        before = self.preset.key if self._presets else ""
        self._presets = load_presets(self._studio.workspace)
        keys = [preset.key for preset in self._presets]
        with QSignalBlocker(self.box):
            self.box.clear()
            for preset in self._presets:
                self.box.addItem(preset.name if preset.shipped else f"{preset.name} (own)", preset.key)
            self.box.setCurrentIndex(keys.index(before) if before in keys else 0)
        self._show_purpose()

    def show_difference(self, settings: TrainingSettings | None) -> None:
        """Say how many settings differ from the preset; None: the form holds nonsense."""
        self._show_purpose()
        if settings is None:
            self.difference.setText("a value is wrong")
        else:
            count = len(differences(settings, self.preset))
            words = "as in the preset" if not count else f"{count} setting{'s' if count > 1 else ''} changed"
            self.difference.setText(words)
            self._reset.setVisible(bool(count))

    def ask_name(self) -> None:
        """Show the line that takes the new preset's name."""
        self._naming.show()
        self.name.setFocus()

    def ask_file(self) -> None:
        """Let the user choose a settings file: a run's settings.toml, or a preset."""
        dialog = QFileDialog(self.window(), "Settings to load", str(self._studio.workspace.root), _FILES)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self.load(Path(path)))
        dialog.open()

    def load(self, path: Path) -> None:
        """Read a settings file or a preset; fields unknown to this version are kept. A wrong one is a notice."""
        try:
            is_preset = isinstance(read_toml(path).get("settings"), dict)
            settings = read_preset(path).settings if is_preset else load_settings(path)
        except UserError as error:
            self._studio.report(error)
            return
        self.loaded.emit(settings)

    def save(self, name: str, settings: TrainingSettings) -> None:
        """Write an own preset and choose it."""
        try:
            saved = save_preset(self._studio.workspace, name, "Saved on the Train page.", settings)
        except (UserError, OSError) as error:
            self._studio.report(error)
            return
        self.name.clear()
        self._naming.hide()
        self.reload()
        self.choose(saved.key)

    def _on_save(self) -> None:
        self.save_asked.emit(self.name.text().strip())

    def _show_purpose(self) -> None:
        self.purpose.setText(self.preset.purpose)


def differences(settings: TrainingSettings, preset: Preset) -> list[str]:
    """Fields that differ from a preset; the network is chosen apart and does not count."""
    return [name for name in settings.differences(preset.settings) if name != "network"]
