from __future__ import annotations

import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from software_camera import BASELINE_M, FOCAL_PX, SoftwareCamera, picture

from depthstudio.cameras import EndOfStream, FrameSource, open_source
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame


def play(source: FrameSource) -> list[StereoFrame]:
    frames = []
    try:
        while True:
            frame = source.read(0.2)
            if frame is not None:
                frames.append(frame)
    except EndOfStream:
        return frames


def opened(path: Path, options: str = "realtime=0") -> FrameSource:
    return open_source(f"file://{path}?{options}")


def test_every_recorded_frame_comes_once_in_order_and_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "ünï code.db3"
    SoftwareCamera().record(path, frames=12)
    with opened(path) as source:
        frames = play(source)
    assert [frame.number for frame in frames] == list(range(1, 13))
    for frame in frames:
        assert frame.right is not None and frame.depth_mm is not None and frame.color is not None
        assert np.array_equal(frame.left, picture("infrared 1", frame.number))
        assert np.array_equal(frame.right, picture("infrared 2", frame.number))
        assert np.array_equal(frame.depth_mm, picture("depth", frame.number))
        assert np.array_equal(frame.color, picture("color", frame.number))
        assert frame.timestamp_s == pytest.approx(frame.number / 30, abs=1e-4)
        assert frame.skew_ms == 0


def test_the_recorded_geometry_is_the_calibration(tmp_path: Path) -> None:
    path = tmp_path / "a.db3"
    SoftwareCamera().record(path, frames=2)
    with opened(path) as source:
        calibration = source.calibration
    assert calibration is not None and calibration.is_rectified
    assert calibration.K1[0, 0] == pytest.approx(FOCAL_PX)
    assert calibration.baseline_m == pytest.approx(BASELINE_M)
    assert calibration.image_size == (64, 48)


def test_a_left_image_without_its_right_one_is_left_out_and_missing_depth_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.db3"
    SoftwareCamera().record(path, frames=6, leave_out={3: ("infrared 2",), 5: ("depth",)})
    with opened(path) as source:
        frames = play(source)
    assert [frame.number for frame in frames] == [1, 2, 4, 5, 6]
    assert [frame.number for frame in frames if frame.depth_mm is None] == [5]


def test_depth_of_another_unit_becomes_millimetres(tmp_path: Path) -> None:
    path = tmp_path / "a.db3"
    SoftwareCamera(depth_units_m=0.0001).record(path, frames=2)
    with opened(path) as source:
        frame = play(source)[0]
    assert frame.depth_mm is not None
    np.testing.assert_array_equal(frame.depth_mm, np.rint(picture("depth", 1) / 10))


def test_colour_and_depth_alone_give_a_left_image_with_depth_in_its_pixels(tmp_path: Path) -> None:
    path = tmp_path / "a.db3"
    SoftwareCamera(streams=("depth", "color")).record(path, frames=3)
    with opened(path) as source:
        assert source.calibration is None
        frames = play(source)
    assert [frame.number for frame in frames] == [1, 2, 3]
    assert np.array_equal(frames[0].left, picture("color", 1))
    assert frames[0].right is None
    assert frames[0].depth_mm is not None and frames[0].depth_mm.shape == (48, 64)
    assert not np.array_equal(frames[0].depth_mm, picture("depth", 1))


def test_in_real_time_frames_come_at_the_recorded_rate_and_none_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.db3"
    SoftwareCamera().record(path, frames=10)
    with opened(path, "realtime=1") as source:
        assert source.is_live
        start_s = time.monotonic()
        frames = play(source)
    assert [frame.number for frame in frames] == list(range(1, 11))
    assert frames[-1].arrived_s - start_s >= 0.28  # nine intervals of 33 ms, less what the clock rounds


