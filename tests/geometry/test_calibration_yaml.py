"""Calibrations as OpenCV YAML and as a ROS camera_info pair: the same cameras come back."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.errors import CalibrationError
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.geometry.calibration_yaml import save_ros


def rig(**changes: object) -> StereoCalibration:
    known = {
        "K1": np.array([[600.0, 0, 325], [0, 601, 236], [0, 0, 1]]),
        "D1": np.array([-0.15, 0.06, 0.0008, -0.0005, 0.01]),
        "K2": np.array([[560.0, 0, 315], [0, 559, 247], [0, 0, 1]]),
        "D2": np.array([-0.25, 0.09, 0.0, 0.0007, 0.0, 0.1, 0.02, 0.001]),
        "R": cv2.Rodrigues(np.array([0.01, 0.04, -0.015]))[0],
        "T": np.array([-0.1, 0.001, 0.002]),
        "image_size": (640, 480),
        "rms_px": 0.21,
        "board": {"kind": "chessboard"},
        "extra": {"notes": "bench"},
    }
    return StereoCalibration(**(known | changes))  # type: ignore[arg-type]


def fisheye_rig() -> StereoCalibration:
    lens = np.array([-0.02, 0.005, -0.003, 0.0006])
    K = np.array([[280.0, 0, 320], [0, 281, 240], [0, 0, 1]])
    return rig(
        K1=K,
        D1=lens,
        K2=K + np.array([[2, 0, 3], [0, 1, -2], [0, 0, 0]]),
        D2=lens * 1.1,
        lens1="fisheye",
        lens2="fisheye",
    )


@pytest.mark.parametrize("suffix", [".npz", ".yml", ".yaml"])
@pytest.mark.parametrize("make", [rig, fisheye_rig])
def test_a_file_gives_back_the_same_calibration(tmp_path: Path, suffix: str, make) -> None:
    before = make()
    before.save(tmp_path / f"c{suffix}")
    after = StereoCalibration.load(tmp_path / f"c{suffix}")
    assert after.id == before.id
    assert (after.image_size, after.rms_px, after.board, after.extra) == (
        before.image_size,
        before.rms_px,
        before.board,
        before.extra,
    )
    assert after.lens1 == before.lens1


@pytest.mark.parametrize("make", [rig, fisheye_rig])
def test_a_ros_pair_rectifies_alike(tmp_path: Path, make) -> None:
    before = make()
    left, right = save_ros(before, tmp_path / "bench.yaml")
    assert (left.name, right.name) == ("bench_left.yaml", "bench_right.yaml")
    for file in (left, right):
        after = StereoCalibration.load(file)
        np.testing.assert_allclose(after.K1, before.K1)
        np.testing.assert_allclose(after.D2, before.D2)
        np.testing.assert_allclose(after.R, before.R, atol=1e-9)
        np.testing.assert_allclose(after.T, before.T, atol=1e-9)
        assert after.lens2 == before.lens2


def test_one_file_of_a_ros_pair_is_not_enough(tmp_path: Path) -> None:
    left, right = save_ros(rig(), tmp_path / "bench")
    right.unlink()
    with pytest.raises(CalibrationError, match=r"bench_right\.yaml is missing"):
        StereoCalibration.load(left)


def test_the_names_of_opencv_s_sample_are_understood(tmp_path: Path) -> None:
    c = rig()
    c.save(tmp_path / "c.yml")
    text = (tmp_path / "c.yml").read_text().replace("K1:", "M1:").replace("K2:", "M2:")
    (tmp_path / "other.yml").write_text(text)
    np.testing.assert_allclose(StereoCalibration.load(tmp_path / "other.yml").K2, c.K2)


@pytest.mark.parametrize("text", ["", "just words", "%YAML:1.0\n---\nK1: 3\n", "camera_matrix:\n  rows: 3\n"])
def test_other_yaml_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x_left.yaml").write_text(text)
    (tmp_path / "x_right.yaml").write_text(text)
    with pytest.raises(CalibrationError):
        StereoCalibration.load(tmp_path / "x_left.yaml")


def test_a_fisheye_pair_rectifies_to_equal_rows_and_right_depth() -> None:
    rectifier = Rectifier(fisheye_rig())
    c = rectifier.calibration
    points = np.array([(x, y, z) for x in (-0.8, 0.1, 0.7) for y in (-0.5, 0, 0.6) for z in (1.0, 2.0)])
    left = rectifier.rectify_left_points(c.left.project(points, np.zeros(3), np.zeros(3)))
    right = rectifier.rectify_right_points(c.right.project(points, cv2.Rodrigues(c.R)[0], c.T))
    np.testing.assert_allclose(left[:, 1], right[:, 1], atol=1e-4)
    z = (points @ rectifier.R1.T)[:, 2]
    np.testing.assert_allclose(rectifier.geometry.focal_baseline / (left - right)[:, 0], z, rtol=1e-4)
    x, y, width, height = rectifier.valid_roi
    assert (x, y) == (0, 0)
    assert width * height == 640 * 480  # alpha 0 shows seen pixels only
    grid = np.full((480, 640), 255, np.uint8)
    assert rectifier.rectify_left(grid).min() > 0


def test_one_fisheye_beside_an_ordinary_lens() -> None:
    mixed = rig(K2=fisheye_rig().K2, D2=fisheye_rig().D2, lens2="fisheye")
    rectifier = Rectifier(mixed)
    point = np.array([[0.05, 0.1, 1.2]])
    left = rectifier.rectify_left_points(mixed.left.project(point, np.zeros(3), np.zeros(3)))
    right = rectifier.rectify_right_points(mixed.right.project(point, cv2.Rodrigues(mixed.R)[0], mixed.T))
    assert left[0, 1] == pytest.approx(right[0, 1], abs=1e-4)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("data: [ 640, 480 ]", "data: [ 0, 480 ]"),
        ("cols: 2\n   dt: i\n   data: [ 640, 480 ]", "cols: 3\n   dt: i\n   data: [ 640, 480, 3 ]"),
    ],
)
def test_a_size_that_is_none_is_refused_by_the_file_s_name(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "bench.yml"
    rig().save(path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(CalibrationError, match=r"bench\.yml"):
        StereoCalibration.load(path)


def test_a_wrong_matrix_is_refused_by_the_file_s_name(tmp_path: Path) -> None:
    path = tmp_path / "bench.yml"
    rig().save(path)
    path.write_text(path.read_text().replace("600., 0., 325.", "-600., 0., 325."))
    with pytest.raises(CalibrationError, match=r"bench\.yml: K1 is not a camera matrix"):
        StereoCalibration.load(path)


def test_a_description_of_another_kind_costs_the_description_only(tmp_path: Path) -> None:
    path = tmp_path / "bench.yml"
    rig().save(path)
    lines = ['about: "[1, 2]"' if line.startswith("about:") else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines) + "\n")
    loaded = StereoCalibration.load(path)
    assert loaded.id == rig().id and loaded.extra == {}


def test_a_ros_pair_of_the_shorter_suffix_is_read(tmp_path: Path) -> None:
    for file in save_ros(rig(), tmp_path / "bench"):
        file.rename(file.with_suffix(".yml"))
    loaded = StereoCalibration.load(tmp_path / "bench_right.yml")
    assert loaded.baseline_m == pytest.approx(rig().baseline_m)
