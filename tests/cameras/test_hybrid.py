from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from software_camera import SoftwareCamera, picture
from test_usb_stereo import write_video

from depthstudio.cameras.hybrid import HybridSource
from depthstudio.cameras.urls import SourceUrl
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame


def hybrid(camera: SoftwareCamera, video: Path, options: str = "") -> HybridSource:
    return HybridSource(SourceUrl.parse(f"hybrid://000111222333+usb:{video}{options}"), device=camera.device)


def read(source: HybridSource, count: int) -> list[StereoFrame]:
    frames: list[StereoFrame] = []
    deadline_s = time.monotonic() + 20
    while len(frames) < count and time.monotonic() < deadline_s:
        frame = source.read(0.2)
        if frame is not None:
            frames.append(frame)
    return frames


def test_colour_with_its_depth_is_paired_with_the_usb_camera(tmp_path: Path) -> None:
    camera = SoftwareCamera()
    source = hybrid(camera, write_video(tmp_path / "right.avi", 120))
    source.open()
    stop = threading.Event()
    producer = camera.produce(stop)
    try:
        frames = read(source, 8)
        sync = source.status().sync
        controls = {control.name for control in source.controls()}
    finally:
        source.close()
        stop.set()
        producer.join()
    assert len(frames) == 8
    assert source.title == "RealSense D435 + right.avi"
    assert {"exposure", "color.exposure"} <= controls
    right_numbers = []
    for frame in frames:
        assert np.array_equal(frame.left, picture("color", frame.number))
        assert frame.right is not None and frame.right.shape == frame.left.shape
        assert frame.depth_mm is not None and frame.depth_mm.shape == frame.left.shape[:2]
        assert frame.skew_ms <= 33 and frame.metadata["sync"] in ("tight", "normal", "loose")
        right_numbers.append(frame.metadata["right_number"])
    assert len(set(right_numbers)) == len(right_numbers)
    assert sync is not None and sync.paired == 8


def test_cameras_of_different_size_and_missing_ones_are_refused(tmp_path: Path) -> None:
    camera = SoftwareCamera()
    with pytest.raises(SourceError, match="64x48 and 80x48"):
        hybrid(camera, write_video(tmp_path / "b.avi", 2, size=(80, 48))).open()
    with pytest.raises(SourceError, match="no video file"):
        hybrid(camera, tmp_path / "gone.avi").open()
    source = hybrid(camera, write_video(tmp_path / "c.avi", 2))
    source.open()  # the refusals left the RealSense free
    source.close()


def test_cameras_out_of_step_never_hold_up_the_reader(tmp_path: Path) -> None:
    camera = SoftwareCamera()
    source = hybrid(camera, write_video(tmp_path / "right.avi", 5, fps=1), "?tolerance_ms=1")
    source.open()
    stop = threading.Event()
    producer = camera.produce(stop)
    try:
        for _ in range(10):
            started_s = time.monotonic()
            source.read(0.1)
            assert time.monotonic() - started_s < 2
    finally:
        source.close()
        stop.set()
        producer.join()
