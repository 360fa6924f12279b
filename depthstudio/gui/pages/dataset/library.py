"""The recordings of the workspace and how they are split. Reads files; called from tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthstudio.datasets.rectified_samples import SessionFrames
from depthstudio.datasets.session import Session, list_sessions
from depthstudio.datasets.split import split_by_session
from depthstudio.errors import CalibrationError, DatasetError


@dataclass(frozen=True, eq=False)
class Recording:
    """A session with what its card shows. usable: frames that a network can learn from. fill: mean share of depth."""

    session: Session
    thumbnail: NDArray[np.uint8] | None
    usable: int
    fill: float | None
    calibrated: bool
    problem: str = ""

    @property
    def folder(self) -> Path:
        """What tells recordings apart."""
        return self.session.folder

    @property
    def when(self) -> str:
        """Date and time to the minute."""
        return self.session.created[:16].replace("T", " ")


@dataclass(frozen=True)
class Side:
    """Recordings and usable frames of one side of the split."""

    recordings: int = 0
    frames: int = 0

    def __str__(self) -> str:
        words = f"{self.recordings} {'recording' if self.recordings == 1 else 'recordings'}"
        return f"{words}, {self.frames} {'frame' if self.frames == 1 else 'frames'}" if self.recordings else "none"


@dataclass(frozen=True)
class SplitTotals:
    """Both sides as a training would take them. automatic: recordings put into validation because none was chosen.

    problem: why a training would refuse to start, and what to do; empty when it would not.
    """

    train: Side
    validation: Side
    ignored: int
    automatic: tuple[str, ...] = ()
    problem: str = ""
    next_step: str = ""


def read_library(folder: Path) -> list[Recording]:
    """Every readable recording, newest first."""
    sessions = sorted(list_sessions(folder), key=lambda session: (session.created, session.folder.name), reverse=True)
    return [_recording(session) for session in sessions]


def split_totals(recordings: Sequence[Recording]) -> SplitTotals:
    """What the roles mean, by the rule that training uses."""
    roles = {r.folder.name: r.session.role for r in recordings if r.session.role}
    names = {r.folder.name: r.session.name for r in recordings}
    groups = [r.folder.name for r in recordings for _ in range(r.usable)]
    ignored = sum(r.session.role == "ignored" for r in recordings)
    try:
        split = split_by_session(groups, roles)
    except DatasetError as error:
        train, validation = (_side(recordings, role) for role in ("train", "validation"))
        return SplitTotals(train, validation, ignored, (), error.what, error.next_step)
    trains = [groups[i] for i in split.train]
    validates = [groups[i] for i in split.validation]
    automatic = tuple(names[group] for group in dict.fromkeys(validates) if roles.get(group) != "validation")
    return SplitTotals(
        Side(len(set(trains)), len(trains)), Side(len(set(validates)), len(validates)), ignored, automatic
    )


def _side(recordings: Sequence[Recording], role: str) -> Side:
    frames = [r.usable for r in recordings if r.session.role == role and r.usable]
    return Side(len(frames), sum(frames))


def _recording(session: Session) -> Recording:
    fills = [r["checks"]["fill_rate"] for r in session.records if "fill_rate" in r.get("checks", {})]
    problem = ""
    try:
        usable = len(SessionFrames(session).positions)
    except DatasetError:
        usable = 0
    try:
        thumbnail = session.thumbnail() if session.records else None
    except DatasetError as error:
        thumbnail, problem = None, error.what
    try:
        calibrated = session.calibration is not None
    except CalibrationError as error:
        calibrated, problem = False, error.what
    return Recording(session, thumbnail, usable, float(np.mean(fills)) if fills else None, calibrated, problem)
