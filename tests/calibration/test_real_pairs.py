"""Published sets of real pairs, where they are available: the numbers a careful engineer would check."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from depthstudio.calibration import (
    Board,
    BoardView,
    CalibrationSolution,
    detect_board,
    load_views,
    solve_camera,
    solve_stereo,
)
from depthstudio.calibration.pairs import read_grey
from depthstudio.errors import CalibrationError

DATA = Path(os.environ.get("DEPTHSTUDIO_DATA", "absent")) / "calibration"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="DEPTHSTUDIO_DATA does not name the real pairs")


def solved(name: str, board: Board) -> CalibrationSolution:
    loaded = load_views(DATA / name, board)
    assert loaded.skipped == []
    return solve_stereo(loaded.views, board, loaded.left_size, loaded.right_size)


def test_bouguet_s_pairs() -> None:
    solution = solved("opencv_leftright", Board.parse("9x6", 30))
    calibration = solution.calibration
    assert solution.rms_px < 0.25
    assert calibration.K1[0, 0] == pytest.approx(533.5, rel=0.005)
    assert calibration.K2[0, 0] == pytest.approx(536.8, rel=0.005)
    assert calibration.baseline_m == pytest.approx(0.09981, rel=0.002)
    assert solution.vertical_error_px < 0.15
    assert solution.held_out is not None
    assert solution.held_out.mean_px < 0.15
    assert solution.quality == "good"


def test_a_small_camera_pair() -> None:
    solution = solved("sourishg_1", Board.parse("9x6", 24.23))
    assert solution.calibration.baseline_m == pytest.approx(0.094, abs=0.0002)
    assert solution.rms_px < 0.26
    assert solution.vertical_error_px < 0.25
    assert solution.quality == "good"


@pytest.fixture(scope="module")
def corner_views() -> list[BoardView]:
    views = []
    for view in json.loads((DATA / "calibrs_stereo_corners/stereo_linear.json").read_text())["views"]:
        sides = []
        for side in ("left", "right"):
            by_row = sorted(view[side]["corners"], key=lambda corner: (corner[1], corner[0]))
            sides.append(np.array(by_row)[:, 2:])
        views.append(BoardView(sides[0], sides[1], str(view["view_index"])))
    return views


def test_files_labelled_the_wrong_way_round_are_noticed(corner_views: list[BoardView]) -> None:
    with pytest.raises(CalibrationError, match="Left and right are swapped"):
        solve_stereo(corner_views, Board(11, 7, 0.03), (1024, 576))
    swapped = [BoardView(view.right_corners, view.left_corners, view.name) for view in corner_views]
    solution = solve_stereo(swapped, Board(11, 7, 0.03), (1024, 576))
    assert solution.calibration.baseline_m == pytest.approx(0.18985, rel=0.002)
    assert solution.rms_px < 0.3


def test_a_poor_single_camera_is_called_poor() -> None:
    board = Board(9, 6, 0.025)
    images = [read_grey(path) for path in sorted((DATA / "d435_rgb_mono_01binary").glob("frame*.jpg"))]
    found = [one.corners for one in (detect_board(image, board) for image in images) if one is not None]
    camera = solve_camera(found, board, (640, 480))
    assert len(found) >= 19
    assert camera.quality == "poor"
    assert "folds over" in camera.verdict
    assert camera.view_errors_px.max() > 1.0
