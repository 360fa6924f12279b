from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from scripted_source import frame

from depthstudio.cameras import EndOfStream, FrameSource, list_sources, open_source
from depthstudio.cameras.urls import SourceUrl
from depthstudio.datasets.image_pairs import find_pairs
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration
from depthstudio.workspace import Workspace

CALIBRATION = StereoCalibration.rectified_pair(38.5, 0.05, 31.5, 23.5, (64, 48))


def play(source: FrameSource) -> list[StereoFrame]:
    frames = []
    try:
        while True:
            taken = source.read(0.2)
            if taken is not None:
                frames.append(taken)
    except EndOfStream:
        return frames


def make_session(folder: Path, count: int) -> Path:
    with SessionWriter(folder, "sim://ir", CALIBRATION, {}, name="Desk") as writer:
        for number in range(1, count + 1):
            writer.append(frame(number))
    return folder


def write(path: Path, value: int, dtype: type = np.uint8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((48, 64), value, dtype))


def test_a_session_plays_every_frame_with_its_calibration(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "a session", 5)
    with open_source(f"session://{folder}?realtime=0") as source:
        assert not source.is_live
        assert source.title == "Desk"
        assert source.calibration is not None and source.calibration.id == CALIBRATION.id
        frames = play(source)
    assert [f.number for f in frames] == [1, 2, 3, 4, 5]
    assert np.array_equal(frames[2].left, frame(3).left)
    assert frames[2].depth_mm is not None and frames[2].depth_mm[0, 0] == 1003
    assert all(f.arrived_s > 0 for f in frames)


def test_in_real_time_a_session_keeps_its_rate(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "s", 7)
    with open_source(f"session://{folder}") as source:
        assert source.is_live
        started_s = time.monotonic()
        frames = play(source)
    assert len(frames) == 7
    assert frames[-1].arrived_s - started_s >= 5.5 / 30


def test_a_session_can_loop(tmp_path: Path) -> None:
    folder = make_session(tmp_path / "s", 2)
    numbers = []
    with open_source(f"session://{folder}?realtime=0&loop=1") as source:
        while len(numbers) < 5:
            taken = source.read(0.2)
            if taken is not None:
                numbers.append(taken.number)
    assert numbers == [1, 2, 1, 2, 1]


def test_an_empty_or_missing_session_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="empty"):
        open_source(f"session://{make_session(tmp_path / 's', 0)}").open()
    with pytest.raises(SourceError, match="no folder"):
        open_source(f"session://{tmp_path}/nowhere")
    (tmp_path / "other").mkdir()
    with pytest.raises(SourceError):
        open_source(f"session://{tmp_path}/other").open()


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("left{:02d}.png", "right{:02d}.png"),
        ("{:02d}_left.png", "{:02d}_right.png"),
        ("left/{:04d}.png", "right/{:04d}.png"),
        ("left/L{:04d}.png", "right/R{:04d}.png"),
        ("scene{:d}/im0.png", "scene{:d}/im1.png"),
        ("left{:d}.png", "right{:d}.png"),
    ],
)
def test_pairs_are_found_by_the_usual_names(tmp_path: Path, left: str, right: str) -> None:
    for number in range(1, 13):
        write(tmp_path / left.format(number), number)
        write(tmp_path / right.format(number), 100 + number)
    write(tmp_path / "photo.png", 0)
    with open_source(f"folder://{tmp_path}?realtime=0") as source:
        frames = play(source)
    assert [int(f.left[0, 0]) for f in frames] == list(range(1, 13))
    assert [int(f.right[0, 0]) for f in frames if f.right is not None] == list(range(101, 113))
    assert [f.number for f in frames] == list(range(12))


def test_depth_and_a_calibration_beside_the_images_are_used(tmp_path: Path) -> None:
    write(tmp_path / "left.png", 1)
    write(tmp_path / "right.png", 2)
    write(tmp_path / "depth_mm.png", 1500, np.uint16)
    CALIBRATION.save(tmp_path / "calibration.npz")
    with open_source(str(tmp_path)) as source:
        assert source.calibration is not None and source.calibration.id == CALIBRATION.id
        (only,) = play(source)
    assert only.depth_mm is not None and int(only.depth_mm[0, 0]) == 1500


def test_folders_that_are_no_source_say_why(tmp_path: Path) -> None:
    write(tmp_path / "photo.png", 0)
    with pytest.raises(SourceError, match="no image pairs"):
        open_source(f"folder://{tmp_path}").open()
    (tmp_path / "left.png").write_bytes(b"no image")
    write(tmp_path / "right.png", 0)
    with pytest.raises(SourceError, match="damaged"), open_source(f"folder://{tmp_path}") as source:
        source.read()


def test_the_real_captures_play_as_folders(realsense_data: Path) -> None:
    (pair,) = find_pairs(realsense_data / "d435i_ir_on_20200910")
    assert (pair.left.name, pair.right.name) == ("left.png", "right.png")
    assert pair.depth is not None and pair.depth.name == "depth_mm.png"


def test_the_real_calibration_images_are_pairs(realsense_data: Path) -> None:
    pairs = find_pairs(realsense_data.parent / "calibration" / "opencv_leftright")
    assert len(pairs) == 13
    assert all(pair.left.name.replace("left", "right") == pair.right.name for pair in pairs)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("webcam://0", "sim://"),
        ("nowhere", "neither a file nor a URL"),
        ("", "neither"),
        ("file:///nowhere.db3", "no file"),
        ("folder:///tmp?realtime=maybe", "neither on nor off"),
        ("folder:///tmp?speed=3", "no option 'speed'"),
        ("realsense://1?size=big", "size=640x480"),
        ("realsense://1?fps=many", "not a number"),
    ],
)
def test_a_url_that_names_nothing_says_what_is_wrong(url: str, says: str) -> None:
    with pytest.raises(SourceError) as refused:
        open_source(url)
    assert says in str(refused.value)


def test_urls_survive_being_written_and_read(tmp_path: Path) -> None:
    url = SourceUrl("session", "/a folder/ünï#1", {"realtime": "0", "loop": "1"})
    assert SourceUrl.parse(str(url)) == url
    make_session(tmp_path / "sessions" / "desk & chair", 1)
    (session,) = [source for source in list_sources(Workspace(tmp_path)) if source.kind == "session"]
    with open_source(session.url) as source:
        assert len(play(source)) == 1
