from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel, Field
from PySide6.QtWidgets import QCheckBox, QComboBox, QSpinBox
from pytestqt.qtbot import QtBot

from depthstudio.gui.widgets.number_fields import LogSpinBox
from depthstudio.gui.widgets.settings_form import SettingsForm
from depthstudio.training.settings import TrainingSettings


class Mask(BaseModel):
    enabled: bool = Field(True, title="Enabled")


class Recipe(BaseModel):
    model_config = {"extra": "allow"}
    epochs: int = Field(50, ge=1, le=500, title="Epochs", description="How often.", json_schema_extra={"unit": "x"})
    rate: float = Field(1e-4, ge=1e-7, le=1e-1, title="Rate", json_schema_extra={"group": "Optimiser"})
    kind: Literal["adam", "adamw"] = "adam"
    frozen: bool = Field(False, json_schema_extra={"expert": True})
    mask: Mask = Mask()


@pytest.fixture
def form(qtbot: QtBot) -> SettingsForm:
    made = SettingsForm(Recipe)
    qtbot.addWidget(made)
    made.show()
    return made


def test_the_form_comes_from_the_model(form: SettingsForm) -> None:
    epochs = form.editor("epochs")
    assert isinstance(epochs, QSpinBox)
    assert (epochs.minimum(), epochs.maximum(), epochs.value()) == (1, 500, 50)
    assert "Range: 1 to 500 x" in epochs.toolTip()
    assert isinstance(form.editor("rate"), LogSpinBox)
    assert isinstance(form.editor("kind"), QComboBox)
    assert isinstance(form.editor("frozen"), QCheckBox)
    assert not form.editor("frozen").isVisible(), "expert fields are folded"


def test_what_is_entered_becomes_a_checked_model(form: SettingsForm, qtbot: QtBot) -> None:
    epochs = form.editor("epochs")
    assert isinstance(epochs, QSpinBox)
    with qtbot.waitSignal(form.changed):
        epochs.setValue(12)
    settings = form.settings()
    assert isinstance(settings, Recipe)
    assert settings == Recipe(epochs=12)


def test_fields_of_a_newer_program_are_kept(form: SettingsForm) -> None:
    form.set_values(Recipe(epochs=3, later="kept"))  # type: ignore[call-arg]
    settings = form.settings()
    assert settings is not None
    assert settings.model_dump()["later"] == "kept"


def test_what_differs_from_the_preset_is_marked_and_can_be_reset(form: SettingsForm) -> None:
    form.set_reference(Recipe())
    assert form.differing() == []
    form.set_values(Recipe(epochs=7))
    assert form.differing() == ["epochs"]
    form._reset("epochs")
    assert form.differing() == []


@pytest.mark.parametrize(("value", "text"), [(3e-4, "3e-4"), (1e-7, "1e-7"), (0.05, "0.05"), (1.5e-4, "1.5e-4")])
def test_rates_are_written_the_short_way(qtbot: QtBot, value: float, text: str) -> None:
    box = LogSpinBox(1e-8, 1.0)
    qtbot.addWidget(box)
    box.setValue(value)
    assert box.text() == text
    assert box.valueFromText(text) == pytest.approx(value)


def test_rates_step_by_one_two_five(qtbot: QtBot) -> None:
    box = LogSpinBox(1e-6, 1e-2)
    qtbot.addWidget(box)
    box.setValue(1e-4)
    up = []
    for _ in range(4):
        box.stepUp()
        up.append(box.text())
    assert up == ["2e-4", "5e-4", "1e-3", "2e-3"]
    box.setValue(1e-4)
    box.stepDown()
    assert box.text() == "5e-5"


def test_values_of_a_file_are_not_rounded_by_the_form(qtbot: QtBot) -> None:
    form = SettingsForm(TrainingSettings)
    qtbot.addWidget(form)
    fine = TrainingSettings(ema_decay=0.9995, early_stop_min_delta=0.0004, robust_px=0.125)
    form.set_reference(fine)
    form.set_values(fine)
    assert form.settings() == fine
    assert form.differing() == []
