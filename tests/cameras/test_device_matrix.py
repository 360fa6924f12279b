"""What a camera does to a program that records for hours, on the SDK's software device: the whole matrix in one file.

    pytest tests/cameras/test_device_matrix.py -v

Starts and stops, starvation, vanishing and returning, sets of streams nobody thought of, metadata missing. Everything
behind the fake camera is the real SDK.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyrealsense2")
from software_camera import SoftwareCamera, picture
from software_streaming import read, streaming

from depthstudio.cameras import CaptureState, CaptureThread, Recorder, open_source
from depthstudio.cameras.realsense import RealSenseSource
from depthstudio.cameras.realsense_devices import list_devices
from depthstudio.cameras.urls import SourceUrl
from depthstudio.datasets.session import Session
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.errors import SourceError


def wait_for(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


# ---- starts and stops


def test_forty_starts_and_stops_leave_nothing_behind() -> None:
    camera = SoftwareCamera()
    stop = threading.Event()
    producer = camera.produce(stop)
    before = threading.active_count()
    try:
        for _ in range(40):
            source = RealSenseSource(SourceUrl.parse("realsense://"), device=camera.device)
            source.open()
            read(source, 1)
            source.close()
    finally:
        stop.set()
        producer.join()
    assert threading.active_count() <= before


def test_forty_captures_one_after_the_other_end_while_frames_come() -> None:
    camera = SoftwareCamera()
    stop = threading.Event()
    producer = camera.produce(stop)
    before = threading.active_count()
    try:
        for number in range(40):
            capture = CaptureThread(RealSenseSource(SourceUrl.parse("realsense://"), device=camera.device))
            newest = capture.newest()
            capture.start()
            if number % 2:  # every other one is stopped before its first frame
                assert newest.take(10) is not None
            assert capture.stop(10) and capture.state is CaptureState.CLOSED
            assert capture.error is None
    finally:
        stop.set()
        producer.join()
    assert threading.active_count() <= before


# ---- starvation


def test_frames_held_for_long_do_not_starve_the_camera() -> None:
    import pyrealsense2 as rs

    with streaming(SoftwareCamera()) as source:
        for sensor in source._sensors:
            sensor.set_option(rs.option.frames_queue_size, 16)
        held = read(source, 50)
    assert len({frame.number for frame in held}) == 50
    assert np.array_equal(held[0].left, picture("infrared 1", held[0].number))


def test_nobody_reads_for_long_and_what_comes_then_is_new_and_whole() -> None:
    camera = SoftwareCamera()
    source = RealSenseSource(SourceUrl.parse("realsense://"), device=camera.device)
    source.open()
    for number in range(1, 400):
        camera.push(number)
    frames = []
    while (frame := source.read(0.1)) is not None:
        frames.append(frame)
    assert frames and len(frames) < 100, "memory stays bounded"
    for number in range(1000, 1010):
        camera.push(number)
        time.sleep(0.01)
    newest = read(source, 5)[-1]
    source.close()
    assert newest.number >= 1000
    assert newest.right is not None and np.array_equal(newest.right, picture("infrared 2", newest.number))


# ---- vanishing and returning


def test_a_camera_that_falls_silent_ends_the_capture_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("depthstudio.cameras.realsense._LOST_AFTER_S", 0.3)
    camera = SoftwareCamera()
    capture = CaptureThread(RealSenseSource(SourceUrl.parse("realsense://"), device=camera.device))
    newest = capture.newest()
    capture.start()
    stop = threading.Event()
    while capture.state is CaptureState.OPENING:
        time.sleep(0.01)
    producer = camera.produce(stop)
    assert newest.take(5) is not None
    stop.set()
    producer.join()
    deadline_s = time.monotonic() + 10
    while capture.state.is_running and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert capture.state is CaptureState.FAILED
    assert capture.error is not None and "lost" in capture.error.what
    capture.stop()


def test_a_camera_is_found_by_its_serial_number_lost_and_found_again() -> None:
    camera = SoftwareCamera(serial="777")
    camera.plug_in()
    try:
        assert [device.serial for device in list_devices()] == ["777"]
        with open_source("realsense://777?mode=ir") as source:
            camera.push(1)
            camera.push(2)
            frame = source.read(2)
        assert frame is not None and frame.number == 1
        camera.unplug()
        assert list_devices() == []
        with pytest.raises(SourceError, match="777 is not connected"):
            open_source("realsense://777?mode=ir").open()
        camera.plug_in()
        assert [device.serial for device in list_devices()] == ["777"]
    finally:
        camera.unplug()


def test_a_recording_survives_its_camera_and_the_camera_is_opened_again(tmp_path: Path) -> None:
    camera = SoftwareCamera(serial="778")
    camera.plug_in()
    try:
        for round_number in range(3):
            stop = threading.Event()
            producer = camera.produce(stop)
            capture = CaptureThread(open_source("realsense://778?mode=ir"))
            capture.start()
            writer = SessionWriter(tmp_path / str(round_number), "realsense://778", None, {})
            recorder = Recorder(capture, writer)
            recorder.start()
            wait_for(lambda recorder=recorder: recorder.recorded >= 5)
            stop.set()
            producer.join()
            camera.unplug()
            wait_for(lambda capture=capture: not capture.state.is_running)
            assert capture.state is CaptureState.FAILED and capture.error is not None
            assert "unplugged" in capture.error.why
            assert recorder.wait(20) and recorder.error is None, "its source has ended, the recording is whole"
            session = Session.open(tmp_path / str(round_number))
            assert len(session) == recorder.recorded >= 5
            last = session.frame(len(session) - 1)
            assert np.array_equal(last.left, picture("infrared 1", last.number))
            camera.plug_in()
    finally:
        camera.unplug()


# ---- sets of streams


@pytest.mark.parametrize(
    ("streams", "mode", "has_right", "has_depth"),
    [
        (("depth", "infrared 1", "infrared 2"), "ir", True, True),
        (("infrared 1", "infrared 2"), "ir", True, False),
        (("infrared 1", "infrared 2", "color"), "ir", True, False),
        (("color",), "rgb", False, False),
        (("depth", "infrared 1", "infrared 2", "color"), "rgb", False, True),
    ],
)
def test_any_set_of_streams_that_makes_a_picture_works(
    streams: tuple[str, ...], mode: str, has_right: bool, has_depth: bool
) -> None:
    with streaming(SoftwareCamera(streams=streams), f"mode={mode}") as source:
        frame = read(source, 3)[-1]
    assert (frame.right is not None, frame.depth_mm is not None) == (has_right, has_depth)


@pytest.mark.parametrize(("streams", "mode"), [(("depth",), "ir"), (("depth", "color"), "ir"), (("depth",), "rgb")])
def test_streams_that_make_no_picture_are_refused(streams: tuple[str, ...], mode: str) -> None:
    source = RealSenseSource(SourceUrl.parse(f"realsense://?mode={mode}"), SoftwareCamera(streams=streams).device)
    with pytest.raises(SourceError, match="offers no"):
        source.open()


def test_a_stream_that_stays_away_does_not_hold_up_the_others() -> None:
    camera = SoftwareCamera()
    source = RealSenseSource(SourceUrl.parse("realsense://"), device=camera.device)
    source.open()
    frames = []
    for number in range(1, 40):
        camera.push(number, leave_out=("color",))
        frames += [frame for _ in range(3) if (frame := source.read(0.002)) is not None]
    source.close()
    assert [frame.number for frame in frames[:20]] == list(range(1, 21))
    assert all(frame.color is None and frame.depth_mm is not None for frame in frames)


# ---- metadata missing


def test_without_metadata_every_stream_still_comes() -> None:
    with streaming(SoftwareCamera(has_metadata=False)) as source:
        frames = read(source, 10)
    assert all(frame.color is not None and frame.depth_mm is not None for frame in frames)
    assert "exposure_us" not in frames[0].metadata


def test_without_metadata_colour_and_depth_go_together_too() -> None:
    with streaming(SoftwareCamera(has_metadata=False), "mode=rgb") as source:
        frames = read(source, 10)
    assert all(frame.depth_mm is not None and frame.right is None for frame in frames)
