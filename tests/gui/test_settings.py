from __future__ import annotations

from pathlib import Path

from depthstudio.gui.settings import WindowSettings, load_settings, save_settings
from depthstudio.gui.theme import ThemeMode


def test_settings_survive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    save_settings(WindowSettings(theme=ThemeMode.DARK, board_columns=11), file)
    settings, problem = load_settings(file)
    assert problem == ""
    assert (settings.theme, settings.board_columns) == (ThemeMode.DARK, 11)


def test_a_missing_file_means_the_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "settings.toml") == (WindowSettings(), "")


def test_a_broken_file_is_told_and_does_not_stop_the_start(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("theme = [[[")
    settings, problem = load_settings(file)
    assert settings == WindowSettings()
    assert "settings.toml" in problem


def test_one_value_out_of_range_does_not_cost_the_others(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('theme = "dark"\nboard_rows = 900\nfrom_the_future = 3\n')
    settings, problem = load_settings(file)
    assert settings.theme is ThemeMode.DARK
    assert settings.board_rows == 6
    assert "board_rows" in problem
    save_settings(settings, file)
    assert "from_the_future = 3" in file.read_text()
