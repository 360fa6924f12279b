"""Session: a recording on disk, read and described. Writing frames is SessionWriter's."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.datasets.session_format import (
    CALIBRATION_FILE,
    FRAMES_FILE,
    ROLES,
    SESSION_FILE,
    THUMBNAIL_FILE,
    Record,
    check_frame,
    complete_lines,
    read_pixels,
    read_session_file,
)
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.errors import CalibrationError, DatasetError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration
from depthstudio.storage import atomic_path, write_text

__all__ = ["Session", "SessionWriter", "list_sessions"]

_THUMBNAIL_WIDTH_PX = 240


class Session:
    """One recording. Frames are read from disk when asked for; edits of its description are atomic.

    records: the lines of frames.jsonl. damaged_lines: finished lines that are no frame (the file was edited or the disk
    failed); a torn last line of a crash is not counted, its frame was never acknowledged.
    """

    def __init__(self, folder: Path, about: dict[str, Any], records: list[Record], damaged_lines: int) -> None:
        self.folder = folder
        self._about = about
        self.records = records
        self.damaged_lines = damaged_lines

    @classmethod
    def open(cls, folder: Path | str) -> Session:
        """Read the description and the list of frames, no images. DatasetError when it is no session."""
        folder = Path(folder)
        about = read_session_file(folder)
        try:
            content = (folder / FRAMES_FILE).read_bytes()
        except FileNotFoundError:
            content = b""
        except OSError as error:
            raise DatasetError(f"The session {folder.name} cannot be read.", f"{error}.") from error
        lines = [record for record, _ in complete_lines(content)]
        records = [record for record in lines if record is not None]
        return cls(folder, about, records, len(lines) - len(records))

    def __len__(self) -> int:
        return len(self.records)

    @property
    def frame_count(self) -> int:
        """Number of frames, those marked out included."""
        return len(self.records)

    @property
    def name(self) -> str:
        """What the user calls it; the folder's name at first."""
        return str(self._about.get("name") or self.folder.name)

    @property
    def notes(self) -> str:
        """The user's notes."""
        return str(self._about.get("notes", ""))

    @property
    def tags(self) -> tuple[str, ...]:
        """The user's tags."""
        return tuple(str(tag) for tag in self._about.get("tags", ()))

    @property
    def role(self) -> str:
        """``train``, ``validation``, ``ignored``, or empty when not decided."""
        role = self._about.get("role", "")
        return role if role in ROLES else ""

    @property
    def created(self) -> str:
        """When recording began, ISO 8601."""
        return str(self._about.get("created", ""))

    @property
    def source_url(self) -> str:
        """Which camera, recording or rig the frames came from."""
        return str(self._about.get("source_url", ""))

    @property
    def camera_settings(self) -> dict[str, Any]:
        """The camera's settings when recording began."""
        return dict(self._about.get("camera_settings") or {})

    @cached_property
    def calibration(self) -> StereoCalibration | None:
        """The calibration in use while recording, None when there was none. CalibrationError when damaged."""
        path = self.folder / CALIBRATION_FILE
        try:
            return StereoCalibration.load(path) if path.exists() else None
        except CalibrationError as error:
            raise CalibrationError(f"The session {self.name}: {error.what}", error.why, error.next_step) from error

    @property
    def image_size(self) -> tuple[int, int] | None:
        """(width, height) of the first left image; None for an empty session."""
        if not self.records:
            return None
        width, height = self.records[0]["size"]
        return int(width), int(height)

    @property
    def excluded(self) -> frozenset[int]:
        """Positions (from 0, as in `frame`) of the frames marked out."""
        marked = {index for index in self._about.get("excluded", ()) if isinstance(index, int)}
        return frozenset(i for i, record in enumerate(self.records) if record["index"] in marked)

    @property
    def included(self) -> list[int]:
        """Positions of the frames not marked out, in order of time."""
        excluded = self.excluded
        return [i for i in range(len(self.records)) if i not in excluded]

    def has(self, part: str) -> bool:
        """True when any frame has `part`: right, depth_mm, color, exact_depth_m or label_confidence."""
        return any(part in record["files"] for record in self.records)

    def frame(self, i: int) -> StereoFrame:
        """Frame `i` (from 0) with its images. DatasetError when a file is missing, damaged or of the wrong kind."""
        record = self.records[i]
        images = {part: read_pixels(self.folder / name) for part, name in record["files"].items()}
        frame = StereoFrame(
            number=record.get("number") or 0,
            timestamp_s=float(record.get("timestamp_s", 0.0)),
            right_timestamp_s=record.get("right_timestamp_s"),
            left=images["left"],
            right=images.get("right"),
            depth_mm=images.get("depth_mm"),
            color=images.get("color"),
            exact_depth_m=images.get("exact_depth_m"),
            label_confidence=images.get("label_confidence"),
            metadata=record.get("metadata") or {},
        )
        try:
            check_frame(frame)
        except ValueError as error:
            raise DatasetError(
                f"Frame {record['index']} of the session {self.name} is damaged.",
                f"{error}.",
                "Mark it out, or delete its line in frames.jsonl.",
            ) from error
        return frame

    def left_image(self, i: int) -> NDArray[np.uint8]:
        """The left image of frame `i` alone, for lists and thumbnails."""
        return read_pixels(self.folder / self.records[i]["files"]["left"])

    def thumbnail(self) -> NDArray[np.uint8]:
        """A small (H, 240, 3) RGB picture of the recording's middle, kept as a file until frames are added."""
        path = self.folder / THUMBNAIL_FILE
        with contextlib.suppress(OSError, DatasetError):
            if path.stat().st_mtime >= (self.folder / FRAMES_FILE).stat().st_mtime:
                return read_pixels(path)
        if not self.records:
            return np.zeros((_THUMBNAIL_WIDTH_PX * 3 // 4, _THUMBNAIL_WIDTH_PX, 3), np.uint8)
        image = self.left_image(len(self.records) // 2)
        height = max(1, round(image.shape[0] * _THUMBNAIL_WIDTH_PX / image.shape[1]))
        small = cv2.resize(image, (_THUMBNAIL_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
        if small.ndim == 2:
            small = cv2.cvtColor(small, cv2.COLOR_GRAY2RGB)
        with contextlib.suppress(OSError), atomic_path(path) as temporary:  # a read-only folder has no cache
            temporary.write_bytes(cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1].tobytes())
        return np.asarray(small, np.uint8)

    def set_role(self, role: str) -> None:
        """Use the recording for ``train`` or ``validation``, not at all (``ignored``), or undecided (empty)."""
        if role not in ROLES:
            raise ValueError(f"role {role!r} is none of {ROLES}")
        self._edit(role=role)

    def rename(self, name: str) -> None:
        """Change the name that is shown; the folder keeps its own."""
        self._edit(name=name.strip())

    def set_notes(self, notes: str) -> None:
        """Replace the notes."""
        self._edit(notes=notes)

    def set_tags(self, tags: Iterable[str]) -> None:
        """Replace the tags; empty ones and doubles are dropped."""
        self._edit(tags=list(dict.fromkeys(tag.strip() for tag in tags if tag.strip())))

    def set_excluded(self, positions: Iterable[int]) -> None:
        """Mark exactly the frames at these positions (from 0) out of training and validation."""
        self._edit(excluded=sorted(self.records[i]["index"] for i in set(positions)))

    def _edit(self, **changes: Any) -> None:
        """Change fields of session.json as it is now on disk, so that edits made meanwhile elsewhere are kept."""
        about = {**read_session_file(self.folder), **changes}
        try:
            write_text(self.folder / SESSION_FILE, json.dumps(about, indent=2) + "\n")
        except OSError as error:
            raise DatasetError(
                f"The session {self.name} cannot be changed.", f"{error.strerror or error}.", "Is its folder read-only?"
            ) from error
        self._about = about


def list_sessions(folder: Path) -> list[Session]:
    """Every readable session directly below `folder`, oldest name first; folders that are none are left out."""
    found = []
    with contextlib.suppress(OSError):  # a folder that may not be read holds nothing for us
        for candidate in sorted(folder.iterdir()) if folder.is_dir() else ():
            with contextlib.suppress(DatasetError, OSError):
                if (candidate / SESSION_FILE).is_file():
                    found.append(Session.open(candidate))
    return found
