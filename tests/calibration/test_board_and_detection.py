"""Boards, and finding them: right place, right order, both ways up."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from depthstudio.calibration import Board, Detection, detect_board, detect_view, find_board_quickly, matched_view
from depthstudio.calibration.detected import edge_width_px, grid_residual_px
from depthstudio.calibration.detection import Effort
from depthstudio.errors import CalibrationError


def test_a_board_is_named_by_inner_corners_and_millimetres() -> None:
    board = Board.parse("9x6", 30)
    assert (board.columns, board.rows, board.corner_count) == (9, 6, 54)
    points = board.object_points()
    assert points.shape == (54, 3)
    np.testing.assert_allclose(points[10], [0.03, 0.03, 0], atol=1e-7)
    assert str(board) == "9x6, 30 mm"


@pytest.mark.parametrize(
    ("text", "square_mm"), [("9", 30), ("9x", 30), ("2x6", 30), ("9x6", 0), ("9x6", 3e4), ("6x6", 30)]
)
def test_an_impossible_board_is_refused(text: str, square_mm: float) -> None:
    with pytest.raises(CalibrationError):
        Board.parse(text, square_mm)


@pytest.mark.parametrize("find", [detect_board, find_board_quickly, partial(find_board_quickly, effort=Effort.FAR)])
@pytest.mark.parametrize("turn", [{}, {"roll": 20, "pitch": 25}, {"yaw": -30, "x": 0.1}, {"roll": 180}, {"z": 0.95}])
def test_corners_are_found_within_a_fifth_of_a_pixel(board, pinhole_rig, pose, turn, find) -> None:
    truth = pinhole_rig.view(board, pose(**turn))
    for image, corners in zip(
        pinhole_rig.images(board, pose(**turn)), (truth.left_corners, truth.right_corners), strict=True
    ):
        found = find(image, board)
        assert found is not None
        assert found.corners.shape == (54, 2)
        assert found.corners.dtype == np.float32
        error_px = np.linalg.norm(found.corners - corners, axis=1)
        assert error_px.mean() < 0.2
        assert error_px.max() < 0.5


@pytest.mark.parametrize("find", [detect_board, find_board_quickly, partial(find_board_quickly, effort=Effort.FAR)])
def test_no_board_is_none(board, find) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640), np.uint8)
    assert find(np.full((480, 640), 128, np.uint8), board) is None
    assert find(noise, board) is None
    assert find(np.zeros((480, 640, 3), np.uint8), board) is None


def test_colour_images_give_the_same_corners(board, pinhole_rig, pose) -> None:
    grey, _ = pinhole_rig.images(board, pose())
    in_colour, in_grey = detect_board(np.dstack([grey] * 3), board), detect_board(grey, board)
    assert in_colour is not None and in_grey is not None
    np.testing.assert_allclose(in_colour.corners, in_grey.corners, atol=0.02)


def test_colours_tell_which_way_up_an_uneven_board_is(board, pinhole_rig, pose) -> None:
    left, right = pinhole_rig.images(board, pose(roll=175))
    view = detect_view(left, right, board, "07")
    truth = pinhole_rig.view(board, pose(roll=175))
    assert view.name == "07"
    assert np.linalg.norm(view.left_corners - truth.left_corners, axis=1).max() < 0.5
    assert np.linalg.norm(view.right_corners - truth.right_corners, axis=1).max() < 0.5


def test_a_board_that_looks_the_same_upside_down_is_counted_from_one_end(pinhole_rig, pose) -> None:
    even = Board(8, 6, 0.025)
    assert not even.has_one_way_up
    truth = pinhole_rig.view(even, pose(roll=30))
    view = matched_view(truth.left, Detection.whole(truth.right_corners[::-1]), even)
    np.testing.assert_array_equal(view.right_corners, truth.right_corners)


def test_a_camera_upside_down_is_refused(board, pinhole_rig, pose) -> None:
    left, right = pinhole_rig.images(board, pose())
    with pytest.raises(CalibrationError, match="turned differently"):
        detect_view(left, np.ascontiguousarray(right[::-1, ::-1]), board)


def test_the_missing_side_is_named(board, pinhole_rig, pose) -> None:
    left, right = pinhole_rig.images(board, pose())
    empty = np.full_like(left, 90)
    with pytest.raises(CalibrationError, match="No board in the right image"):
        detect_view(left, empty, board)
    with pytest.raises(CalibrationError, match="No board in the left image"):
        detect_view(empty, right, board)


def test_the_residual_measures_noise_and_not_the_lens(board, rig, pose) -> None:
    spread_out = pose(z=0.5, pitch=20)
    assert grid_residual_px(rig.view(board, spread_out).left, board) < 0.1
    noisy = grid_residual_px(rig.view(board, spread_out, noise_px=0.5).left, board)
    assert noisy == pytest.approx(0.5 * np.sqrt(2), rel=0.35)


def test_blur_widens_the_edges(board, pinhole_rig, pose) -> None:
    widths = []
    for blur_px in (0.0, 1.5, 3.0):
        left, _ = pinhole_rig.images(board, pose(), blur_px)
        widths.append(edge_width_px(left, pinhole_rig.view(board, pose()).left))
    assert widths == sorted(widths)
    assert widths[0] < 3.0
    assert widths[2] > 5.0
