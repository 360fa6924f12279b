"""Rendered loops on disk: a frame is rendered once, by whichever process gets to it first, and read by all."""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import shutil
import tempfile
import time
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np

from depthstudio import synthetic
from depthstudio.cameras.simulated.render import FrameRenderer, RenderedFrame
from depthstudio.cameras.simulated.settings import SimulatedSettings
from depthstudio.cameras.simulated.stage import Stage
from depthstudio.errors import SourceError
from depthstudio.storage import cache_root

_KEPT_BYTES = 3 * 1024**3
_HELD_BYTES = 96 * 1024**2
_ABANDONED_S = 600.0
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)


def cache_folder() -> Path:
    """Where loops are kept. They can be deleted at any time."""
    return cache_root() / "simulated"


class LoopStore:
    """The frames of one loop. Safe for several threads and processes: every file appears whole or not at all."""

    def __init__(self, settings: SimulatedSettings) -> None:
        self._settings = settings
        stage = Stage(settings)
        # A scene that never moves needs one picture.
        self.count = 1 if stage.is_static else settings.frame_count
        self._renderer = FrameRenderer(stage)
        self.folder = _writable_folder(_key(settings))
        self._present = 0
        self._held: dict[int, RenderedFrame] = {}
        self._held_bytes = 0

    def load(self, index: int) -> RenderedFrame | None:
        """A frame rendered before, or None."""
        path = self._path(index)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return RenderedFrame(*(arrays[name] for name in RenderedFrame._fields))
        except FileNotFoundError:
            return None
        except _UNREADABLE:
            path.unlink(missing_ok=True)
            return None

    def get(self, index: int) -> RenderedFrame:
        """A frame, rendered here and now when nobody has yet."""
        if index in self._held:
            return self._held[index]
        frame = self.load(index)
        if frame is None:
            frame = self._renderer.render(index)
            self._save(index, frame)
        self._hold(index, frame)
        return frame

    def _hold(self, index: int, frame: RenderedFrame) -> None:
        """Keep the first frames in memory: reading them again and again costs more than all else in a short loop."""
        size = sum(array.nbytes for array in frame)
        if self._held_bytes + size <= _HELD_BYTES:
            self._held[index] = frame
            self._held_bytes += size

    def has(self, index: int) -> bool:
        """True when a frame is there to be loaded."""
        return self._path(index).exists()

    def ready(self) -> int:
        """How many frames from the first one on are there."""
        while self._present < self.count and self._path(self._present).exists():
            self._present += 1
        return self._present

    def _path(self, index: int) -> Path:
        return self.folder / f"{index:05d}.npz"

    def _save(self, index: int, frame: RenderedFrame) -> None:
        # No fsync: what a power failure tears is noticed when read, and rendered again.
        try:
            with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as stream:
                np.savez(stream, **frame._asdict())
            Path(stream.name).replace(self._path(index))
        except OSError:
            # A full disk costs speed, not frames.
            return


def prune(keep: Path) -> None:
    """Delete the loops used least recently when all together take too much room; `keep` stays.

    Files that a process left half-written are deleted, too.
    """
    keep.touch()
    for part in keep.glob("*.part"):
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > _ABANDONED_S:
                part.unlink()
    used_s = {path: _stat(path).st_mtime for path in keep.parent.iterdir() if path.is_dir()}
    folders = sorted(used_s, key=lambda path: used_s[path])
    sizes = {folder: sum(_stat(file).st_size for file in folder.glob("*")) for folder in folders}
    total = sum(sizes.values())
    for folder in folders:
        if total <= _KEPT_BYTES:
            return
        if folder != keep:
            shutil.rmtree(folder, ignore_errors=True)
            total -= sizes[folder]


def _key(settings: SimulatedSettings) -> str:
    """Everything that changes a rendered frame, the program's own drawing code included."""
    wall = (settings.distance_m, settings.tilt_deg) if settings.scene == "wall" else ()
    holds = (settings.realtime, settings.board) if settings.scene == "board" else None
    what = (settings.rig, settings.scene, settings.seed, settings.size, settings.frame_count, wall, holds, _code())
    digest = hashlib.sha256(repr(what).encode()).hexdigest()[:12]
    return f"{settings.rig}-{settings.scene}-{settings.seed}-{settings.size[0]}x{settings.size[1]}-{digest}"


@lru_cache(maxsize=1)
def _code() -> str:
    digest = hashlib.sha256()
    folders = [Path(__file__).parent, Path(synthetic.__file__).parent]
    for path in sorted(file for folder in folders for file in folder.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _stat(path: Path) -> os.stat_result:
    """Zeros for what another process has moved or deleted since it was listed."""
    try:
        return path.stat()
    except OSError:
        return os.stat_result((0,) * 10)


def _writable_folder(key: str) -> Path:
    """The loop's folder, made: in the cache, or beside other temporary files when that cannot be written.

    Not one of a random name: the child processes that render ahead must find the same, and `prune` clears what lies
    beside it.
    """
    for root in (cache_folder(), Path(tempfile.gettempdir()) / f"depthstudio-simulated-{getpass.getuser()}"):
        folder = root / key
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
    raise SourceError(
        "The simulated rig has no place for its pictures.",
        f"{cache_folder()} cannot be written, and no temporary folder either.",
        "Set DEPTHSTUDIO_CACHE to a folder that can.",
    )
