"""Where the files shipped with the program are: presets, networks, theme, icons."""

from __future__ import annotations

from pathlib import Path

_INSTALLED = Path(__file__).parent / "_resources"
_CHECKOUT = Path(__file__).parent.parent / "resources"


def resource_path(relative: str) -> Path:
    """Path of a shipped file, e.g. ``presets/recommended.toml``. In a wheel they lie inside the package."""
    root = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
    return root / relative
