"""Setting up a run: data, network, preset, and the form made from TrainingSettings."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from depthstudio.gui.pages.train.checks_section import ChecksSection, question_before
from depthstudio.gui.pages.train.closer_look import CloserLook
from depthstudio.gui.pages.train.data_section import DataSection
from depthstudio.gui.pages.train.network_section import NetworkSection
from depthstudio.gui.pages.train.preset_section import PresetSection, differences
from depthstudio.gui.studio import Studio
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import column, rule
from depthstudio.gui.widgets.settings_form import SettingsForm
from depthstudio.gui.widgets.sheet import QuestionSheet
from depthstudio.training.checks.finding import Finding, ordered
from depthstudio.training.checks.recipe import check_learning_rate
from depthstudio.training.presets import Preset, default_preset
from depthstudio.training.settings import TrainingSettings

_LOOK_DELAY_MS = 600  # so that turning a knob does not read frames at every click
_PRESET_FIELDS_NOT_SHOWN = ("network",)


class SetupPanel(QWidget):
    """changed(): whether and what can be started may be different now."""

    changed = Signal()

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self._looked_with: tuple[object, ...] = ()
        self.question: QuestionSheet | None = None
        self.data = DataSection(studio)
        self.checks = ChecksSection()
        self.closer = CloserLook(studio, self)
        self.network = NetworkSection(studio)
        self.presets = PresetSection(studio)
        self.form = SettingsForm(TrainingSettings, skip=_PRESET_FIELDS_NOT_SHOWN)
        self.run_name = QLineEdit()
        self.run_name.setPlaceholderText("Name of the run")
        self.run_name.setAccessibleName("Name of the run")
        parts = (self.data, rule(), self.network, self.presets, rule(), self.checks, rule(), self.form)
        self.setLayout(column(*parts, spacing=2 * GRID_PX))
        self._delay = QTimer(self, interval=_LOOK_DELAY_MS, singleShot=True)
        self._delay.timeout.connect(self.look)
        self.data.changed.connect(self.look)
        self.data.looked.connect(self._on_looked)
        self.closer.changed.connect(self._on_closer)
        self.network.changed.connect(self._on_network)
        self.presets.chosen.connect(self._take_preset)
        self.presets.reset_asked.connect(lambda: self._take_preset(self.presets.preset))
        self.presets.loaded.connect(self.use_settings)
        self.presets.save_asked.connect(self._save_preset)
        self.form.changed.connect(self._on_form)
        studio.library_changed.connect(self._on_library)
        studio.calibration_changed.connect(self._on_calibration)
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
    def findings(self) -> tuple[Finding, ...]:
        """Everything that speaks against starting, the most serious first."""
        settings, look = self.settings, self.data.look
        found = [*self.data.findings]
        if settings is not None:
            found += check_learning_rate(settings, self.presets.preset.settings)
        if settings is not None and look is not None and look.report is not None:
            found += [*self.closer.picture_findings, *self.closer.network_findings(settings, look.report)]
        return ordered(found)

    def look(self) -> None:
        """Look at the data again with the settings as they are."""
        settings = self.settings
        if settings is not None:
            self.closer.look_at_network(settings)
            self._looked_with = self._decisive(settings)
            self.data.refresh(settings, self.closer.reach_px)
        self._tell()

    def when_confirmed(self, begin: Callable[[], object]) -> None:
        """Do it, after a question when a finding is critical."""
        doubts = question_before(self.findings)
        if not doubts:
            begin()
            return
        answers = [("Back", lambda: None, ""), ("Start anyway", begin, "danger")]
        self.question = QuestionSheet(self.window(), "Start in spite of this?", doubts, answers)

    def save(self) -> None:
        """Ask for a name, or save when there is one."""
        if self.presets.name.text().strip():
            self._save_preset(self.presets.name.text().strip())
        else:
            self.presets.ask_name()

    def _on_library(self) -> None:
        self.closer.forget()
        if self.isVisible():
            self.look()

    def _on_calibration(self) -> None:
        if self.isVisible() and self.data.kind.current == "folder":
            self.look()

    def _on_form(self) -> None:
        settings = self.settings
        self.presets.show_difference(settings)
        if settings is not None and self._decisive(settings) != self._looked_with:
            self._delay.start()
        self._tell()

    def _on_looked(self) -> None:
        look = self.data.look
        if look is not None and look.data is not None:
            self.closer.look_at_data(look.data)
        self._tell()

    def _on_closer(self) -> None:
        """The network's reach decides a check of the data."""
        settings = self.settings
        if settings is not None:
            self.closer.look_at_network(settings)  # another one may have been chosen meanwhile
        if settings is not None and self._looked_with != self._decisive(settings):
            self.look()
        else:
            self._tell()

    def _tell(self) -> None:
        """Show the checks, and let the page know."""
        if self.data.look is not None:
            self.checks.show_findings(self.findings, looking=self.closer.is_busy)
        self.changed.emit()

    def _on_network(self, spec: str) -> None:
        """Untouched settings follow the network: the classic recipe for classic networks, the gentle one for ours."""
        settings = self.settings
        if settings is not None and not differences(settings, self.presets.preset):
            self.presets.choose(default_preset(spec).key)
        if self.isVisible():
            self.look()

    def use_settings(self, settings: TrainingSettings) -> None:
        """Show the settings of a file or a run; what differs from the chosen preset is marked."""
        self.form.set_values(settings)
        self._on_form()

    def _take_preset(self, preset: Preset) -> None:
        self.form.set_reference(preset.settings)
        self.form.set_values(preset.settings)
        self._on_form()

    def _save_preset(self, name: str) -> None:
        settings = self.settings
        if settings is not None:
            self.presets.save(name, settings)

    def _decisive(self, settings: TrainingSettings) -> tuple[object, ...]:
        """What the checks of the data depend on."""
        return (
            settings.network,
            settings.freeze_encoder,
            settings.split,
            settings.mask,
            settings.max_disparity,
            settings.batch_size,
            settings.crop_width,
            self.closer.reach_px,
        )
