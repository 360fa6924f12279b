"""What is written into a new session, how it is begun and how it is finished."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field

from depthstudio.cameras import CaptureThread, Recorder
from depthstudio.cameras.recording_modes import RecordingMode
from depthstudio.datasets.session import Session
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.errors import UserError
from depthstudio.gui.studio import Studio
from depthstudio.workspace import new_folder_name


@dataclass(frozen=True)
class RecordingPlan:
    """What is written into the session, and which frames."""

    name: str = ""
    notes: str = ""
    tags: tuple[str, ...] = ()
    role: str = ""
    mode: RecordingMode = field(default_factory=RecordingMode)


def new_writer(studio: Studio, capture: CaptureThread, plan: RecordingPlan) -> SessionWriter:
    """A new session in the workspace, with the camera's settings and the calibration in force."""
    parent = studio.workspace.sessions
    folder = parent / new_folder_name(parent, plan.name)
    active = studio.calibration
    settings: dict[str, object] = {"camera": capture.source.title, "recording_mode": plan.mode.mode.value}
    settings |= {control.name: control.value for control in capture.controls}
    calibration = active.calibration if active is not None else None
    return SessionWriter(folder, capture.source.url, calibration, settings, name=plan.name.strip(), notes=plan.notes)


def finish(recorder: Recorder, plan: RecordingPlan) -> None:
    """Tags and role of a recording that was closed; one without frames is removed.

    Where the disk is gone this fails in silence: the recorder's own error was told, and the frames are what matters.
    """
    folder = recorder.writer.folder
    try:
        if not recorder.recorded:
            shutil.rmtree(folder, ignore_errors=True)
        elif plan.tags or plan.role:
            session = Session.open(folder)
            session.set_tags(plan.tags)
            session.set_role(plan.role)
    except UserError:
        return
