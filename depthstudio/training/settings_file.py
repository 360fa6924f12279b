"""Training settings as TOML files that a person may edit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from depthstudio.errors import SettingsError
from depthstudio.storage import write_text
from depthstudio.training.settings import TrainingSettings


def load_settings(path: Path) -> TrainingSettings:
    """Settings from a TOML file; missing fields take their defaults. SettingsError says what is wrong with it."""
    return TrainingSettings.checked(read_toml(path))


def save_settings(settings: TrainingSettings, path: Path) -> None:
    """Write all fields as TOML, atomically. Comments and unknown fields of an existing file stay."""
    document = _existing_document(path)
    for name, value in settings.model_dump(mode="json").items():
        if name not in document or document[name] != value:
            document[name] = value
    write_text(path, tomlkit.dumps(document))


def read_toml(path: Path) -> dict[str, Any]:
    """The plain values of a TOML file; SettingsError when it is missing or broken."""
    try:
        return tomlkit.parse(path.read_text("utf-8")).unwrap()
    except FileNotFoundError as error:
        raise SettingsError(f"There is no file {path}.") from error
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise SettingsError(f"{path.name} cannot be read as settings.", f"{error}.") from error


def _existing_document(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, TOMLKitError):
        return tomlkit.document()  # nothing there, or nothing worth keeping
