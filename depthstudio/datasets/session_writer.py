"""SessionWriter: frames to disk at camera rate; what was acknowledged survives a crash."""

from __future__ import annotations

import errno
import json
import os
import queue
import shutil
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from depthstudio.datasets.session_format import (
    CALIBRATION_FILE,
    FORMAT_VERSION,
    FRAMES_FILE,
    FRAMES_FOLDER,
    SESSION_FILE,
    Record,
    check_frame,
    complete_lines,
    frame_parts,
    line_of,
    read_session_file,
    record_of,
    write_pixels,
)
from depthstudio.errors import DatasetError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration
from depthstudio.storage import write_text

_MAX_IN_FLIGHT = 16
# More encoders than cores: they wait for fsync half of the time, and those that wait together share one journal write.
_WAITING_FOR_DISK = 4
_TEMPORARY = ".part"


@dataclass
class _Ticket:
    """A frame on its way: its files being written, and the promise to whoever handed it in."""

    record: Record
    parts: list[Future[int]]
    acknowledged: Future[int]


class SessionWriter:
    """Writes one session. Frames are encoded by a few threads and committed in order by one.

    `append` returns when the frame is durable: its files are written to temporary names, fsynced and renamed, then its
    line is appended and fsynced. `submit` returns at once with a future of the same promise, so that several frames
    share the waiting; at most sixteen are in flight, then `submit` waits too.

    An OSError (disk full, read-only folder, drive removed) reaches the caller as DatasetError. Nothing more is
    written then, and the session holds every frame acknowledged before.
    """

    def __init__(
        self,
        folder: Path,
        source_url: str,
        calibration: StereoCalibration | None,
        camera_settings: Mapping[str, Any],
        *,
        name: str = "",
        notes: str = "",
    ) -> None:
        if (folder / SESSION_FILE).exists():
            raise DatasetError(
                f"There is a session in {folder} already.", next_step="Choose another folder, or reopen that session."
            )
        _check_nothing_is_lost(folder)
        about = {
            "format": FORMAT_VERSION,
            "name": name or folder.name,
            "notes": notes,
            "tags": [],
            "role": "",
            "created": datetime.now().astimezone().isoformat(timespec="seconds"),
            "source_url": source_url,
            "camera_settings": dict(camera_settings),
            "calibration_id": calibration.id if calibration is not None else None,
            "excluded": [],
        }
        is_new = not folder.exists()
        try:
            (folder / FRAMES_FOLDER).mkdir(parents=True, exist_ok=True)
            if calibration is not None:
                calibration.save(folder / CALIBRATION_FILE)
            (folder / FRAMES_FILE).touch()
            write_text(folder / SESSION_FILE, json.dumps(about, indent=2, default=str) + "\n")
        except OSError as error:
            if is_new:
                shutil.rmtree(folder, ignore_errors=True)
            raise _storage_error(folder, error) from error
        self._start(folder, frame_count=0, last_index=0)

    @classmethod
    def reopen(cls, folder: Path) -> SessionWriter:
        """Go on with an existing session. A torn last line and half-written files of a crash are removed first."""
        read_session_file(folder)
        try:
            records = _repair(folder)
        except OSError as error:
            raise _storage_error(folder, error) from error
        writer = cls.__new__(cls)
        writer._start(folder, len(records), max((record["index"] for record in records), default=0))
        return writer

    def _start(self, folder: Path, frame_count: int, last_index: int) -> None:
        self.folder = folder
        self._frame_count = frame_count
        self._last_index = last_index
        self._bytes_written = 0
        self._error: DatasetError | None = None
        try:
            self._lines = (folder / FRAMES_FILE).open("ab", buffering=0)
            for directory in (folder / FRAMES_FOLDER, folder, folder.parent):
                _sync_directory(directory)
        except OSError as error:
            raise _storage_error(folder, error) from error
        self._closed = False
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(_MAX_IN_FLIGHT)
        self._tickets: queue.SimpleQueue[_Ticket | None] = queue.SimpleQueue()
        self._encoders = ThreadPoolExecutor(
            (os.cpu_count() or 2) + _WAITING_FOR_DISK, thread_name_prefix="session-encoder"
        )
        self._committer = threading.Thread(target=self._commit_all, name="session-committer", daemon=True)
        self._committer.start()

    @property
    def frame_count(self) -> int:
        """Frames acknowledged so far, those of an earlier opening included."""
        return self._frame_count

    @property
    def bytes_written(self) -> int:
        """Size of everything acknowledged since this writer was opened."""
        return self._bytes_written

    def append(self, frame: StereoFrame) -> None:
        """Write one frame; returns when it is durable. DatasetError when the disk refuses it."""
        self.submit(frame).result()

    def submit(self, frame: StereoFrame) -> Future[int]:
        """Hand in one frame; the future gives its index in the session (from 1) once it is durable, or DatasetError.

        ValueError for a frame that cannot be stored without loss (wrong dtype or shape): the session goes on.
        """
        check_frame(frame)
        self._slots.acquire()
        with self._lock:
            if self._closed or self._error is not None:
                self._slots.release()
                raise self._error or DatasetError("This recording is closed already.")
            self._last_index += 1
            parts = frame_parts(frame, self._last_index)
            record = record_of(frame, self._last_index, {part: name for part, (name, _) in parts.items()})
            ticket = _Ticket(
                record,
                [self._encoders.submit(self._write_temporary, name, pixels) for name, pixels in parts.values()],
                Future(),
            )
            self._tickets.put(ticket)
        return ticket.acknowledged

    def close(self) -> None:
        """Wait for the frames in flight and release the files. Harmless when closed already."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._tickets.put(None)
        self._committer.join()
        self._encoders.shutdown()
        self._lines.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write_temporary(self, name: str, pixels: Any) -> int:
        target = self.folder / name
        temporary = target.with_name(f"{_TEMPORARY}-{target.name}")
        write_pixels(temporary, pixels)
        with temporary.open("r+b") as written:
            os.fsync(written.fileno())
            return os.fstat(written.fileno()).st_size

    def _commit_all(self) -> None:
        """Commit tickets in order. Those that wait together share the fsync of the folder and that of the lines."""
        finished = False
        while not finished:
            waiting = [self._tickets.get()]
            while not self._tickets.empty():
                waiting.append(self._tickets.get())
            finished = waiting[-1] is None
            self._commit([ticket for ticket in waiting if ticket is not None])

    def _commit(self, group: list[_Ticket]) -> None:
        if not group:
            return
        try:
            if self._error is None:
                self._commit_files(group)
        except Exception as error:  # whatever it was, the caller of append must hear it
            self._error = _storage_error(self.folder, error)
            self._error.__cause__ = error
        for ticket in group:
            if self._error is None:
                ticket.acknowledged.set_result(ticket.record["index"])
            else:
                self._discard(ticket)
                ticket.acknowledged.set_exception(self._error)
            self._slots.release()

    def _commit_files(self, group: list[_Ticket]) -> None:
        size = sum(part.result() for ticket in group for part in ticket.parts)
        for ticket in group:
            for name in ticket.record["files"].values():
                target = self.folder / name
                target.with_name(f"{_TEMPORARY}-{target.name}").replace(target)
        _sync_directory(self.folder / FRAMES_FOLDER)
        lines = b"".join(line_of(ticket.record) for ticket in group)
        before = os.fstat(self._lines.fileno()).st_size
        try:
            if self._lines.write(lines) != len(lines):
                raise OSError(errno.ENOSPC, "No space left on device")
            os.fsync(self._lines.fileno())
        except OSError:
            os.ftruncate(self._lines.fileno(), before)
            raise
        self._frame_count += len(group)
        self._bytes_written += size + len(lines)

    def _discard(self, ticket: _Ticket) -> None:
        for part in ticket.parts:
            part.exception()  # wait until it is written or failed
        for name in ticket.record["files"].values():
            target = self.folder / name
            for leftover in (target, target.with_name(f"{_TEMPORARY}-{target.name}")):
                try:
                    leftover.unlink(missing_ok=True)
                except OSError:
                    continue  # the drive may be gone; readers ignore files without a line


def _check_nothing_is_lost(folder: Path) -> None:
    """DatasetError when a new session would write over what lies in its folder, such as a recording's frames."""
    for name in (FRAMES_FILE, FRAMES_FOLDER, CALIBRATION_FILE):
        place = folder / name
        if place.is_file() or (place.is_dir() and any(place.iterdir())):
            raise DatasetError(
                f"{place} is there already.", "A new session would write over it.", "Choose another folder."
            )


