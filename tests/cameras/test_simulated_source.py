"""sim:// sources: URLs, order, determinism, controls, pace, calibration from their boards."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from depthstudio.cameras import open_source
from depthstudio.cameras.simulated import SimulatedSettings, SimulatedSource
from depthstudio.cameras.simulated import store as loop_store
from depthstudio.cameras.simulated.store import LoopStore, prune
from depthstudio.cameras.simulated.timeline import held_frames, there_and_back, whole_poses
from depthstudio.cameras.source import EndOfStream
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame

SMALL = "size=64x48&frames=3&realtime=0"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DEPTHSTUDIO_CACHE", str(tmp_path))


def all_frames(url: str) -> list[StereoFrame]:
    frames: list[StereoFrame] = []
    with SimulatedSource.from_url(url) as source:
        try:
            while True:
                frame = source.read()
                assert frame is not None
                frames.append(frame)
        except EndOfStream:
            return frames


def test_a_url_is_read_and_written() -> None:
    url = "sim://ir?scene=wall&projector=off&distance_m=1.5&tilt_deg=-10&seed=7&fps=15&size=320x240&frames=5&realtime=0"
    settings = SimulatedSettings.from_url(url)
    assert settings == SimulatedSettings(
        rig="ir",
        scene="wall",
        projector=False,
        distance_m=1.5,
        tilt_deg=-10.0,
        seed=7,
        fps=15.0,
        size=(320, 240),
        frames=5,
        realtime=False,
    )
    assert SimulatedSettings.from_url(settings.to_url()) == settings
    assert isinstance(open_source("sim://hybrid?scene=board"), SimulatedSource)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("sim://lidar", "sim://hybrid"),
        ("sim://ir?colour=red", "projector"),
        ("sim://ir?scene=beach", "desk, board or wall"),
        ("sim://ir?size=big", "640x480"),
        ("sim://ir?size=8x8", "32x32"),
        ("sim://ir?fps=0", "1 to 90"),
        ("sim://ir?projector=dim", "on or off"),
        ("sim://ir?distance_m=nan", "0.2 to 10"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(url: str, allowed: str) -> None:
    with pytest.raises(SourceError, match=allowed):
        SimulatedSource.from_url(url)


def test_the_infrared_rig_delivers_rectified_grey_frames_with_its_calibration() -> None:
    with SimulatedSource.from_url(f"sim://ir?{SMALL}") as source:
        frame = source.read()
        assert frame is not None and frame.right is not None and frame.depth_mm is not None
        assert frame.left.shape == frame.right.shape == frame.depth_mm.shape == (48, 64)
        assert source.calibration is not None and source.calibration.is_rectified
        assert source.calibration.baseline_m == pytest.approx(0.05)
        assert source.calibration.K1[0, 0] == pytest.approx(38.5)


def test_the_hybrid_rig_delivers_colour_and_must_be_calibrated() -> None:
    with SimulatedSource.from_url(f"sim://hybrid?{SMALL}") as source:
        frame = source.read()
        assert frame is not None and frame.right is not None and frame.exact_depth_m is not None
        assert frame.left.shape == frame.right.shape == (48, 64, 3)
        assert source.calibration is None
        assert source.exact_calibration.image_size == (64, 48)
        assert 1 < frame.skew_ms < 4
        assert np.isfinite(frame.exact_depth_m).all()


@pytest.mark.parametrize("scene", ["desk", "board", "wall"])
def test_without_real_time_every_frame_comes_once_in_order_and_differs(scene: str) -> None:
    frames = all_frames(f"sim://ir?scene={scene}&{SMALL}")
    assert [frame.number for frame in frames] == [0, 1, 2]
    assert [frame.timestamp_s for frame in frames] == pytest.approx([0, 1 / 30, 2 / 30])
    assert not np.array_equal(frames[0].left, frames[1].left)
    assert not np.array_equal(frames[1].left, frames[2].left)


def test_the_same_url_gives_the_same_frames_and_another_seed_another_room(tmp_path, monkeypatch) -> None:
    url = "sim://hybrid?size=64x48&frames=2&realtime=0"
    first = all_frames(url)
    monkeypatch.setenv("DEPTHSTUDIO_CACHE", str(tmp_path / "elsewhere"))
    again = all_frames(url)
    other = all_frames(f"{url}&seed=1")
    for a, b, c in zip(first, again, other, strict=True):
        assert np.array_equal(a.left, b.left) and np.array_equal(a.right, b.right)
        assert np.array_equal(a.depth_mm, b.depth_mm) and np.array_equal(a.exact_depth_m, b.exact_depth_m)
        assert np.abs(a.exact_depth_m - c.exact_depth_m).mean() > 0.1


def test_noise_can_be_switched_off() -> None:
    quiet = all_frames(f"sim://ir?scene=wall&noise=off&{SMALL}")
    assert np.array_equal(quiet[0].left, quiet[1].left)
    noisy = all_frames(f"sim://ir?scene=wall&{SMALL}")
    difference = noisy[0].left.astype(float) - quiet[0].left
    assert 1.0 < difference.std() < 5.0
    assert abs(difference.mean()) < 0.5


def test_a_moving_scene_covers_the_working_range() -> None:
    for frame in all_frames("sim://hybrid?size=64x48&frames=3&seed=5&realtime=0"):
        near, far = np.min(frame.exact_depth_m), np.max(frame.exact_depth_m)
        assert 0.45 < near < 0.9 and 2.5 < far < 5.0


def test_controls_change_the_images() -> None:
    with SimulatedSource.from_url("sim://ir?size=160x120&noise=off&frames=4") as source:
        lit = _wait(source)
        source.set_control("projector", 0)
        dark = _wait(source)
        assert lit.left.mean() > dark.left.mean() + 1
        assert (lit.depth_mm > 0).mean() > (dark.depth_mm > 0).mean()
        source.set_control("exposure", 4.25)
        assert _wait(source).left.mean() == pytest.approx(dark.left.mean() / 2, rel=0.1)
        source.set_control("scene", 2)
        assert _wait(source).metadata["scene"] == "wall"
        source.set_control("distance_m", 2.0)
        assert np.median(_wait(source).exact_depth_m) == pytest.approx(2.0, rel=0.01)
        with pytest.raises(SourceError, match="from 0"):
            source.set_control("distance_m", 90.0)
        with pytest.raises(KeyError):
            source.set_control("zoom", 1.0)


def test_the_wall_alone_can_be_moved() -> None:
    source = SimulatedSource.from_url("sim://ir")
    unavailable = {control.name for control in source.controls() if control.unavailable}
    assert unavailable == {"distance_m", "tilt_deg"}
    with pytest.raises(SourceError, match="wall"):
        source.set_control("distance_m", 1.0)


def test_a_damaged_file_in_the_cache_is_rendered_again() -> None:
    (frame,) = all_frames("sim://ir?scene=wall&size=64x48&frames=1&realtime=0")
    store = LoopStore(SimulatedSettings.from_url("sim://ir?scene=wall&size=64x48&frames=1&realtime=0"))
    (path,) = store.folder.glob("*.npz")
    path.write_bytes(path.read_bytes()[:1000])
    (again,) = all_frames("sim://ir?scene=wall&size=64x48&frames=1&realtime=0")
    assert np.array_equal(frame.left, again.left)


def test_reading_a_closed_source_is_an_error() -> None:
    source = SimulatedSource.from_url("sim://ir")
    with pytest.raises(SourceError, match="not open"):
        source.read()
    source.close()


def test_an_unfinished_loop_is_played_there_and_back() -> None:
    assert [there_and_back(k, 1) for k in range(3)] == [0, 0, 0]
    assert [there_and_back(k, 4) for k in range(8)] == [0, 1, 2, 3, 2, 1, 0, 1]


def test_the_board_is_held_still_and_then_moved() -> None:
    shown = [held_frames(k, 10, 30.0) for k in range(88)]
    assert shown[:24] == [0] * 24
    assert sorted(set(shown[24:40])) == [1, 2, 3, 4]
    assert shown[40] == 5
    assert set(shown) <= set(range(10))


def test_an_unfinished_board_loop_holds_the_board_too() -> None:
    assert [whole_poses(ready) for ready in (0, 1, 4, 5, 9, 10, 19, 20, 149)] == [1, 1, 1, 5, 5, 10, 10, 20, 80]
    # A slow reader takes every eighth frame while four new ones are rendered each second.
    shown = [held_frames(number, whole_poses(number * 4 // 30), 30.0) for number in range(0, 600, 8)]
    held = sum(now == before for before, now in pairwise(shown))
    assert held > len(shown) / 3
    assert len(set(shown)) > 10


def test_opencv_calibrates_the_hybrid_rig_from_its_board() -> None:
    left, right, frames = [], [], all_frames("sim://hybrid?scene=board&size=640x480&frames=16&seed=1&realtime=0")
    for frame in frames:
        pair = [_corners(image) for image in (frame.left, frame.right)]
        if pair[0] is not None and pair[1] is not None:
            left.append(pair[0])
            right.append(pair[1])
    assert len(left) >= 12
    exact = SimulatedSource.from_url("sim://hybrid").exact_calibration
    grid = np.zeros((54, 3), np.float32)
    grid[:, :2] = np.mgrid[0:9, 0:6].T.reshape(-1, 2) * 0.025
    boards = [grid] * len(left)
    _, K1, D1, *_ = cv2.calibrateCamera(boards, left, (640, 480), None, None, flags=cv2.CALIB_FIX_K3)
    _, K2, D2, *_ = cv2.calibrateCamera(boards, right, (640, 480), None, None, flags=cv2.CALIB_FIX_K3)
    assert K1[0, 0] == pytest.approx(exact.K1[0, 0], rel=0.005)
    assert K2[0, 0] == pytest.approx(exact.K2[0, 0], rel=0.005)
    rms, *_, T, _, _ = cv2.stereoCalibrate(
        boards, left, right, K1, D1, K2, D2, (640, 480), flags=cv2.CALIB_FIX_INTRINSIC
    )
    assert rms < 0.15
    assert np.linalg.norm(T) == pytest.approx(exact.baseline_m, rel=0.01)


def _corners(image: np.ndarray) -> np.ndarray | None:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    found, corners = cv2.findChessboardCorners(grey, (9, 6))
    if not found:
        return None
    criteria = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 60, 1e-4)
    return cv2.cornerSubPix(grey, corners.astype(np.float32).reshape(-1, 1, 2), (3, 3), (-1, -1), criteria)


def _wait(source: SimulatedSource) -> StereoFrame:
    for _ in range(60):
        frame = source.read(0.5)
        if frame is not None:
            return frame
    raise AssertionError("no frame came")


def test_the_projector_can_alternate_from_frame_to_frame(tmp_path) -> None:
    from depthstudio.cameras.recording import record
    from depthstudio.cameras.recording_modes import Mode, RecordingMode

    with open_source("sim://ir?scene=wall&size=64x48&frames=4&realtime=0") as source:
        (projector,) = (control for control in source.controls() if control.name == "projector")
        source.set_control("projector", projector.choices.index("alternating"))
        shown = [source.read().metadata["projector"] for _ in range(4)]
        assert shown == [True, False, True, False]
        source.set_control("projector", 1)
        assert {control.name: control.value for control in source.controls()}["projector"] == 1
    url = "sim://ir?scene=wall&size=320x240&fps=30"
    session = record(url, tmp_path / "s", mode=RecordingMode(Mode.EMITTER_ALTERNATING), frames=2)
    assert all(session.frame(i).metadata["projector"] is False for i in range(2))
    assert all((session.frame(i).depth_mm > 0).mean() > 0.5 for i in range(2))


def test_without_a_writable_cache_loops_share_a_folder_and_nothing_else_is_cleared(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("in the way")
    temporary = tmp_path / "temporary"
    (temporary / "of-another-program").mkdir(parents=True)
    (temporary / "of-another-program" / "work").write_bytes(b"precious")
    monkeypatch.setenv("DEPTHSTUDIO_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(loop_store.tempfile, "tempdir", str(temporary))
    monkeypatch.setattr(loop_store, "_KEPT_BYTES", 0)
    settings = SimulatedSettings.from_url("sim://ir?scene=wall&size=64x48&realtime=0")
    store = LoopStore(settings)
    store.get(0)
    prune(store.folder)
    assert (temporary / "of-another-program" / "work").read_bytes() == b"precious"
    assert LoopStore(settings).has(0)  # as a child process would find it


def test_files_that_vanish_while_the_cache_is_measured_stop_nothing(tmp_path) -> None:
    store = LoopStore(SimulatedSettings.from_url("sim://ir?scene=wall&size=64x48&realtime=0"))
    other = store.folder.parent / "another-loop"
    other.mkdir()
    (other / "00001.npz.part").symlink_to(tmp_path / "renamed meanwhile")
    prune(store.folder)
