"""USB cameras through OpenCV, with video files in their place: OpenCV reads both in the same way."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.cameras import CaptureState, CaptureThread, EndOfStream, FrameSource, open_source, usb_camera
from depthstudio.cameras.usb_camera import UsbCamera
from depthstudio.cameras.usb_devices import UsbTarget
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame

SIZE = (64, 48)


def write_video(path: Path, count: int, offset: int = 0, size: tuple[int, int] = SIZE, fps: float = 30) -> Path:
    """Flat pictures, each brighter than the one before; MJPG keeps flat grey values within a few steps."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, size)
    for number in range(count):
        writer.write(np.full((size[1], size[0], 3), (offset + 8 * number) % 256, np.uint8))
    writer.release()
    return path


def play(source: FrameSource) -> list[StereoFrame]:
    frames = []
    try:
        while True:
            frame = source.read(0.2)
            if frame is not None:
                frames.append(frame)
    except EndOfStream:
        return frames


def test_two_cameras_deliver_pairs_of_the_same_moment(tmp_path: Path) -> None:
    left, right = write_video(tmp_path / "a.avi", 12), write_video(tmp_path / "b.avi", 12, offset=100)
    with open_source(f"usb://{left}+{right}") as source:
        assert source.is_live and source.calibration is None
        assert source.title == "a.avi + b.avi"
        frames = play(source)
        sync = source.status().sync
    assert len(frames) >= 11
    for frame in frames:
        assert frame.right is not None and frame.left.shape == frame.right.shape == (48, 64, 3)
        assert abs(int(frame.right[0, 0, 0]) - int(frame.left[0, 0, 0]) - 100) <= 6
        assert frame.skew_ms < 1 and frame.metadata["sync"] == "tight"
    assert sync is not None and sync.tight == len(frames)


def test_left_and_right_can_change_places(tmp_path: Path) -> None:
    left, right = write_video(tmp_path / "a.avi", 4), write_video(tmp_path / "b.avi", 4, offset=100)
    with open_source(f"usb://{left}+{right}?swap=1") as source:
        frame = play(source)[0]
    assert frame.right is not None and frame.left[0, 0, 0] > frame.right[0, 0, 0]


def test_a_side_by_side_camera_is_cut_in_two(tmp_path: Path) -> None:
    path = tmp_path / "stereo.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (128, 48))
    picture = np.zeros((48, 128, 3), np.uint8)
    picture[:, :64], picture[:, 64:] = 40, 200
    for _ in range(3):
        writer.write(picture)
    writer.release()
    with open_source(f"usb://{path}") as source:
        frames = play(source)
    assert len(frames) == 3
    assert frames[0].right is not None and frames[0].right_timestamp_s == frames[0].timestamp_s
    assert abs(float(frames[0].left.mean()) - 40) < 4 and abs(float(frames[0].right.mean()) - 200) < 4


def test_a_video_stands_in_for_a_camera_at_its_own_rate(tmp_path: Path) -> None:
    left, right = write_video(tmp_path / "a.avi", 7), write_video(tmp_path / "b.avi", 7)
    with open_source(f"usb://{left}+{right}") as source:
        started_s = time.monotonic()
        frames = play(source)
    assert frames[-1].arrived_s - started_s >= 4 / 30


def test_cameras_of_different_size_are_refused(tmp_path: Path) -> None:
    left, right = write_video(tmp_path / "a.avi", 2), write_video(tmp_path / "b.avi", 2, size=(80, 48))
    with pytest.raises(SourceError, match="64x48 and 80x48"):
        open_source(f"usb://{left}+{right}").open()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("usb://", "usb://0+1"),
        ("usb://a+b+c", "usb://0+1"),
        ("usb://0+1?speed=2", "no option 'speed'"),
        ("hybrid://123", "hybrid://SERIAL+usb:0"),
        ("hybrid://123+usb:", "hybrid://SERIAL+usb:0"),
    ],
)
def test_an_address_without_cameras_says_how_to_write_it(url: str, says: str) -> None:
    with pytest.raises(SourceError) as refused:
        open_source(url)
    assert says in str(refused.value)


def test_a_camera_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    started_s = time.monotonic()
    with pytest.raises(SourceError, match="not connected"):
        open_source("usb://usb-Nobody_Made_This-video-index0+98").open()
    assert time.monotonic() - started_s < 1
    with pytest.raises(SourceError, match="no video file"):
        open_source(f"usb://{tmp_path}/gone.avi").open()
    (tmp_path / "text.avi").write_text("no video")
    with pytest.raises(SourceError, match="cannot be read"):
        open_source(f"usb://{tmp_path}/text.avi").open()


def test_the_capture_thread_ends_with_the_video(tmp_path: Path) -> None:
    left, right = write_video(tmp_path / "a.avi", 5), write_video(tmp_path / "b.avi", 5)
    capture = CaptureThread(open_source(f"usb://{left}+{right}"))
    queue = capture.every_frame(16)
    capture.start()
    deadline_s = time.monotonic() + 20
    while capture.state.is_running and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert capture.state is CaptureState.ENDED
    assert len(queue) >= 4 and queue.dropped == 0
    assert capture.status.sync is not None and capture.status.sync.paired >= 4


class HangingCapture:
    """A cv2.VideoCapture whose read hangs in the driver until `go`."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.released = False

    def isOpened(self) -> bool:
        return True

    def get(self, _: int) -> float:
        return 64.0

    def set(self, *_: float) -> bool:
        return True

    def read(self) -> tuple[bool, np.ndarray]:
        self.go.wait(10)
        return True, np.zeros((48, 64, 3), np.uint8)

    def release(self) -> None:
        self.released = True


def test_a_camera_whose_driver_hangs_is_let_go_and_released_once_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = HangingCapture()
    monkeypatch.setattr(usb_camera.cv2, "VideoCapture", lambda *_: driver)
    monkeypatch.setattr(usb_camera, "_CLOSE_TIMEOUT_S", 0.01)
    camera = UsbCamera(UsbTarget("0", "camera", 0, "/dev/null"))
    camera.open()
    camera.close()
    assert not camera.is_open and not driver.released
    driver.go.set()
    deadline_s = time.monotonic() + 10
    while not driver.released:
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def test_a_picture_that_cannot_be_used_is_told_instead_of_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(pixels: np.ndarray) -> None:
        raise ValueError("no such format")

    monkeypatch.setattr(usb_camera, "_rgb", broken)
    with (
        open_source(f"usb://{write_video(tmp_path / 'a.avi', 3)}") as source,
        pytest.raises(SourceError, match="format"),
    ):
        while True:
            source.read(0.2)


def test_a_closed_camera_offers_no_modes() -> None:
    assert open_source("usb://0+1").modes() == ()
