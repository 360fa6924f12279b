"""Where the files shipped with the program are: presets, networks, theme, icons."""

from __future__ import annotations

import tomllib
from pathlib import Path

_INSTALLED = Path(__file__).parent / "_resources"
_CHECKOUT = Path(__file__).parent.parent / "resources"


def resource_path(relative: str) -> Path:
    """Path of a shipped file, e.g. ``presets/recommended.toml``. In a wheel they lie inside the package."""
    root = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
    return root / relative


def shipped_networks() -> dict[str, str]:
    """The names of the networks that are there, the default first, and what each is for."""
    told = tomllib.loads(resource_path("networks/networks.toml").read_text(encoding="utf-8"))
    return {
        name: str(facts["purpose"])
        for name, facts in told.items()
        if resource_path(f"networks/{name}.safetensors").is_file()
    }
