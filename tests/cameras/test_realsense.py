from __future__ import annotations

import builtins
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from software_camera import BASELINE_M, FOCAL_PX, SoftwareCamera, picture

from depthstudio.cameras import CaptureState, CaptureThread, list_sources, open_source
from depthstudio.cameras.realsense import RealSenseSource
from depthstudio.cameras.urls import SourceUrl
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame


@contextmanager
def streaming(camera: SoftwareCamera, options: str = "mode=ir") -> Iterator[RealSenseSource]:
    """A source on the fake camera while that delivers pictures."""
    stop = threading.Event()
    source = RealSenseSource(SourceUrl.parse(f"realsense://000111222333?{options}"), device=camera.device)
    source.open()
    producer = camera.produce(stop)
    try:
        yield source
    finally:
        source.close()
        stop.set()
        producer.join()


def read(source: RealSenseSource, count: int) -> list[StereoFrame]:
    frames: list[StereoFrame] = []
    deadline_s = time.monotonic() + 20
    while len(frames) < count and time.monotonic() < deadline_s:
        frame = source.read(0.2)
        if frame is not None:
            frames.append(frame)
    assert len(frames) == count
    return frames


def test_infrared_mode_delivers_matched_pictures_as_the_camera_took_them() -> None:
    with streaming(SoftwareCamera()) as source:
        frames = read(source, 5)
    for frame in frames:
        assert frame.right is not None and frame.depth_mm is not None and frame.color is not None
        assert np.array_equal(frame.left, picture("infrared 1", frame.number))
        assert np.array_equal(frame.right, picture("infrared 2", frame.number))
        assert np.array_equal(frame.depth_mm, picture("depth", frame.number))
        assert frame.arrived_s > 0
    assert source.title == "Intel RealSense D435"


def test_the_calibration_is_the_devices_own() -> None:
    with streaming(SoftwareCamera()) as source:
        calibration = source.calibration
    assert calibration is not None and calibration.is_rectified
    assert calibration.K1[0, 0] == pytest.approx(FOCAL_PX)
    assert calibration.baseline_m == pytest.approx(BASELINE_M)


def test_a_camera_without_colour_still_gives_the_pair() -> None:
    with streaming(SoftwareCamera(streams=("depth", "infrared 1", "infrared 2"))) as source:
        frame = read(source, 1)[0]
    assert frame.color is None and frame.right is not None and frame.depth_mm is not None


def test_colour_mode_gives_colour_with_depth_in_its_pixels() -> None:
    with streaming(SoftwareCamera(streams=("depth", "color")), "mode=rgb") as source:
        assert source.calibration is None
        frame = read(source, 1)[0]
    assert np.array_equal(frame.left, picture("color", frame.number))
    assert frame.right is None
    assert frame.depth_mm is not None and frame.depth_mm.shape == (48, 64)


def test_controls_have_the_devices_ranges_and_reach_it() -> None:
    with streaming(SoftwareCamera()) as source:
        controls = {control.name: control for control in source.controls()}
        assert (controls["laser_power"].minimum, controls["laser_power"].maximum) == (0, 360)
        assert controls["laser_power"].step == 30
        assert controls["emitter_enabled"].choices == ("off", "on", "automatic")
        assert controls["exposure"].unavailable
        source.set_control("exposure", 12000)
        controls = {control.name: control for control in source.controls()}
        assert controls["exposure"].value == 12000 and not controls["exposure"].unavailable
        assert controls["enable_auto_exposure"].value == 0
        with pytest.raises(SourceError, match="gain"):
            source.set_control("gain", 1e6)
        with pytest.raises(SourceError, match="warp"):
            source.set_control("warp", 1)


def test_a_size_that_the_camera_lacks_is_refused_with_those_it_has() -> None:
    camera = SoftwareCamera()
    source = RealSenseSource(SourceUrl.parse("realsense://?size=640x480"), device=camera.device)
    with pytest.raises(SourceError, match="64x48 at 30/s"):
        source.open()


def test_a_camera_that_is_not_connected_is_refused_at_once() -> None:
    started_s = time.monotonic()
    with pytest.raises(SourceError, match="999 is not connected"):
        open_source("realsense://999?mode=ir").open()
    assert time.monotonic() - started_s < 3  # the SDK's own start would block for 15 s
    with pytest.raises(SourceError):
        open_source("realsense://999?mode=sideways")


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


def test_starting_and_stopping_again_and_again() -> None:
    camera = SoftwareCamera()
    for _ in range(5):
        with streaming(camera) as source:
            read(source, 2)


def test_without_libusb_the_reason_is_told_and_the_rest_works(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def broken_import(name: str, *rest: Any) -> Any:
        if name == "pyrealsense2":
            raise ImportError("libusb-1.0.so.0: cannot open shared object file: No such file or directory")
        return real_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", broken_import)
    with pytest.raises(SourceError, match="apt install libusb"):
        open_source("realsense://1").open()
    assert any(source.url.startswith("sim://") for source in list_sources(None))


def test_the_list_of_sources_never_needs_a_camera() -> None:
    kinds = {source.kind for source in list_sources(None)}
    assert "simulated" in kinds
