"""Presets: named settings in TOML files, those shipped with the program and the user's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import tomlkit

from depthstudio.errors import SettingsError
from depthstudio.resources import resource_path
from depthstudio.storage import write_text
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.settings_file import read_toml
from depthstudio.workspace import Workspace

_LAST = 1000


@dataclass(frozen=True)
class Preset:
    """key: the file's name, as typed on the command line. purpose: its use in one line. shipped: not the user's."""

    key: str
    name: str
    purpose: str
    settings: TrainingSettings
    path: Path
    shipped: bool
    rank: int = _LAST


def load_presets(workspace: Workspace | None = None) -> list[Preset]:
    """The shipped presets in their order, then the user's by name. Broken files of the user's are left out."""
    shipped = [read_preset(path, shipped=True) for path in resource_path("presets").glob("*.toml")]
    own = []
    for path in workspace.presets.glob("*.toml") if workspace else ():
        try:
            own.append(read_preset(path))
        except SettingsError:
            continue  # one bad file must not hide the good ones; choosing it by path says what is wrong
    return sorted(shipped, key=lambda preset: preset.rank) + sorted(own, key=lambda preset: preset.name.lower())


def preset(name: str, workspace: Workspace | None = None) -> Preset:
    """The preset with this key, name or file path. SettingsError lists those that exist."""
    if name.endswith(".toml"):
        return read_preset(Path(name))
    presets = load_presets(workspace)
    for candidate in reversed(presets):  # the user's own may replace a shipped one
        if slug(name) in (candidate.key, slug(candidate.name)):
            return candidate
    known = ", ".join(candidate.key for candidate in presets)
    raise SettingsError(f"There is no preset '{name}'.", next_step=f"Choose one of: {known}.")


def default_preset(network: str) -> Preset:
    """The gentle recipe for matching networks; the classic one for the siamese network and its old checkpoints."""
    return preset("recommended" if network == "siamese" or network.endswith(".pth") else "safe-fine-tune")


def read_preset(path: Path, *, shipped: bool = False) -> Preset:
    """One preset file: ``name``, ``purpose`` and a ``[settings]`` table whose missing fields take their defaults."""
    values = read_toml(path)
    table = values.get("settings")
    if not isinstance(table, dict):
        raise SettingsError(f"{path.name} is no preset.", "It has no [settings] table.")
    settings, rank = TrainingSettings.checked(table), values.get("rank", _LAST)
    if not isinstance(rank, int):
        raise SettingsError(f"{path.name} is no preset.", f"Its rank is {rank!r}.", "Write a whole number, or no rank.")
    name, purpose = str(values.get("name", path.stem)), str(values.get("purpose", ""))
    return Preset(path.stem, name, purpose, settings, path, shipped, rank)


def save_preset(workspace: Workspace, name: str, purpose: str, settings: TrainingSettings) -> Preset:
    """Write a preset of the user's; one of the same name is replaced. SettingsError for an empty name."""
    key = slug(name)
    if not key:
        raise SettingsError("A preset needs a name with letters or digits.")
    document = tomlkit.document()
    document["name"], document["purpose"] = name, purpose
    document["settings"] = settings.model_dump(mode="json")
    path = workspace.presets / f"{key}.toml"
    write_text(path, tomlkit.dumps(document))
    return read_preset(path)


def slug(name: str) -> str:
    """``Safe fine-tune`` -> ``safe-fine-tune``: how presets are named in files and on the command line."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
