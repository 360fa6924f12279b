"""What else ``depthstudio calibrate`` reads: one camera's images, files of corners, views saved with their board."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.calibration import Board, ViewCollector, detect_view
from depthstudio.calibration.detection_speed import drawn_pair
from depthstudio.cameras import open_source
from depthstudio.cli import board_views, main
from depthstudio.datasets import SessionWriter
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

BOARD = Board(9, 6, 0.03)
DATA = Path(os.environ.get("DEPTHSTUDIO_DATA", "absent")) / "calibration"


def corner_file(folder: Path, count: int = 10) -> Path:
    """Exact corners of a rig with f 500 px and 80 mm baseline."""
    random = np.random.default_rng(1)
    K = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
    points = BOARD.object_points() - BOARD.object_points().mean(axis=0)
    views = []
    for _ in range(count):
        turn = np.radians([random.uniform(-35, 35), random.uniform(-35, 35), random.uniform(-10, 10)])
        place = np.array([random.uniform(-0.08, 0.15), random.uniform(-0.08, 0.08), random.uniform(0.5, 0.7)])
        view = {}
        for side, shift in (("left", 0.0), ("right", -0.08)):
            seen = cv2.projectPoints(points, turn, place + np.array([shift, 0, 0]), K, np.zeros(5))[0].reshape(-1, 2)
            view[side] = {"corners": [[i % 9, i // 9, *map(float, one)] for i, one in enumerate(seen)]}
        views.append(view)
    path = folder / "corners.json"
    path.write_text(json.dumps({"board": {"cols": 9, "rows": 6, "square_size": 30}, "views": views}))
    return path


def test_a_file_of_corners_knows_its_board(tmp_path: Path, capsys) -> None:
    path = corner_file(tmp_path)
    assert main(["calibrate", str(path), "-o", str(tmp_path / "c.npz")]) == 2
    assert "--image-size" in capsys.readouterr().err
    words = ["calibrate", str(path), "--image-size", "640x480", "--lens", "brown", "-o", str(tmp_path / "c.npz")]
    assert main(words) == 0
    assert "10 views of 9x6, 30 mm from corners.json" in capsys.readouterr().out
    assert StereoCalibration.load(tmp_path / "c.npz").baseline_m == pytest.approx(0.08, rel=0.005)


def test_views_saved_with_their_board_need_no_flags(tmp_path: Path, capsys) -> None:
    collector = ViewCollector(BOARD)
    left, right = drawn_pair(BOARD, (320, 240), 0.5, 0.0, 1)
    collector.add(detect_view(left, right, BOARD, "01"), left, right)
    collector.save_images(tmp_path / "views")
    assert main(["calibrate", str(tmp_path / "views"), "-o", str(tmp_path / "c.npz")]) == 2
    assert "1 views are not enough" in capsys.readouterr().err


def test_a_place_to_save_is_needed_for_a_pair(tmp_path: Path, capsys) -> None:
    assert main(["calibrate", str(tmp_path), "--board", "9x6", "--square-mm", "30"]) == 2
    assert "Give -o FILE.npz" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["-o", "--report", "--ros"])
def test_one_camera_alone_makes_no_file_and_says_so(tmp_path: Path, capsys, flag: str) -> None:
    words = ["calibrate", str(tmp_path), "--board", "9x6", "--square-mm", "30", "--mono", flag, str(tmp_path / "c.npz")]
    assert main(words) == 2
    assert "One camera alone makes no file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [(["--report", "report.txt"], "Name it .html or .pdf"), (["--fix", "left"], "no factory intrinsics")],
)
def test_what_cannot_be_done_is_refused_before_views_are_collected(
    tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch, more: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = corner_file(tmp_path)
    assert main(["calibrate", str(path), "--image-size", "640x480", "-o", "c.npz", *more]) == 2
    told = capsys.readouterr()
    assert said in told.err and "views" not in told.out
    assert not (tmp_path / "c.npz").exists()


def test_brackets_in_a_path_are_no_markup(tmp_path: Path, capsys) -> None:
    path, target = corner_file(tmp_path), tmp_path / "[new]" / "c.npz"
    assert main(["calibrate", str(path), "--image-size", "640x480", "--lens", "brown", "-o", str(target)]) == 0
    assert f"Saved to {target} " in capsys.readouterr().out


def blank_recording(folder: Path) -> Path:
    with SessionWriter(folder, "sim://test", None, {}) as writer:
        for number in range(3):
            image = np.full((48, 64), 90, np.uint8)
            writer.append(StereoFrame(number, number / 30, image, image.copy()))
    return folder


def test_a_recording_is_found_whatever_its_folder_is_called(tmp_path: Path, capsys) -> None:
    folder = blank_recording(tmp_path / "50%20done?")
    words = ["calibrate", str(folder), "--board", "9x6", "--square-mm", "30", "-o", str(tmp_path / "c.npz")]
    assert main(words) == 2
    assert "0 views are not enough" in capsys.readouterr().err


def test_a_recording_is_looked_through_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_views, "_PATIENCE_S", 0.0)
    folder = blank_recording(tmp_path / "s")
    with open_source(f"session://{folder}?realtime=0") as source:
        assert len(list(board_views._frames(source, ViewCollector(BOARD)))) == 3
    with open_source(f"session://{folder}?realtime=0&loop=1") as source:
        assert list(board_views._frames(source, ViewCollector(BOARD))) == []


@pytest.mark.skipif(not DATA.is_dir(), reason="DEPTHSTUDIO_DATA does not name the real sets")
def test_one_camera_is_judged(capsys) -> None:
    folder = DATA / "d435_rgb_mono_01binary"
    assert main(["calibrate", str(folder), "--board", "9x6", "--square-mm", "25", "--mono", "--lens", "brown"]) == 0
    said = capsys.readouterr().out
    assert "Poor: the lens model folds over" in said
    assert "19 images of 640x480 px" in said
