"""The folder for use elsewhere: its script alone gives the depth that the program gives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.errors import SettingsError
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.inference import Predictor
from depthstudio.inference.elsewhere import rectification_arrays, write_elsewhere
from depthstudio.inference.probe import probe_pair
from depthstudio.models import StereoNetwork, create_network

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
SIZE = (96, 64)
PAIRS = [probe_pair((80, 50), 10)]
# An interpreter that has numpy, opencv-python-headless and onnxruntime only; the test's own serves where there is none.
PYTHON = os.environ.get("DEPTHSTUDIO_CLEAN_PYTHON", sys.executable)


def network() -> StereoNetwork:
    return create_network(
        "depthstudio-s", channels=(8, 8, 8, 8, 8), match=8, groups=2, fine_match=8, max_disparity=32
    ).eval()


def rig() -> StereoCalibration:
    K = np.array([[80.0, 0, 47], [0, 80.0, 31], [0, 0, 1]])
    R = np.asarray(cv2.Rodrigues(np.array([0.01, 0.02, -0.01]))[0])
    bent = np.array([-0.05, 0.01, 0, 0, 0])
    return StereoCalibration(K, bent, K + np.diag([1.0, 1, 0]), bent, R, np.array([-0.1, 0.002, 0.001]), SIZE)


def run_script(folder: Path, left: np.ndarray, right: np.ndarray) -> subprocess.CompletedProcess[str]:
    for name, image in (("left.png", left), ("right.png", right)):
        cv2.imwrite(str(folder / name), image[:, :, ::-1])
    words = [PYTHON, "depth.py", "left.png", "right.png", "out.npy"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_the_script_gives_what_the_program_gives(tmp_path: Path) -> None:
    net, rectifier = network(), Rectifier(rig())
    report = write_elsewhere(tmp_path, net, rectifier, None, PAIRS, metadata={"run": "desk"})
    assert report.rectified and "with rectification maps" in report.lines()[0]
    assert "ImageNet" in (tmp_path / "README.md").read_text()
    assert {path.name for path in tmp_path.iterdir()} == {
        "network.onnx", "rectification.npz", "depth.py", "ROS2.md", "README.md", "requirements.txt"
    }  # fmt: skip
    left, right = probe_pair(SIZE, 10)
    said = run_script(tmp_path, left, right).stdout
    assert "96x64 px" in said and "median" in said
    disparity_px = np.load(tmp_path / "out.npy")
    expected = Predictor(net, rectifier, "cpu").predict(left, right).disparity_px
    # Both round the rectified images to bytes, one with maps of 1/32 px.
    assert np.median(np.abs(disparity_px - expected)) < 0.05
    depth_mm = cv2.imread(str(tmp_path / "depth_mm.png"), cv2.IMREAD_UNCHANGED)
    g = rectifier.geometry
    wanted = np.clip(1000 * g.focal_baseline / np.maximum(disparity_px + g.disparity_shift_px, 1e-3), 0, 65535)
    assert depth_mm is not None
    np.testing.assert_allclose(depth_mm, wanted, atol=1)


def test_without_a_calibration_pairs_come_rectified(tmp_path: Path) -> None:
    (tmp_path / "rectification.npz").write_bytes(b"of an earlier export")
    net = network()
    report = write_elsewhere(tmp_path, net, None, None, PAIRS, half_resolution=True)
    assert not report.rectified and not (tmp_path / "rectification.npz").exists()
    left, right = probe_pair((101, 67), 10)
    assert "median" not in run_script(tmp_path, left, right).stdout
    assert np.load(tmp_path / "out.npy").shape == (67, 101)
    assert "half resolution" in (tmp_path / "README.md").read_text()


def test_the_maps_hold_for_one_size(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="96x64"):
        write_elsewhere(tmp_path, network(), Rectifier(rig()), (640, 480), PAIRS)
    assert list(tmp_path.iterdir()) == []


def test_the_script_is_short_and_knows_nothing_of_this_program(tmp_path: Path) -> None:
    write_elsewhere(tmp_path, network(), None, SIZE, PAIRS)
    script = (tmp_path / "depth.py").read_text()
    code = [line for line in script.splitlines() if line.strip()]
    assert len(code) <= 35
    assert "import depthstudio" not in script and "torch" not in script


def test_the_maps_of_a_fisheye_lens_are_the_programs_own() -> None:
    K = np.array([[60.0, 0, 47], [0, 60.0, 31], [0, 0, 1]])
    R = np.asarray(cv2.Rodrigues(np.array([0.01, 0.02, -0.01]))[0])
    bent = np.array([-0.02, 0.004, 0.0, 0.0])
    T = np.array([-0.1, 0.002, 0.001])
    rectifier = Rectifier(StereoCalibration(K, bent, K, bent, R, T, SIZE, lens1="fisheye", lens2="fisheye"))
    arrays = rectification_arrays(rectifier)
    left, right = probe_pair(SIZE, 10)
    for image, side, rectify in ((left, "left", rectifier.rectify_left), (right, "right", rectifier.rectify_right)):
        mapped = cv2.remap(image, arrays[f"{side}_map_x"], arrays[f"{side}_map_y"], cv2.INTER_LINEAR)
        assert np.abs(mapped.astype(int) - rectify(image)).mean() < 2
