"""Settings and presets: ranges, plain words, files that keep what they do not know."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit

from depthstudio.errors import SettingsError
from depthstudio.training.presets import load_presets, preset, save_preset
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.settings_file import load_settings, save_settings
from depthstudio.workspace import Workspace


def test_every_setting_explains_itself() -> None:
    for name, field in TrainingSettings.model_fields.items():
        extra = field.json_schema_extra
        assert field.title and field.description and field.description.endswith("."), name
        assert isinstance(extra, dict) and {"unit", "expert", "group"} <= set(extra), name


def test_every_number_has_a_range() -> None:
    for name, field in TrainingSettings.model_fields.items():
        if field.annotation in (int, float):
            limits = {kind for limit in field.metadata for kind in ("ge", "le") if hasattr(limit, kind)}
            assert limits == {"ge", "le"}, name


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"dropout_p": 0.7}, "Dropout cannot be 0.7. It lies in 0 to 0.5."),
        ({"early_stop_patience": -1}, "Early-stop patience cannot be -1. It lies in 0 to 1000 epochs."),
        ({"optimizer": "sgd"}, "Optimiser cannot be 'sgd'. It is one of 'adam-l2', 'adamw' or 'l2-sp'."),
        ({"epochs": "many"}, "Epochs cannot be many."),
        ({"learning_rate": float("nan")}, "Learning rate cannot be nan."),
        ({"device": "toaster"}, "Device cannot be 'toaster'."),
    ],
)
def test_nonsense_is_refused_in_plain_words(values: dict, words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        TrainingSettings.checked(values)
    assert str(refused.value).startswith(words)


def test_settings_survive_a_file_with_comments_and_unknown_fields(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text('# mine\nepochs = 7  # short\nfrom_the_future = "kept"\n[table_of_later]\ndepth = 3\n')
    settings = load_settings(path)
    assert settings.epochs == 7
    save_settings(settings.changed(dropout_p=0.3), path)
    text = path.read_text()
    assert "# mine" in text and "# short" in text
    assert load_settings(path).dropout_p == 0.3
    elsewhere = tmp_path / "copy.toml"
    save_settings(load_settings(path), elsewhere)
    written = tomlkit.parse(elsewhere.read_text())
    assert written["from_the_future"] == "kept"
    assert written["table_of_later"]["depth"] == 3
    assert load_settings(elsewhere) == load_settings(path)


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "settings.toml"
    broken.write_text("epochs = = 3")
    with pytest.raises(SettingsError, match=r"settings\.toml cannot be read"):
        load_settings(broken)
    with pytest.raises(SettingsError, match="There is no file"):
        load_settings(tmp_path / "missing.toml")


def test_a_change_is_checked_and_a_typing_error_is_not_swallowed() -> None:
    settings = TrainingSettings()
    assert settings.changed(epochs=3).differences(settings) == ("epochs",)
    with pytest.raises(SettingsError, match="no training setting 'learnig_rate'"):
        settings.changed(learnig_rate=1e-4)


@pytest.mark.parametrize(
    ("name", "dropout_p", "learning_rate", "weight_decay", "patience"),
    [
        ("recommended", 0.2, 5e-5, 1e-5, 15),
        ("conservative", 0.1, 7e-5, 5e-6, 20),
        ("aggressive", 0.3, 3e-5, 5e-5, 10),
    ],
)
def test_presets_carry_the_numbers_of_the_strategy(
    name: str, dropout_p: float, learning_rate: float, weight_decay: float, patience: int
) -> None:
    settings = preset(name).settings
    assert (settings.dropout_p, settings.learning_rate, settings.weight_decay) == (
        dropout_p,
        learning_rate,
        weight_decay,
    )
    assert (settings.early_stop_patience, settings.epochs, settings.clip_norm) == (patience, 50, 1.0)
    assert (settings.lr_schedule, settings.lr_factor, settings.lr_patience, settings.min_lr) == (
        "plateau",
        0.5,
        5,
        1e-7,
    )
    assert settings.optimizer == "adam-l2" and settings.freeze_encoder


def test_the_old_recipe_has_no_protection() -> None:
    settings = preset("Reference-v3").settings
    assert (settings.learning_rate, settings.dropout_p, settings.early_stop_patience, settings.epochs) == (
        1e-4,
        0,
        0,
        50,
    )


def test_presets_come_in_order_and_say_what_they_are_for() -> None:
    presets = load_presets()
    names = [entry.name for entry in presets]
    assert names == ["Safe fine-tune", "Recommended", "Conservative", "Aggressive", "Reference-v3"]
    assert all(entry.purpose.endswith(".") for entry in presets)
    with pytest.raises(SettingsError, match="Choose one of: safe-fine-tune, recommended"):
        preset("mystery")


def test_own_presets_are_saved_and_found_and_a_broken_one_hides_nothing(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    save_preset(workspace, "Night shift", "For dark rooms.", TrainingSettings(epochs=9))
    (workspace.presets / "broken.toml").write_text("nothing = here")
    (workspace.presets / "unranked.toml").write_text('rank = "first"\n[settings]\nepochs = 3\n')
    with pytest.raises(SettingsError, match=r"unranked\.toml is no preset"):
        preset(str(workspace.presets / "unranked.toml"))
    assert preset("night shift", workspace).settings.epochs == 9
    assert [entry.name for entry in load_presets(workspace)][-1] == "Night shift"


def test_a_rule_about_two_fields_is_told_in_its_own_words() -> None:
    with pytest.raises(
        SettingsError, match=r"Label masks cannot be used like this\. The nearest depth must be smaller"
    ):
        TrainingSettings().changed(mask={"min_depth_m": 20.0})
