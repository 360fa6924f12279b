"""From a source's URL to a recording session on disk, in one call."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from depthstudio.cameras.camera_memory import CameraMemory
from depthstudio.cameras.capture import CaptureState, CaptureThread
from depthstudio.cameras.opening import open_source
from depthstudio.cameras.recorded import RecordedSource
from depthstudio.cameras.recorder import QUEUE_CAPACITY, Recorder
from depthstudio.cameras.recording_modes import RecordingMode
from depthstudio.cameras.subscriptions import FrameQueue
from depthstudio.cameras.urls import SourceUrl
from depthstudio.cancel import CancelToken
from depthstudio.datasets.session import Session
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.datasets.views import ViewMemory
from depthstudio.errors import SourceError
from depthstudio.geometry import StereoCalibration

_POLL_S = 0.05
_GRACE_S = 10.0
_FIRST_FRAME_S = 60.0  # a simulated room may have to be rendered first


@dataclass(frozen=True)
class RecordingProgress:
    """recorded: frames on disk. dropped: lost because the disk was too slow. rate_hz: the source's.

    expected: frames there will be, when that is known. refused: why frames were left out, and how many. hint: what
    the person at the camera should do.
    """

    recorded: int
    dropped: int
    rate_hz: float
    seconds: float
    expected: int | None = None
    refused: dict[str, int] = field(default_factory=dict)
    hint: str = ""


def record(
    url: str,
    folder: Path | str,
    *,
    mode: RecordingMode | None = None,
    frames: int | None = None,
    seconds: float | None = None,
    name: str = "",
    role: str = "",
    notes: str = "",
    tags: Sequence[str] = (),
    calibration: StereoCalibration | None = None,
    memory: CameraMemory | None = None,
    on_progress: Callable[[RecordingProgress], None] | None = None,
    cancel: CancelToken | None = None,
) -> Session:
    """Record `url` into the new session `folder` until a limit, the source's end, or `cancel`.

    mode: which frames; by default every one. frames: how many recorded ones. seconds: on the source's own clock.
    calibration: kept with the session instead of what the source itself knows. memory: whose settings a camera gets.
    A recording is copied completely; a camera never waits, and what the disk could not take is counted as dropped.
    UserError when the source or the disk fails, or no frame came; what was recorded before is kept, and without any
    frame nothing is left behind.
    """
    folder = Path(folder)
    existed = folder.exists()
    capture, queue = _opened(str(SourceUrl.parse(url).in_full()), memory, cancel)
    try:
        mode, views = mode or RecordingMode(), ViewMemory()
        stage = mode.stage(capture, views)
        settings: dict[str, Any] = {"camera": capture.source.title, "recording_mode": mode.mode.value}
        settings |= {control.name: control.value for control in capture.controls}
        known = calibration or capture.calibration
        writer = SessionWriter(folder, capture.source.url, known, settings, name=name, notes=notes)
        limits: dict[str, Any] = {"frame_limit": frames, "seconds_limit": seconds}
        recorder = Recorder(capture, writer, queue, stage=stage, views=views, **limits)
        recorder.start()
        try:
            _wait_until_done(recorder, seconds, on_progress, cancel)
        finally:
            recorder.stop()
    finally:
        capture.stop()
    if not recorder.recorded and not existed:
        shutil.rmtree(folder, ignore_errors=True)
    if recorder.error is not None:
        raise recorder.error
    if capture.error is not None:
        if not recorder.recorded:
            raise capture.error
        kept = f"The {recorder.recorded} frames recorded before are kept in {folder}."
        raise SourceError(capture.error.what, capture.error.why, kept)
    if not recorder.recorded:
        refused = ", ".join(f"{count} {reason}" for reason, count in recorder.refused.items())
        why = f"Frames were left out: {refused}." if refused else "It delivered none."
        raise SourceError(f"No frame was recorded from {url}.", why, "Look whether it shows a picture.")
    session = Session.open(folder)
    if role:
        session.set_role(role)
    if tags:
        session.set_tags(tags)
    return session


def _opened(url: str, memory: CameraMemory | None, cancel: CancelToken | None) -> tuple[CaptureThread, FrameQueue]:
    """The running capture and the queue of its frames. A remembered mode that is no longer offered is left alone."""
    remembered = memory.in_remembered_mode(url) if memory is not None else url
    capture = CaptureThread(open_source(remembered), prepare=memory.apply if memory is not None else None)
    queue = capture.every_frame(QUEUE_CAPACITY)
    capture.start()
    try:
        _wait_until_open(capture, cancel)
    except SourceError:
        capture.stop()
        if remembered == url or memory is None:
            raise
        return _opened(url, None, cancel)
    return capture, queue


def _wait_until_open(capture: CaptureThread, cancel: CancelToken | None) -> None:
    while capture.state is CaptureState.OPENING and not (cancel and cancel.is_cancelled):
        time.sleep(_POLL_S / 5)
    if capture.error is not None:
        raise capture.error


def _wait_until_done(
    recorder: Recorder,
    seconds: float | None,
    on_progress: Callable[[RecordingProgress], None] | None,
    cancel: CancelToken | None,
) -> None:
    started_s = time.monotonic()
    is_live = recorder.capture.source.is_live
    first_frame_s = started_s
    while not recorder.wait(_POLL_S):
        now_s = time.monotonic()
        elapsed_s = now_s - started_s
        if cancel is not None and cancel.is_cancelled:
            return
        if not recorder.recorded:
            first_frame_s = now_s
        if is_live and not recorder.recorded and elapsed_s > _FIRST_FRAME_S:
            return
        if is_live and seconds is not None and now_s - first_frame_s > seconds + _GRACE_S:
            return  # a camera that stopped delivering
        if on_progress is not None:
            on_progress(_progress(recorder, elapsed_s))
    if on_progress is not None:
        on_progress(_progress(recorder, time.monotonic() - started_s))


def _progress(recorder: Recorder, elapsed_s: float) -> RecordingProgress:
    source = recorder.capture.source
    expected = recorder.frame_limit
    if expected is None and recorder.stage is None and isinstance(source, RecordedSource) and not source.loop:
        expected = source.frame_count
    rate_hz = recorder.capture.counters().rate_hz
    return RecordingProgress(
        recorder.recorded, recorder.dropped, rate_hz, elapsed_s, expected, recorder.refused, recorder.hint
    )
