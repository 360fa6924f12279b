"""Pause, step, seek, speed and loop of everything that plays."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scripted_source import frame
from software_camera import SoftwareCamera, picture

from depthstudio.cameras import CaptureThread, EndOfStream, open_source
from depthstudio.cameras.recorded import RecordedSource
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

COUNT, FPS = 60, 30


def a_file(folder: Path) -> str:
    SoftwareCamera().record(folder / "a.db3", frames=COUNT)
    return f"file://{folder}/a.db3"


def a_session(folder: Path) -> str:
    calibration = StereoCalibration.rectified_pair(38.5, 0.05, 31.5, 23.5, (64, 48))
    with SessionWriter(folder / "s", "sim://ir", calibration, {}) as writer:
        for number in range(1, COUNT + 1):
            writer.append(frame(number))
    return f"session://{folder}/s"


def a_folder(folder: Path) -> str:
    for number in range(COUNT):
        for side in ("left", "right"):
            cv2.imwrite(str(folder / f"{side}{number + 1:03d}.png"), np.full((48, 64), number, np.uint8))
    return f"folder://{folder}?fps={FPS}"


MAKERS = pytest.mark.parametrize("make", [a_file, a_session, a_folder])


def opened(url: str, options: str = "") -> RecordedSource:
    source: Any = open_source(f"{url}{'&' if '?' in url else '?'}{options}" if options else url)
    source.open()
    assert isinstance(source, RecordedSource)
    return source


def next_of(source: RecordedSource) -> StereoFrame:
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        taken = source.read(0.1)
        if taken is not None:
            return taken
    raise AssertionError("no frame came")


def position_of(source: RecordedSource) -> int:
    state = source.status().playback
    assert state is not None
    return round(state.position_s * FPS)


@MAKERS
def test_a_paused_recording_delivers_nothing_and_steps_by_single_frames(
    make: Callable[[Path], str], tmp_path: Path
) -> None:
    source = opened(make(tmp_path))
    first = next_of(source)
    source.pause(True)
    assert source.read(0.05) is None
    source.step(1)
    assert next_of(source).number == first.number + 1
    assert source.read(0.05) is None
    source.step(1)
    next_of(source)
    source.step(-1)
    assert next_of(source).number == first.number + 1
    source.step(-1)
    assert next_of(source).number == first.number
    source.step(-1)
    assert next_of(source).number == first.number
    source.pause(False)
    assert next_of(source).number == first.number + 1
    source.close()


@MAKERS
def test_seeking_goes_to_the_very_frame_forwards_and_back(make: Callable[[Path], str], tmp_path: Path) -> None:
    source = opened(make(tmp_path), "realtime=0")
    first = next_of(source).number
    state = source.status().playback
    assert state is not None and state.duration_s == pytest.approx((COUNT - 1) / FPS, abs=2e-3)
    assert state.frame_count == COUNT
    for index in (45, 3, 58, 30, 0, 59):
        source.seek(index / FPS)
        frames = [next_of(source)]
        assert frames[0].number == first + index
        assert position_of(source) == index
        if index < 50:
            assert next_of(source).number == first + index + 1
    with pytest.raises(EndOfStream):
        next_of(source)
    source.close()


def test_after_seeking_a_file_the_frames_are_whole_and_unmixed(tmp_path: Path) -> None:
    source = opened(a_file(tmp_path), "realtime=0")
    for index in (40, 10, 41):
        source.seek(index / FPS)
        taken = next_of(source)
        assert taken.right is not None and taken.depth_mm is not None and taken.color is not None
        assert np.array_equal(taken.left, picture("infrared 1", taken.number))
        assert np.array_equal(taken.right, picture("infrared 2", taken.number))
        assert np.array_equal(taken.depth_mm, picture("depth", taken.number))
        assert np.array_equal(taken.color, picture("color", taken.number))
    source.close()


@MAKERS
def test_seeking_while_paused_shows_the_frame_there(make: Callable[[Path], str], tmp_path: Path) -> None:
    source = opened(make(tmp_path))
    first = next_of(source).number
    source.pause(True)
    source.seek(20 / FPS)
    assert next_of(source).number == first + 20
    assert source.read(0.05) is None
    source.close()


@MAKERS
def test_two_quick_steps_back_go_back_by_two(make: Callable[[Path], str], tmp_path: Path) -> None:
    source = opened(make(tmp_path))
    source.pause(True)
    source.seek(20 / FPS)
    shown = next_of(source).number
    source.step(-1)
    source.step(-1)  # before the first was shown
    assert next_of(source).number == shown - 2
    source.step(-1)
    assert next_of(source).number == shown - 3
    source.close()


def a_slow_session(folder: Path, times_s: list[float]) -> RecordedSource:
    with SessionWriter(folder / "slow", "sim://ir", None, {}) as writer:
        for number, time_s in enumerate(times_s):
            writer.append(replace(frame(number), timestamp_s=time_s))
    return opened(f"session://{folder}/slow")


def test_a_frame_that_waits_for_its_time_is_not_the_one_shown(tmp_path: Path) -> None:
    source = a_slow_session(tmp_path, [0.0, 0.9, 1.8])
    next_of(source)
    assert source.read(0.02) is None
    state = source.status().playback
    assert state is not None and state.frame == 0
    source.close()


def test_steps_back_go_by_frames_even_where_times_stand_still(tmp_path: Path) -> None:
    source = a_slow_session(tmp_path, [0.0] * 6)
    source.realtime = False
    assert [next_of(source).number for _ in range(6)][-1] == 5
    source.step(-1)
    assert next_of(source).number == 4
    source.step(-1)
    source.step(-1)  # before the first was shown
    assert next_of(source).number == 2
    source.close()


def test_speed_changes_the_rate(tmp_path: Path) -> None:
    source = opened(a_session(tmp_path))
    source.set_speed(4)
    started_s = time.monotonic()
    for _ in range(25):
        next_of(source)
    fast_s = time.monotonic() - started_s
    source.set_speed(0.5)
    started_s = time.monotonic()
    for _ in range(6):
        next_of(source)
    assert time.monotonic() - started_s >= 5 / FPS / 0.5 - 0.02
    assert fast_s >= 24 / FPS / 4 - 0.02
    source.close()


def test_looping_can_be_switched_while_it_plays(tmp_path: Path) -> None:
    source = opened(a_folder(tmp_path), "realtime=0")
    source.seek(58 / FPS)
    source.loop = True
    assert [next_of(source).number for _ in range(4)] == [58, 59, 0, 1]
    source.close()


def test_the_capture_thread_takes_the_commands_and_counts_no_jump_as_loss(tmp_path: Path) -> None:
    capture = CaptureThread(open_source(a_session(tmp_path)))
    newest = capture.newest()
    capture.start()
    assert newest.take(10) is not None
    capture.call(lambda source: source.pause(True)).result(5)
    newest.take()
    capture.call(lambda source: source.seek(40 / FPS)).result(5)
    taken = newest.take(5)
    assert taken is not None and taken.number == 41
    deadline_s = time.monotonic() + 5
    while (capture.status.playback is None or not capture.status.playback.paused) and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert capture.status.playback is not None and capture.status.playback.frame == 40
    assert capture.counters().source_lost == 0
    capture.stop()


def test_the_real_recordings_are_played_and_seeked(realsense_data: Path) -> None:
    source = opened(f"file://{realsense_data}/bag_constructed_ir/d435i_frames_ir_depth.db3", "realtime=0&loop=1")
    state = source.status().playback
    assert state is not None and state.duration_s == pytest.approx(4 / 30, abs=1e-3)
    for number in (4, 1, 5, 2):
        source.seek((number - 1) / 30)
        taken = next_of(source)
        assert taken.number == number and taken.right is not None and taken.depth_mm is not None
    source.close()
    source = opened(f"file://{realsense_data}/bag_d435_depth_color/single_depth_color_640x480.bag", "realtime=0&loop=1")
    first = next_of(source)
    source.seek(0.0)
    assert np.array_equal(next_of(source).left, first.left)
    source.close()


@pytest.mark.parametrize(
    "name", ["bag_constructed_ir/d435i_frames_ir_depth.db3", "bag_d435_depth_color/single_depth_color_640x480.bag"]
)
@pytest.mark.parametrize("damage", ["cut", "overwritten"])
def test_damaged_copies_of_the_real_recordings_answer_in_time(
    tmp_path: Path, realsense_data: Path, name: str, damage: str
) -> None:
    content = (realsense_data / name).read_bytes()
    if damage == "cut":
        content = content[: len(content) // 2]
    else:
        garbage = np.random.default_rng(0).bytes(min(2_000_000, len(content) // 2))
        content = content[:300_000] + garbage + content[300_000 + len(garbage) :]
    damaged = tmp_path / Path(name).name
    damaged.write_bytes(content)
    started_s = time.monotonic()
    with pytest.raises(SourceError) as refused:
        opened(f"file://{damaged}")
    print(name, damage, f"{time.monotonic() - started_s:.2f} s", refused.value)
    assert damaged.name in refused.value.what and refused.value.why