def test_a_looping_recording_begins_again(tmp_path: Path) -> None:
    path = tmp_path / "a.db3"
    SoftwareCamera().record(path, frames=3)
    numbers = []
    with opened(path, "realtime=0&loop=1") as source:
        while len(numbers) < 7:
            frame = source.read(0.2)
            if frame is not None:
                numbers.append(frame.number)
    assert numbers == [1, 2, 3, 1, 2, 3, 1]


def test_two_windows_may_play_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "a.db3"
    SoftwareCamera().record(path, frames=3)
    with opened(path) as first, opened(path) as second:
        assert len(play(first)) == len(play(second)) == 3


def damaged_files(folder: Path) -> list[Path]:
    good = folder / "good.db3"
    SoftwareCamera().record(good, frames=5)
    content = good.read_bytes()
    files = {
        "empty.db3": b"",
        "text.db3": b"no recording " * 500,
        "random.db3": np.random.default_rng(0).bytes(100_000),
        "half.db3": content[: len(content) // 2],
        "ros1.db3": b"#ROSBAG V2.0\n" + content[:4000],
        "text.bag": b"no recording " * 500,
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in files]


def test_damaged_recordings_are_refused_with_a_reason(tmp_path: Path) -> None:
    for path in damaged_files(tmp_path):
        with pytest.raises(SourceError) as refused:
            opened(path).open()
        assert path.name in refused.value.what
        assert refused.value.why and refused.value.next_step


@pytest.mark.parametrize("name", ["missing.db3", "picture.png"])
def test_what_is_no_recording_is_refused_before_opening(tmp_path: Path, name: str) -> None:
    (tmp_path / "picture.png").write_bytes(b"")
    with pytest.raises(SourceError):
        opened(tmp_path / name)


def test_a_bag_that_hangs_the_sdk_is_refused_while_everything_else_runs_on(
    tmp_path: Path, realsense_data: Path
) -> None:
    content = (realsense_data / "bag_d435_depth_color" / "single_depth_color_640x480.bag").read_bytes()
    damaged = tmp_path / "damaged.bag"
    damaged.write_bytes(content[:500_000] + np.random.default_rng(0).bytes(2_000_000) + content[500_000:])
    done = threading.Event()
    ticks: list[float] = []

    def tick() -> None:
        while not done.wait(0.01):
            ticks.append(time.monotonic())

    ticker = threading.Thread(target=tick)
    ticker.start()
    started_s = time.monotonic()
    with pytest.raises(SourceError, match=r"damaged\.bag"):
        opened(damaged).open()
    took_s = time.monotonic() - started_s
    done.set()
    ticker.join()
    assert took_s < 5
    assert max(np.diff(ticks)) < 1.0


def test_the_real_infrared_recording_equals_the_captures_it_was_made_of(realsense_data: Path) -> None:
    with opened(realsense_data / "bag_constructed_ir" / "d435i_frames_ir_depth.db3") as source:
        frames = play(source)
    assert [frame.number for frame in frames] == [1, 2, 3, 4, 5]
    for number, capture in ((1, "d435i_ir_on_20200819"), (3, "d435i_ir_on_20200910"), (5, "d435i_ir_off_20200910")):
        frame = frames[number - 1]
        for pixels, name in ((frame.left, "left"), (frame.right, "right"), (frame.depth_mm, "depth_mm")):
            png = cv2.imread(str(realsense_data / capture / f"{name}.png"), cv2.IMREAD_UNCHANGED)
            assert np.array_equal(pixels, png), (capture, name)


def test_the_real_colour_bag_with_its_single_colour_frame_loses_nothing(realsense_data: Path) -> None:
    folder = realsense_data / "bag_d435_depth_color"
    with opened(folder / "single_depth_color_640x480.bag") as source:
        frames = play(source)
    assert len(frames) == 1
    png = cv2.imread(str(folder / "color.png"), cv2.IMREAD_COLOR)
    assert np.array_equal(frames[0].left, png[:, :, ::-1])
    assert frames[0].depth_mm is not None and (frames[0].depth_mm > 0).mean() > 0.9
