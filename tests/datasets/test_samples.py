from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.datasets import LabelMaskSettings, Session, SessionSamples, SessionWriter, open_samples
from depthstudio.datasets.ground_truth import FlyingThingsSamples, MiddleburySamples
from depthstudio.datasets.image_pairs import PairFolderSamples, find_pairs
from depthstudio.datasets.pfm import write_pfm
from depthstudio.datasets.seed_folder import SeedFolderSamples
from depthstudio.errors import DatasetError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import Rectifier, StereoCalibration

MakeFrame = Callable[..., StereoFrame]
FINITE_ONLY = LabelMaskSettings(use_range=False, use_border=False, use_gradient=False, use_percentile=False)


def record(folder: Path, frames: list[StereoFrame], calibration: StereoCalibration | None, role: str = "") -> Session:
    with SessionWriter(folder, "sim://test", calibration, {}) as writer:
        for frame in frames:
            writer.append(frame)
    session = Session.open(folder)
    session.set_role(role)
    return session


def turned_rig() -> StereoCalibration:
    """Two different cameras, the right one turned and lens-distorted."""
    R, _ = cv2.Rodrigues(np.array([0.01, -0.05, 0.02]))
    K1 = np.array([[80.0, 0, 32], [0, 80, 24], [0, 0, 1]])
    K2 = np.array([[60.0, 0, 31], [0, 60, 25], [0, 0, 1]])
    D2 = np.array([-0.1, 0.02, 0, 0, 0])
    return StereoCalibration(K1, np.zeros(5), K2, D2, R, np.array([-0.13, 0.001, -0.03]), image_size=(64, 48))


def test_a_sessions_depth_becomes_disparity_by_its_own_calibration(
    tmp_path: Path, make_frame: MakeFrame, calibration: StereoCalibration
) -> None:
    depth_mm = np.full((48, 64), 2000, np.uint16)
    depth_mm[5, 6] = 0
    exact = np.full((48, 64), 2.001, np.float32)
    record(tmp_path / "s", [make_frame(1, depth_mm=depth_mm, exact_depth_m=exact)], calibration)
    sample = open_samples(tmp_path / "s", mask=FINITE_ONLY)[0]
    assert sample.left.shape == (48, 64, 3)
    assert np.isnan(sample.disparity_px[5, 6])
    assert not sample.valid[5, 6]
    assert sample.disparity_px[sample.valid] == pytest.approx(25.0)
    assert sample.exact_disparity_px == pytest.approx(50 / 2.001)
    assert sample.geometry is not None
    assert sample.geometry.focal_baseline == pytest.approx(50)

    half = StereoCalibration.rectified_pair(500.0, 0.05, 31.5, 23.5, (64, 48))
    assert np.nanmax(open_samples(tmp_path / "s", half, FINITE_ONLY)[0].disparity_px) == pytest.approx(12.5)


def test_raw_images_and_labels_are_rectified_together(tmp_path: Path, make_frame: MakeFrame) -> None:
    rig = turned_rig()
    frame = make_frame(1, 3, depth_mm=np.full((48, 64), 1500, np.uint16))
    record(tmp_path / "s", [frame], rig)
    sample = open_samples(tmp_path / "s", mask=FINITE_ONLY)[0]
    rectifier = Rectifier(rig)
    np.testing.assert_array_equal(sample.left, rectifier.rectify_left(frame.left))
    assert frame.right is not None
    assert frame.depth_mm is not None
    np.testing.assert_array_equal(sample.right, rectifier.rectify_right(frame.right))
    np.testing.assert_array_equal(sample.disparity_px, rectifier.label_disparity(frame.depth_mm))


def test_the_mask_limits_follow_the_calibration_in_use(
    tmp_path: Path, make_frame: MakeFrame, calibration: StereoCalibration
) -> None:
    depth_mm = np.full((48, 64), 9000, np.uint16)
    depth_mm[:, :32] = 11000
    record(tmp_path / "s", [make_frame(1, depth_mm=depth_mm)], calibration)
    only_range = LabelMaskSettings(use_border=False, use_gradient=False, use_percentile=False)
    for rig in (calibration, StereoCalibration.rectified_pair(719.53, 0.1371, 31.5, 23.5, (64, 48))):
        sample, statistics = SessionSamples(Session.open(tmp_path / "s"), rig, only_range).sample(0)
        assert not sample.valid[:, :32].any()
        assert sample.valid[:, 32:].all()
        assert statistics.removed["range"] == 0.5


