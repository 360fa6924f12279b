"""Setting up a run: data, network, preset, and the form made from TrainingSettings."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from depthstudio.gui.pages.train.data_section import DataSection
from depthstudio.gui.pages.train.network_section import NetworkSection
from depthstudio.gui.pages.train.preset_section import PresetSection, differences
from depthstudio.gui.studio import Studio
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import column, rule
from depthstudio.gui.widgets.settings_form import SettingsForm
from depthstudio.training.presets import Preset, default_preset
from depthstudio.training.settings import TrainingSettings

_LOOK_DELAY_MS = 600  # so that turning a knob does not read frames at every click
_USUAL_FACTOR = 3.0  # a learning rate farther from the preset's is worth a word
_PRESET_FIELDS_NOT_SHOWN = ("network",)


class SetupPanel(QWidget):
    """changed(): whether and what can be started may be different now."""

    changed = Signal()

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self._looked_with: tuple[object, ...] = ()
        self.data = DataSection(studio)
        self.network = NetworkSection(studio)
        self.presets = PresetSection(studio)
        self.form = SettingsForm(TrainingSettings, skip=_PRESET_FIELDS_NOT_SHOWN)
        self.run_name = QLineEdit()
        self.run_name.setPlaceholderText("Name of the run")
        self.run_name.setAccessibleName("Name of the run")
        parts = (self.data, rule(), self.network, self.presets, rule(), self.form)
        self.setLayout(column(*parts, spacing=2 * GRID_PX))
        self._delay = QTimer(self, interval=_LOOK_DELAY_MS, singleShot=True)
        self._delay.timeout.connect(self.look)
        self.data.changed.connect(self.look)
        self.data.looked.connect(self.changed)
        self.network.changed.connect(self._on_network)
        self.presets.chosen.connect(self._take_preset)
        self.presets.reset_asked.connect(lambda: self._take_preset(self.presets.preset))
        self.presets.save_asked.connect(self._save_preset)
        self.form.changed.connect(self._on_form)
        self.presets.choose(default_preset(self.network.spec).key)

    @property
    def settings(self) -> TrainingSettings | None:
        """What the form says, with the chosen network; None when a value is wrong, which the form then shows."""
        entered = self.form.settings()
        return entered.changed(network=self.network.spec) if isinstance(entered, TrainingSettings) else None

    @property
    def problem(self) -> str:
        """Why the run cannot be started; empty when it can."""
        if self.form.settings() is None:
            return "A setting is out of its range."
        if self.data.look is None:
            return "Looking at the data…"
        return "" if self.data.is_usable else "The data cannot be used yet."

    @property
    def advice(self) -> str:
        """What is worth a second look before starting, though it is allowed."""
        settings = self.settings
        if settings is None:
            return ""
        times = settings.learning_rate / self.presets.preset.settings.learning_rate
        if _USUAL_FACTOR >= times >= 1 / _USUAL_FACTOR:
            return ""
        words = f"{times:.3g} times" if times > 1 else f"1/{1 / times:.3g} of"
        return f"The learning rate is {words} the preset's."

    def look(self) -> None:
        """Look at the data again with the settings as they are."""
        settings = self.settings
        if settings is not None:
            self._looked_with = _decides_data(settings)
            self.data.refresh(settings)
        self.changed.emit()

    def save(self) -> None:
        """Ask for a name, or save when there is one."""
        if self.presets.name.text().strip():
            self._save_preset(self.presets.name.text().strip())
        else:
            self.presets.ask_name()

    def _on_form(self) -> None:
        settings = self.settings
        self.presets.show_difference(settings)
        if settings is not None and _decides_data(settings) != self._looked_with:
            self._delay.start()
        self.changed.emit()

    def _on_network(self, spec: str) -> None:
        """Untouched settings follow the network: the classic recipe for classic networks, the gentle one for ours."""
        settings = self.settings
        if settings is not None and not differences(settings, self.presets.preset):
            self.presets.choose(default_preset(spec).key)
        self.changed.emit()

    def _take_preset(self, preset: Preset) -> None:
        self.form.set_reference(preset.settings)
        self.form.set_values(preset.settings)
        self._on_form()

    def _save_preset(self, name: str) -> None:
        settings = self.settings
        if settings is not None:
            self.presets.save(name, settings)


def _decides_data(settings: TrainingSettings) -> tuple[object, ...]:
    """Settings that the checks of the data depend on."""
    return (
        settings.split,
        settings.mask,
        settings.max_disparity,
        settings.batch_size,
        settings.crop_width,
    )
