"""Deleting a recording moves its folder; nothing is ever destroyed."""

from __future__ import annotations

from pathlib import Path

from depthstudio.errors import DatasetError


def throw_away(folder: Path, workspace: Path) -> Path:
    """Move a recording into the workspace's trash and return where it is now. DatasetError when it cannot move."""
    return _move(folder, workspace / "trash")


def restore(trashed: Path, sessions: Path) -> Path:
    """Move a recording back. DatasetError when it cannot move."""
    return _move(trashed, sessions)


def _move(folder: Path, parent: Path) -> Path:
    target, number = parent / folder.name, 2
    while target.exists():
        target, number = parent / f"{folder.name}_{number}", number + 1
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder.rename(target)
    except OSError as error:
        raise DatasetError(
            f"{folder.name} cannot be moved to {parent}.",
            f"{error.strerror or error}.",
            "Is the workspace read-only?",
        ) from error
    return target
