"""``depthstudio calibrate``: from pairs on disk and from a source, with one clear line when it cannot."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.calibration import Board, BoardView, LoadedViews
from depthstudio.calibration import pairs as pairs_module
from depthstudio.cli import main
from depthstudio.geometry import StereoCalibration

BOARD = Board(9, 6, 0.03)
DATA = Path(os.environ.get("DEPTHSTUDIO_DATA", "absent")) / "calibration"


def calibrate(*words: object) -> int:
    return main(["calibrate", *(str(word) for word in words), "--board", "9x6", "--square-mm", "30"])


def known_views(count: int, wrong: int | None = None) -> list[BoardView]:
    """Corners of a rig with f 500 px and 80 mm baseline; one view may have a jumping right detection."""
    random = np.random.default_rng(1)
    K = np.array([[500.0, 0, 320], [0, 500, 240], [0, 0, 1]])
    points = BOARD.object_points() - BOARD.object_points().mean(axis=0)
    views = []
    for index in range(count):
        turn = np.radians([random.uniform(-35, 35), random.uniform(-35, 35), random.uniform(-10, 10)])
        place = np.array([random.uniform(-0.08, 0.15), random.uniform(-0.08, 0.08), random.uniform(0.5, 0.7)])
        left = cv2.projectPoints(points, turn, place, K, np.zeros(5))[0].reshape(-1, 2)
        right = cv2.projectPoints(points, turn, place - [0.08, 0, 0], K, np.zeros(5))[0].reshape(-1, 2)
        spread = 3.0 if index == wrong else 0.1
        views.append(
            BoardView(
                left + random.normal(0, 0.1, left.shape), right + random.normal(0, spread, right.shape), f"{index:02d}"
            )
        )
    return views


@pytest.fixture
def folder_of_views(monkeypatch: pytest.MonkeyPatch):
    """Stands in for reading and searching the images of a folder."""

    def stand_in(views: list[BoardView], skipped: list[pairs_module.SkippedPair] | None = None) -> None:
        loaded = LoadedViews(views, (640, 480), (640, 480), skipped or [])
        monkeypatch.setattr("depthstudio.calibration.load_views", lambda *_: loaded)

    return stand_in


def test_the_report_names_the_outlier_and_the_numbers(folder_of_views, tmp_path: Path, capsys) -> None:
    folder_of_views(known_views(14, wrong=3), [pairs_module.SkippedPair("77", "No board in the left image.")])
    assert calibrate("anything", "-o", tmp_path / "c.npz") == 0
    said = capsys.readouterr().out
    assert "dropped as outliers: 03" in said
    assert "dropped: " in said
    assert "(with all views" in said
    assert "Pair 77 skipped: No board in the left image." in said
    saved = StereoCalibration.load(tmp_path / "c.npz")
    assert saved.baseline_m == pytest.approx(0.08, rel=0.005)
    assert saved.extra["outliers"] == ["03"]
    assert saved.id in said


def test_outliers_can_be_kept(folder_of_views, tmp_path: Path, capsys) -> None:
    folder_of_views(known_views(14, wrong=3))
    assert calibrate("anything", "-o", tmp_path / "c.npz", "--keep-outliers") == 0
    said = capsys.readouterr().out
    assert "14 of 14 used; no outliers" in said
    assert "Warning: The stereo error of" in said


def test_swapped_files_are_said_and_can_be_swapped_back(folder_of_views, tmp_path: Path, capsys) -> None:
    folder_of_views([BoardView(view.right_corners, view.left_corners, view.name) for view in known_views(12)])
    assert calibrate("anything", "-o", tmp_path / "c.npz") == 2
    assert "Left and right are swapped" in capsys.readouterr().err
    assert not (tmp_path / "c.npz").exists()
    assert calibrate("anything", "-o", tmp_path / "c.npz", "--swap") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["absent", "-o", "c.npz"], "There is no folder absent"),
        ([".", "-o", "c.npz"], "no image pairs"),
        (["nothing://here", "-o", "c.npz"], "nothing://"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(words, said, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert calibrate(*words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_wrong_board_is_refused(tmp_path: Path, capsys) -> None:
    assert main(["calibrate", str(tmp_path), "--board", "9by6", "--square-mm", "30", "-o", "c.npz"]) == 2
    assert "Write inner corners as COLUMNSxROWS" in capsys.readouterr().err
    assert main(["calibrate", str(tmp_path), "-o", "c.npz"]) == 2
    assert "Give --board" in capsys.readouterr().err


def test_report_other_formats_and_a_lens_can_be_asked_for(folder_of_views, tmp_path: Path, capsys) -> None:
    folder_of_views(known_views(8))
    flags = ["--lens", "brown", "--no-refine", "--report", tmp_path / "r.html", "--ros", tmp_path / "ros"]
    assert calibrate("anything", "-o", tmp_path / "c.yml", *flags) == 0
    said = capsys.readouterr().out
    assert "One standard deviation of depth" in said
    assert "Lenses: brown, brown" in said
    assert "<html" in (tmp_path / "r.html").read_text()
    same = StereoCalibration.load(tmp_path / "ros_left.yaml")
    assert same.baseline_m == pytest.approx(StereoCalibration.load(tmp_path / "c.yml").baseline_m)


def test_views_are_collected_from_a_source(tmp_path: Path, capsys) -> None:
    url = "sim://hybrid?scene=board&realtime=0&frames=16"
    words = ["calibrate", url, "--board", "9x6", "--square-mm", "25", "--views", "8", "-o", str(tmp_path / "c.npz")]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "View 8 taken." in said
    assert "View 9 taken." not in said
    assert StereoCalibration.load(tmp_path / "c.npz").baseline_m == pytest.approx(0.1371, rel=0.01)


@pytest.mark.skipif(not DATA.is_dir(), reason="DEPTHSTUDIO_DATA does not name the real pairs")
def test_real_pairs_from_the_command_line(tmp_path: Path, capsys) -> None:
    assert calibrate(DATA / "opencv_leftright", "-o", tmp_path / "c.npz") == 0
    saved = StereoCalibration.load(tmp_path / "c.npz")
    assert saved.rms_px is not None
    assert saved.rms_px <= 0.3
    assert saved.baseline_m == pytest.approx(0.0998, rel=0.005)
    assert "Good:" in capsys.readouterr().out
