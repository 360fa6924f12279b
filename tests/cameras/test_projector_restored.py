"""Whatever ends a recording of projector pairs, the camera gets its projector back as it was."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("pyrealsense2")
import pyrealsense2 as rs
from software_camera import SoftwareCamera

from depthstudio.cameras import CaptureState, CaptureThread, Recorder, recording
from depthstudio.cameras.realsense import RealSenseSource
from depthstudio.cameras.recording import record
from depthstudio.cameras.recording_modes import Mode, RecordingMode, objection
from depthstudio.cameras.urls import SourceUrl
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.datasets.views import ViewMemory
from depthstudio.errors import DatasetError, SourceError

OFF, ON, AUTOMATIC = 0, 1, 2


@contextmanager
def streaming(camera: SoftwareCamera) -> Iterator[CaptureThread]:
    """A capture of the fake camera while that delivers pictures."""
    stop = threading.Event()
    capture = CaptureThread(RealSenseSource(SourceUrl.parse("realsense://000111222333?mode=ir"), camera.device))
    capture.start()
    wait_for(lambda: capture.state is not CaptureState.OPENING)
    producer = camera.produce(stop)
    try:
        yield capture
    finally:
        capture.stop()
        stop.set()
        producer.join()


def wait_for(condition: object, timeout_s: float = 20.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def state_of(camera: SoftwareCamera) -> tuple[float, float]:
    stereo = camera.sensors["stereo"]
    return stereo.get_option(rs.option.emitter_enabled), stereo.get_option(rs.option.emitter_on_off)


def started(camera: SoftwareCamera, capture: CaptureThread, folder: Path, mode: Mode) -> Recorder:
    views = ViewMemory()
    stage = RecordingMode(mode).stage(capture, views)
    recorder = Recorder(capture, SessionWriter(folder, "realsense://", None, {}), stage=stage, views=views)
    recorder.start()
    return recorder


def test_a_recording_that_cannot_begin_never_touches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = SoftwareCamera()
    camera.sensors["stereo"].set_option(rs.option.emitter_enabled, OFF)
    asked: list[float] = []
    source = RealSenseSource(SourceUrl.parse("realsense://000111222333?mode=ir"), camera.device)
    monkeypatch.setattr(source, "set_control", lambda name, value: asked.append(value))
    monkeypatch.setattr(recording, "open_source", lambda url: source)
    in_the_way = tmp_path / "s"
    in_the_way.write_text("")
    with pytest.raises(DatasetError):
        record("realsense://000111222333", in_the_way, mode=RecordingMode(Mode.EMITTER))
    assert not asked and state_of(camera) == (OFF, 0)


@pytest.mark.parametrize("before", [OFF, ON, AUTOMATIC])
def test_an_error_while_recording_puts_it_back(before: int, tmp_path: Path) -> None:
    camera = SoftwareCamera()
    camera.sensors["stereo"].set_option(rs.option.emitter_enabled, before)
    with streaming(camera) as capture:
        recorder = started(camera, capture, tmp_path / "s", Mode.EMITTER)
        assert recorder.wait(60)  # its pictures are noise: the projector makes no difference to them
        assert isinstance(recorder.error, SourceError)
        assert state_of(camera) == (before, 0)


def test_a_source_closed_while_recording_gets_it_back_first(tmp_path: Path) -> None:
    camera = SoftwareCamera()
    camera.sensors["stereo"].set_option(rs.option.emitter_enabled, AUTOMATIC)
    with streaming(camera) as capture:
        recorder = started(camera, capture, tmp_path / "s", Mode.EMITTER)
        wait_for(lambda: state_of(camera) != (AUTOMATIC, 0))
        capture.stop()
        assert state_of(camera) == (AUTOMATIC, 0)
        assert recorder.wait(20)
    assert state_of(camera) == (AUTOMATIC, 0)


def test_the_devices_own_alternation_is_switched_on_for_a_recording_and_off_after_it(tmp_path: Path) -> None:
    camera = SoftwareCamera()
    with streaming(camera) as capture:
        recorder = started(camera, capture, tmp_path / "s", Mode.EMITTER_ALTERNATING)
        wait_for(lambda: state_of(camera) == (ON, 1))
        recorder.stop()
        assert state_of(camera) == (ON, 0)


def test_a_device_that_cannot_alternate_is_refused_with_its_reason() -> None:
    camera = SoftwareCamera(alternates=False)
    with streaming(camera) as capture:
        assert objection(Mode.EMITTER, capture.source, capture.controls) == ""
        assert objection(Mode.BURST, capture.source, capture.controls) == ""
        capture.source.sees_dots = False  # as that of a rig of colour cameras
        assert "never show" in objection(Mode.EMITTER, capture.source, capture.controls)
        capture.source.sees_dots = True
        with pytest.raises(SourceError) as refusal:
            RecordingMode(Mode.EMITTER_ALTERNATING).stage(capture, ViewMemory())
    assert "firmware 5.12" in refusal.value.why