def test_frames_that_are_marked_out_or_lack_an_image_are_skipped(
    tmp_path: Path, make_frame: MakeFrame, calibration: StereoCalibration
) -> None:
    frames = [make_frame(0), make_frame(1, right=None), make_frame(2), make_frame(3, depth_mm=None), make_frame(4)]
    session = record(tmp_path / "s", frames, calibration)
    session.set_excluded([2])
    samples = SessionSamples(Session.open(tmp_path / "s"))
    assert samples.positions == [0, 4]
    assert samples.groups == ["s", "s"]
    session.set_excluded([0, 2, 4])
    with pytest.raises(DatasetError, match="no frames to learn from"):
        open_samples(tmp_path / "s")


def test_a_folder_of_sessions_is_one_source_without_the_ignored(
    tmp_path: Path, make_frame: MakeFrame, calibration: StereoCalibration
) -> None:
    record(tmp_path / "sessions/a", [make_frame(0), make_frame(1)], calibration, "train")
    record(tmp_path / "sessions/b", [make_frame(2)], calibration, "validation")
    record(tmp_path / "sessions/c", [make_frame(3)], calibration, "ignored")
    for folder in (tmp_path, tmp_path / "sessions"):
        samples = open_samples(folder)
        assert samples.groups == ["a", "a", "b"]
        assert samples.roles == {"a": "train", "b": "validation"}
        assert samples[2].name.startswith("b ")
        assert "2 recording sessions with 3 frames" in samples.title
        assert "1 left out" in samples.title


def test_a_session_without_calibration_says_so(
    tmp_path: Path, make_frame: MakeFrame, calibration: StereoCalibration
) -> None:
    record(tmp_path / "s", [make_frame(0)], None)
    with pytest.raises(DatasetError, match="has no calibration"):
        open_samples(tmp_path / "s")
    assert len(open_samples(tmp_path / "s", calibration)) == 1
    other_size = StereoCalibration.rectified_pair(1000.0, 0.05, 320, 240, (640, 480))
    with pytest.raises(DatasetError, match="640x480"):
        open_samples(tmp_path / "s", other_size)[0]


def npy_frame(folder: Path, depth: np.ndarray, grey: int = 50) -> None:
    folder.mkdir(parents=True)
    np.save(folder / "color.npy", np.full((48, 64, 3), grey, np.uint8))
    np.save(folder / "right.npy", np.full((48, 64, 3), grey + 1, np.uint8))
    np.save(folder / "left.npy", np.full((48, 64, 3), 255, np.uint8))
    np.save(folder / "depth.npy", depth)


def test_npy_runs_are_read_whatever_the_unit_of_their_depth(tmp_path: Path, calibration: StereoCalibration) -> None:
    metres = np.full((48, 64), 2.0, np.float32)
    metres[0, 0] = np.nan
    npy_frame(tmp_path / "d/20260101_100000/000001", np.full((48, 64), 2000, np.uint16), grey=10)
    npy_frame(tmp_path / "d/20260101_100000/000002", metres, grey=20)
    npy_frame(tmp_path / "d/20260102_100000/000010", metres.astype(np.float64), grey=40)
    npy_frame(tmp_path / "d/20260102_100000/000009", metres, grey=30)
    (tmp_path / "d/20260102_100000/000011").mkdir()  # an unfinished frame
    samples = open_samples(tmp_path / "d", calibration, FINITE_ONLY)
    assert isinstance(samples, SeedFolderSamples)
    assert samples.groups == ["20260101_100000"] * 2 + ["20260102_100000"] * 2
    assert [samples[i].left[0, 0, 0] for i in range(4)] == [10, 20, 30, 40]
    assert [samples[i].right[0, 0, 0] for i in range(4)] == [11, 21, 31, 41]
    for i in range(4):
        assert samples[i].disparity_px[samples[i].valid] == pytest.approx(25.0)
    assert not samples[1].valid[0, 0]
    assert open_samples(tmp_path / "d/20260102_100000", calibration).groups == ["20260102_100000"] * 2
    with pytest.raises(DatasetError, match="has no calibration"):
        open_samples(tmp_path / "d")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("color.npy", np.zeros((48, 64, 3), np.float32), "no image"),
        ("depth.npy", np.zeros((48, 64), np.uint8), "no depth"),
        ("depth.npy", np.zeros((24, 32), np.uint16), "depth.npy"),
    ],
)
def test_a_wrong_array_names_its_file(
    tmp_path: Path, calibration: StereoCalibration, name: str, content: np.ndarray, message: str
) -> None:
    npy_frame(tmp_path / "run/000001", np.zeros((48, 64), np.uint16))
    np.save(tmp_path / "run/000001" / name, content)
    with pytest.raises(DatasetError, match=message):
        open_samples(tmp_path, calibration)[0]


