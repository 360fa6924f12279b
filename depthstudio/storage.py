"""Writing files so that a crash at any moment leaves either the old file or the new one, never half of one."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_root() -> Path:
    """Where what can be made again is kept: DEPTHSTUDIO_CACHE, else the user's cache folder. Nothing is created."""
    chosen = os.environ.get("DEPTHSTUDIO_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return (Path(chosen) if chosen else Path(home) / "depthstudio").expanduser().absolute()


def check_target(target: Path) -> None:
    """OSError when no file can be written as `target`. For before work that would be lost; makes nothing."""
    nearest = next((folder for folder in target.absolute().parents if folder.exists()), target.parent)
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if not nearest.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(nearest))
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; on success it is fsynced and renamed over `target`.

    The temporary name keeps the suffix, because image writers choose the format by it.
    On an exception the temporary file is removed and `target` stays as it was; an OSError names `target`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    writer = f"{os.getpid()}-{threading.get_ident()}"  # two threads may write one file: the last one wins, whole
    temporary = target.with_name(f".{target.stem}.{writer}.tmp{target.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(target)
    except OSError as error:
        if error.filename is not None and Path(error.filename) == temporary:
            error.filename, error.filename2 = str(target), None
        raise
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(target: Path, content: bytes) -> None:
    """Replace `target` by `content` atomically."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)


def write_text(target: Path, content: str) -> None:
    """Replace `target` by `content` (UTF-8) atomically."""
    write_bytes(target, content.encode("utf-8"))
