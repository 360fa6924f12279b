from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.cli import main
from depthstudio.datasets import Session, list_sessions
from depthstudio.geometry import StereoCalibration


@pytest.fixture
def real_data() -> Path:
    folder = os.environ.get("DEPTHSTUDIO_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("DEPTHSTUDIO_DATA names no folder of real data")
    return Path(folder)


@pytest.fixture
def npy_runs(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for run in ("20260101_120000", "20260102_120000"):
        for frame in ("000001", "000002"):
            folder = tmp_path / "dataset" / run / frame
            folder.mkdir(parents=True)
            for name in ("color", "right", "left"):
                np.save(folder / f"{name}.npy", rng.integers(0, 256, (24, 32, 3), np.uint8))
            np.save(folder / "depth.npy", rng.integers(0, 5000, (24, 32), np.uint16))
            (folder / "meta.txt").write_text("exposure: 8000\nscene = desk\n")
    return tmp_path / "dataset"


def test_npy_runs_become_one_session_each_bit_for_bit(npy_runs: Path, tmp_path: Path) -> None:
    calibration = StereoCalibration.rectified_pair(100.0, 0.05, 15.5, 11.5, (32, 24))
    calibration.save(tmp_path / "c.npz")
    words = ["import", str(npy_runs), "-o", str(tmp_path / "out"), "--calibration", str(tmp_path / "c.npz")]
    assert main([*words, "--role", "train"]) == 0
    first, second = list_sessions(tmp_path / "out")
    assert (first.name, second.name) == ("20260101_120000", "20260102_120000")
    assert (first.role, len(first)) == ("train", 2)
    assert first.calibration is not None
    assert first.calibration.id == calibration.id
    frame, folder = second.frame(1), npy_runs / "20260102_120000/000002"
    np.testing.assert_array_equal(frame.left, np.load(folder / "color.npy"))
    np.testing.assert_array_equal(frame.right, np.load(folder / "right.npy"))
    np.testing.assert_array_equal(frame.depth_mm, np.load(folder / "depth.npy"))
    assert dict(frame.metadata) == {"exposure": "8000", "scene": "desk"}


def test_depth_in_metres_becomes_millimetres(npy_runs: Path, tmp_path: Path) -> None:
    run = npy_runs / "20260101_120000"
    depth_m = np.full((24, 32), 1.2344, np.float32)
    depth_m[0, :4] = (np.nan, np.inf, -1, 70)
    for folder in run.iterdir():
        np.save(folder / "depth.npy", depth_m)
    assert main(["import", str(run), "-o", str(tmp_path / "one"), "--name", "Desk"]) == 0
    session = Session.open(tmp_path / "one")
    assert session.name == "Desk"
    depth_mm = session.frame(0).depth_mm
    assert depth_mm is not None
    assert depth_mm[0].tolist() == [0, 0, 0, 0] + [1234] * 28


def test_sessions_go_to_the_workspace_by_default(npy_runs: Path, tmp_path: Path) -> None:
    assert main(["--workspace", str(tmp_path / "w"), "import", str(npy_runs), "--name", "Lab"]) == 0
    assert [session.name for session in list_sessions(tmp_path / "w/sessions")] == ["Lab 1", "Lab 2"]


def test_pairs_without_depth_are_imported_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("left1", "right1", "left10", "right10", "left2", "right2"):
        folder = tmp_path / "pairs"
        folder.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / f"{name}.png"), np.full((24, 32), int(name.strip("leftrigh")), np.uint8))
    assert main(["import", str(tmp_path / "pairs"), "-o", str(tmp_path / "s")]) == 0
    session = Session.open(tmp_path / "s")
    assert [session.frame(i).left[0, 0] for i in range(3)] == [1, 2, 10]
    assert session.frame(0).depth_mm is None
    assert "no depth, no calibration" in capsys.readouterr().out


def test_bad_input_is_one_line_and_exit_code_2(
    npy_runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    for path, reason in ((tmp_path / "none", "no folder"), (tmp_path / "empty", "nothing to import")):
        assert main(["import", str(path), "-o", str(tmp_path / "s")]) == 2
        message = capsys.readouterr().err
        assert reason in message
        assert message.count("\n") == 1


def test_a_failed_import_leaves_nothing_behind(npy_runs: Path, tmp_path: Path) -> None:
    (npy_runs / "20260101_120000/000002/right.npy").write_bytes(b"cut off")
    assert main(["import", str(npy_runs / "20260101_120000"), "-o", str(tmp_path / "s")]) == 2
    assert not (tmp_path / "s").exists()


def test_pictures_that_a_session_cannot_hold_are_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for side in ("left", "right"):
        cv2.imwrite(str(tmp_path / f"01_{side}.tif"), np.zeros((24, 32), np.float32))
    assert main(["import", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.strip()
    assert "float32" in said and "8-bit" in said and len(said.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_real_captures_become_sessions_that_can_be_split(real_data: Path, tmp_path: Path) -> None:
    captures = sorted((real_data / "realsense").glob("d435i_ir_*"))
    assert main(["import", *map(str, captures), "-o", str(tmp_path / "out")]) == 0
    sessions = list_sessions(tmp_path / "out")
    assert [session.name for session in sessions] == [path.name for path in captures]
    for session, capture in zip(sessions, captures, strict=True):
        frame = session.frame(0)
        for image, name in ((frame.left, "left"), (frame.right, "right"), (frame.depth_mm, "depth_mm")):
            stored = cv2.imread(str(capture / f"{name}.png"), cv2.IMREAD_UNCHANGED)
            np.testing.assert_array_equal(image, stored)
        calibration = session.calibration
        assert calibration is not None
        assert 32.09 < calibration.K1[0, 0] * calibration.baseline_m < 32.16


def test_a_real_recording_becomes_a_session(real_data: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyrealsense2")
    (recording,) = (real_data / "realsense/bag_constructed_ir").glob("*.db3")
    assert main(["import", str(recording), "-o", str(tmp_path / "s")]) == 0
    session = Session.open(tmp_path / "s")
    assert len(session) == 5
    captures = sorted((real_data / "realsense").glob("d435i_ir_*"))
    known = [cv2.imread(str(path / "left.png"), cv2.IMREAD_UNCHANGED) for path in captures]
    assert any(np.array_equal(session.left_image(i), image) for i in range(5) for image in known)
