"""The user's folder: everything recorded, calibrated and trained lies under one readable root."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_STAMP = re.compile(r"^\d{8}_\d{6}_")

ENVIRONMENT_VARIABLE = "DEPTHSTUDIO_WORKSPACE"


@dataclass(frozen=True)
class Workspace:
    """Layout: ``sessions/``, ``calibrations/``, ``boards/``, ``cameras/``, ``networks/``, ``runs/``,
    ``presets/`` and ``settings.toml``.
    """

    root: Path

    @classmethod
    def find(cls, given: Path | str | None = None) -> Workspace:
        """The folder given, else the one in DEPTHSTUDIO_WORKSPACE, else ~/DepthStudio. Nothing is created."""
        chosen = given or os.environ.get(ENVIRONMENT_VARIABLE) or Path.home() / "DepthStudio"
        return cls(Path(chosen).expanduser().absolute())

    @property
    def sessions(self) -> Path:
        """Recording sessions, one folder each."""
        return self.root / "sessions"

    @property
    def calibrations(self) -> Path:
        """Calibration files (.npz)."""
        return self.root / "calibrations"

    @property
    def boards(self) -> Path:
        """Calibration boards that the user has (.json)."""
        return self.root / "boards"

    @property
    def cameras(self) -> Path:
        """Settings of cameras, one file per serial number (.json)."""
        return self.root / "cameras"

    @property
    def networks(self) -> Path:
        """Imported checkpoints."""
        return self.root / "networks"

    @property
    def runs(self) -> Path:
        """Training runs, one folder each."""
        return self.root / "runs"

    @property
    def presets(self) -> Path:
        """The user's own training presets (.toml)."""
        return self.root / "presets"

    @property
    def settings_file(self) -> Path:
        """The window's own settings."""
        return self.root / "settings.toml"

    @property
    def log_file(self) -> Path:
        """Tracebacks and warnings, for the user to open and copy."""
        return self.root / "depthstudio.log"

    def is_empty(self) -> bool:
        """True when nothing was recorded, calibrated or trained here yet."""
        return not any(
            folder.is_dir() and any(folder.iterdir()) for folder in (self.sessions, self.calibrations, self.runs)
        )


def new_folder_name(parent: Path, label: str = "", now: datetime | None = None, suffix: str = "") -> str:
    """A name not yet used in `parent`: ``20260131_142501_label``, with _2, _3 ... when taken. suffix: of a file."""
    stamp = (now or datetime.now()).strftime("%Y%m%d_%H%M%S")
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", label).strip("-.")
    base = f"{stamp}_{slug}" if slug else stamp
    name, counter = base + suffix, 2
    while (parent / name).exists():
        name, counter = f"{base}_{counter}{suffix}", counter + 1
    return name


def label_of_folder(name: str) -> str:
    """The label in a name that `new_folder_name` made; any other name, and one without a label, as it is."""
    return _STAMP.sub("", name) or name