def _sync_directory(folder: Path) -> None:
    """Make new and renamed files in `folder` durable. Windows has no such call and needs none."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _repair(folder: Path) -> list[Record]:
    """Cut a torn last line off and delete temporary files; returns the records that remain."""
    lines = folder / FRAMES_FILE
    content = lines.read_bytes() if lines.exists() else b""
    records, end = [], 0
    for record, line_end in complete_lines(content):
        end = line_end
        if record is not None:
            records.append(record)
    if end < len(content):
        os.truncate(lines, end)
    (folder / FRAMES_FOLDER).mkdir(exist_ok=True)
    for leftover in (folder / FRAMES_FOLDER).glob(f"{_TEMPORARY}-*"):
        leftover.unlink()
    return records


def _storage_error(folder: Path, error: Exception) -> DatasetError:
    what = f"The recording in {folder} cannot be written."
    code = error.errno if isinstance(error, OSError) else None
    if code in (errno.ENOSPC, errno.EDQUOT):
        return DatasetError(what, "The disk is full.", "Free some space or choose a workspace on another disk.")
    if code in (errno.EROFS, errno.EACCES, errno.EPERM):
        return DatasetError(what, "Writing is not allowed there.", "Choose another folder or change its permissions.")
    if code in (errno.ENOTDIR, errno.EEXIST):
        return DatasetError(what, "A file is in the way.", "Choose another folder.")
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return DatasetError(what, f"{reason}.", "Check that the drive is still there.")