def test_pickles_in_npy_files_are_never_run(tmp_path: Path, calibration: StereoCalibration) -> None:
    npy_frame(tmp_path / "run/000001", np.zeros((48, 64), np.uint16))
    np.save(tmp_path / "run/000001/color.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DatasetError, match="cannot be read"):
        open_samples(tmp_path, calibration)[0]


def flying_things(folder: Path, splits: tuple[str, ...] = ("train", "val"), suffix: str = ".png") -> None:
    rng = np.random.default_rng(0)
    for split in splits:
        for side, sign in (("left", -1), ("right", 1)):
            (folder / split / "image_clean" / side).mkdir(parents=True)
            (folder / split / "disparity" / side).mkdir(parents=True)
            for number in (0, 1):
                image = rng.integers(0, 256, (24, 32, 3), np.uint8)
                cv2.imwrite(str(folder / split / "image_clean" / side / f"{number:07d}{suffix}"), image)
                disparity = np.full((24, 32), sign * (number + 3), np.float32)
                write_pfm(folder / split / "disparity" / side / f"{number:07d}.pfm", disparity)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_flyingthings_disparity_is_positive_and_its_splits_are_roles(tmp_path: Path, suffix: str) -> None:
    flying_things(tmp_path, suffix=suffix)
    samples = open_samples(tmp_path)
    assert isinstance(samples, FlyingThingsSamples)
    assert samples.groups == ["train", "train", "val", "val"]
    assert samples.roles == {"train": "train", "val": "validation"}
    sample = samples[1]
    assert (sample.disparity_px == 4).all()
    assert sample.valid.all()
    assert sample.right_disparity_px is not None
    assert (sample.right_disparity_px == 4).all()
    assert open_samples(tmp_path / "val").groups == ["val", "val"]


def middlebury_scene(folder: Path, truth: str = "disp0.pfm") -> np.ndarray:
    folder.mkdir(parents=True)
    rgb = np.zeros((20, 30, 3), np.uint8)
    rgb[..., 0] = 200
    for name in ("im0.png", "im1.png"):
        cv2.imwrite(str(folder / name), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    disparity = np.full((20, 30), 7.25, np.float32)
    disparity[0, 0] = np.nan
    write_pfm(folder / truth, disparity)
    (folder / "calib.txt").write_text(
        "cam0=[994.978 0 311.193; 0 994.978 254.877; 0 0 1]\ncam1=[994.978 0 342.279; 0 994.978 254.877; 0 0 1]\n"
        "doffs=31.086\nbaseline=193.001\nwidth=30\nheight=20\nndisp=64\n"
    )
    return disparity


@pytest.mark.parametrize("truth", ["disp0.pfm", "disp0GT.pfm"])
def test_middlebury_scenes_come_with_their_geometry(tmp_path: Path, truth: str) -> None:
    disparity = middlebury_scene(tmp_path / "all/motorcycle", truth)
    samples = open_samples(tmp_path / "all")
    assert isinstance(samples, MiddleburySamples)
    sample = samples[0]
    np.testing.assert_array_equal(sample.disparity_px, disparity)
    assert not sample.valid[0, 0]
    assert sample.left[3, 3].tolist() == [200, 0, 0]
    assert sample.geometry is not None
    assert sample.geometry.focal_baseline == pytest.approx(994.978 * 0.193001)
    assert sample.geometry.disparity_shift_px == 31.086
    assert open_samples(tmp_path / "all/motorcycle").groups == ["motorcycle"]


def test_ground_truth_is_not_masked_by_rules_for_measured_depth(tmp_path: Path) -> None:
    middlebury_scene(tmp_path / "scene")
    assert open_samples(tmp_path / "scene", mask=LabelMaskSettings())[0].valid.sum() == 20 * 30 - 1


def pairs_with_depth(folder: Path, calibration: StereoCalibration | None) -> None:
    folder.mkdir(parents=True)
    for number in (1, 2, 10):
        for name in ("left", "right"):
            cv2.imwrite(str(folder / f"{number}_{name}.png"), np.full((48, 64), number, np.uint8))
        cv2.imwrite(str(folder / f"{number}_depth.png"), np.full((48, 64), 1000 * number, np.uint16))
    if calibration is not None:
        calibration.save(folder / "calibration.npz")


def test_pairs_with_depth_beside_them_are_samples(tmp_path: Path, calibration: StereoCalibration) -> None:
    pairs_with_depth(tmp_path / "pairs", calibration)
    samples = open_samples(tmp_path / "pairs", mask=FINITE_ONLY)
    assert isinstance(samples, PairFolderSamples)
    assert [float(np.nanmax(samples[i].disparity_px)) for i in range(3)] == pytest.approx([50, 25, 5])
    assert samples[2].left.shape == (48, 64, 3)


@pytest.mark.parametrize(
    "names",
    [
        ("left/a.png", "right/a.png", "depth/a.png"),
        ("left/x1.png", "right/y1.png", None),
        ("left01.jpg", "right01.jpg", None),
        ("cam_L.png", "cam_R.png", None),
        ("scene/im0.png", "scene/im1.png", None),
        ("left.png", "right.png", "depth_mm.png"),
    ],
)
def test_pairs_are_found_under_many_names(tmp_path: Path, names: tuple[str, str, str | None]) -> None:
    for name in names:
        if name is not None:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(b"")
    (pair,) = find_pairs(tmp_path)
    assert (pair.left, pair.right) == (tmp_path / names[0], tmp_path / names[1])
    assert pair.depth == (tmp_path / names[2] if names[2] else None)


def test_left_images_with_depth_are_found_without_right_ones_and_are_no_samples(tmp_path: Path) -> None:
    for name in ("left/a.png", "left/b.png", "depth/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (pair,) = find_pairs(tmp_path)
    assert (pair.left.name, pair.right, pair.depth) == ("a.png", None, tmp_path / "depth/a.png")
    with pytest.raises(DatasetError, match="nothing to learn from"):
        open_samples(tmp_path)


def test_a_folder_without_data_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"session\.json.*FlyingThings3D.*Middlebury.*color\.npy.*depth"):
        open_samples(tmp_path)
    with pytest.raises(DatasetError, match="no folder"):
        open_samples(tmp_path / "none")
    (tmp_path / "x.db3").write_bytes(b"")
    with pytest.raises(DatasetError, match="depthstudio import"):
        open_samples(tmp_path / "x.db3")


def test_constructing_reads_no_image(tmp_path: Path, make_frame: MakeFrame, calibration: StereoCalibration) -> None:
    record(tmp_path / "s", [make_frame(0)], calibration)
    for image in (tmp_path / "s/frames").iterdir():
        image.write_bytes(b"damaged")
    samples = open_samples(tmp_path / "s")
    assert len(samples) == 1
    with pytest.raises(DatasetError, match="000001_left"):
        samples[0]


def test_real_scenes_match_at_their_ground_truth(real_data: Path) -> None:
    samples = open_samples(real_data / "stereo")
    assert len(samples) >= 10
    for index in (samples.groups.index("mb03_cones_q"), samples.groups.index("sceneflow_ft3d_A0032_0006")):
        sample = samples[index]
        rows, columns = np.nonzero(sample.valid & (sample.nonoccluded if sample.nonoccluded is not None else True))
        at = np.round(columns - sample.disparity_px[rows, columns]).astype(int)
        inside = at >= 0
        left = sample.left[rows[inside], columns[inside]].astype(int)
        match = sample.right[rows[inside], at[inside]].astype(int)
        other = sample.right[rows[inside], columns[inside]].astype(int)
        assert np.abs(left - match).mean() < 0.4 * np.abs(left - other).mean()


def test_real_captures_have_the_usual_share_of_valid_labels(real_data: Path) -> None:
    samples = open_samples(real_data / "realsense")
    assert len(samples) == 3
    for i in range(3):
        sample, statistics = samples.sample(i)  # type: ignore[attr-defined]
        assert 0.6 < statistics.valid_share < 0.85
        assert statistics.warning == ""
        assert np.nanmin(sample.disparity_px[sample.valid]) > 2
        assert np.nanmax(sample.disparity_px[sample.valid]) < 130


@pytest.mark.parametrize("turned", [False, True])
def test_a_labels_confidence_stays_with_its_pixels(
    tmp_path: Path, make_frame: MakeFrame, calibration: StereoCalibration, turned: bool
) -> None:
    levels = np.where(np.random.default_rng(4).random((48, 64)) < 0.7, np.uint8(128), np.uint8(0))
    depth_mm = np.where(levels > 0, np.uint16(2000), np.uint16(0))
    rig = turned_rig() if turned else calibration
    record(tmp_path / "s", [make_frame(1, depth_mm=depth_mm, label_confidence=levels)], rig)
    sample = SessionSamples(tmp_path / "s", mask=FINITE_ONLY)[0]
    assert sample.confidence is not None and sample.confidence.dtype == np.float32
    assert set(np.unique(sample.confidence)) == {np.float32(0), np.float32(128 / 255)}
    np.testing.assert_array_equal(np.isfinite(sample.disparity_px), sample.confidence > 0)
