"""Projector pairs on the SDK's software device: its own emitter option decides what the pictures show."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyrealsense2")
import pyrealsense2 as rs
import software_camera
from software_camera import SoftwareCamera

from depthstudio.cameras import CaptureThread, Recorder
from depthstudio.cameras.emitter_pairs import fine_contrast
from depthstudio.cameras.realsense import RealSenseSource
from depthstudio.cameras.recording_modes import Mode, RecordingMode
from depthstudio.cameras.urls import SourceUrl
from depthstudio.datasets.session import Session
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.datasets.views import ViewMemory

LIT_MM, DARK_MM = 1500, 900


def test_the_devices_own_emitter_is_switched_and_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = SoftwareCamera()
    stereo = camera.sensors["stereo"]

    def picture(stream: str, number: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
        lit = stereo.get_option(rs.option.emitter_enabled) > 0
        shape = (size[1], size[0])
        if stream == "depth":
            return np.full(shape, LIT_MM if lit else DARK_MM, np.uint16)
        if stream == "color":
            return np.full((*shape, 3), 120, np.uint8)
        dots = (np.random.default_rng(5).uniform(size=shape) < 0.1) * 100 * lit
        noise = np.random.default_rng(number).normal(0, 1, shape)
        return (80 + np.arange(size[0])[None, :] / 2 + dots + noise).clip(0, 255).astype(np.uint8)

    monkeypatch.setattr(software_camera, "picture", picture)
    stop = threading.Event()
    capture = CaptureThread(RealSenseSource(SourceUrl.parse("realsense://000111222333?mode=ir"), device=camera.device))
    queue = capture.every_frame(256)
    producer: threading.Thread | None = None
    capture.start()
    try:
        deadline = threading.Event()
        for _ in range(200):
            if capture.controls:
                break
            deadline.wait(0.05)
        assert capture.error is None and capture.controls
        producer = camera.produce(stop)
        views = ViewMemory()
        stage = RecordingMode(Mode.EMITTER, burst_frames=3).stage(capture, views)
        assert stage is not None
        writer = SessionWriter(tmp_path / "s", "realsense://", None, {})
        recorder = Recorder(capture, writer, queue, stage=stage, views=views, frame_limit=3)
        recorder.start()
        assert recorder.wait(60), recorder.refused
        assert recorder.error is None
        for _ in range(100):
            if stereo.get_option(rs.option.emitter_enabled) == 1:
                break
            deadline.wait(0.05)
        assert stereo.get_option(rs.option.emitter_enabled) == 1, "as it was before"
    finally:
        capture.stop()
        stop.set()
        if producer is not None:
            producer.join()
    session = Session.open(tmp_path / "s")
    assert len(session) == 3
    lit = picture_contrast(True)
    for i in range(3):
        frame = session.frame(i)
        assert frame.depth_mm is not None and (frame.depth_mm == LIT_MM).all()
        assert fine_contrast(frame.left) < 0.5 * lit


def picture_contrast(lit: bool) -> float:
    dots = (np.random.default_rng(5).uniform(size=(48, 64)) < 0.1) * 100 * lit
    return fine_contrast((80 + np.arange(64)[None, :] / 2 + dots).astype(np.uint8))
