"""ChArUco boards and circles: found in part or as a whole, right order, and matched between the two images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from depthstudio.calibration import Board, Detection, ViewCollector, detect_board, detect_view, find_board_quickly
from depthstudio.calibration.views import matched_view
from depthstudio.errors import CalibrationError

CHARUCO = Board(9, 6, 0.025, "charuco")
CIRCLES = Board(4, 11, 0.018, "circles")


@pytest.mark.parametrize("target", [CHARUCO, CIRCLES, Board(11, 8, 0.02, "charuco", 0.7, "4X4_100")])
@pytest.mark.parametrize("turn", [{}, {"roll": 20, "pitch": 25}, {"yaw": -30, "x": 0.1}, {"roll": 180}, {"roll": 90}])
@pytest.mark.parametrize("find", [detect_board, find_board_quickly])
def test_points_are_found_within_a_fifth_of_a_pixel(pinhole_rig, pose, target, turn, find) -> None:
    held = pose(**({"z": 0.6} | turn))
    truth = pinhole_rig.view(target, held)
    for image, exact in zip(pinhole_rig.images(target, held), (truth.left_corners, truth.right_corners), strict=True):
        found = find(image, target)
        assert found is not None
        assert len(found) >= (0.6 if target.may_be_partial else 1.0) * target.corner_count
        error_px = np.linalg.norm(found.corners - exact[found.ids], axis=1)
        assert error_px.mean() < 0.2
        assert error_px.max() < 0.6


@pytest.mark.parametrize("target", [CHARUCO, CIRCLES])
def test_no_board_is_none(target, board, pinhole_rig, pose) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640), np.uint8)
    chessboard, _ = pinhole_rig.images(board, pose())
    for image in (noise, np.full((480, 640), 128, np.uint8), chessboard):
        assert detect_board(image, target) is None


def test_a_part_of_a_charuco_board_is_enough_and_common_corners_make_the_view(pinhole_rig, pose) -> None:
    held = pose(x=-0.16, z=0.42)  # over the left border of the left image; farther left in the right one
    left, right = pinhole_rig.images(CHARUCO, held)
    truth = pinhole_rig.view(CHARUCO, held)
    view = detect_view(left, right, CHARUCO)
    assert view.ids is not None
    assert 8 <= len(view.ids) < CHARUCO.corner_count
    assert view.object_points(CHARUCO).shape == (len(view.ids), 3)
    assert np.linalg.norm(view.left_corners - truth.left_corners[view.ids], axis=1).max() < 0.6
    assert np.linalg.norm(view.right_corners - truth.right_corners[view.ids], axis=1).max() < 0.6
    assert view.swapped().ids is view.ids


def test_a_partial_board_is_collected(pinhole_rig, pose) -> None:
    from depthstudio.frames import StereoFrame

    left, right = pinhole_rig.images(CHARUCO, pose(x=-0.16, z=0.42))
    collector = ViewCollector(CHARUCO, require_still=False)
    offer = collector.offer(StereoFrame(0, 0.0, left, right))
    assert offer.accepted, offer.reason
    assert len(offer.left) < CHARUCO.corner_count
    assert collector.offer(StereoFrame(1, 0.1, left, right)).reason == "too similar to view 1"


def test_too_few_common_corners_are_refused(pinhole_rig, pose) -> None:
    truth = pinhole_rig.view(CHARUCO, pose())
    left = Detection(truth.left_corners[:30], np.arange(30))
    right = Detection(truth.right_corners[24:], np.arange(24, 54))
    with pytest.raises(CalibrationError, match="Only 6 corners are in both images"):
        matched_view(left, right, CHARUCO)


def test_an_odd_number_of_circle_rows_tells_which_way_is_up() -> None:
    assert CIRCLES.has_one_way_up
    assert not replace(CIRCLES, rows=10).has_one_way_up
    points = CIRCLES.object_points()
    np.testing.assert_allclose(points[4], [0.018, 0.018, 0])
    np.testing.assert_allclose(points[1], [0.036, 0, 0])


def test_impossible_markers_are_refused() -> None:
    with pytest.raises(CalibrationError, match="too few markers"):
        Board(13, 9, 0.02, "charuco", dictionary="4X4_50")
    with pytest.raises(CalibrationError, match="no marker dictionary"):
        replace(CHARUCO, dictionary="7X7")
    with pytest.raises(CalibrationError, match="Markers of"):
        replace(CHARUCO, marker_share=1.2)


@pytest.mark.parametrize("target", [CHARUCO, CIRCLES, Board(9, 6, 0.025)])
def test_a_board_is_the_same_after_writing_and_reading(target) -> None:
    assert Board.from_json(target.to_json()) == target


def test_a_damaged_description_is_refused() -> None:
    with pytest.raises(CalibrationError, match="damaged"):
        Board.from_json({"columns": 9})


@pytest.mark.parametrize("turn", [{"roll": 180, "pitch": 45, "yaw": -45}, {"roll": 90, "pitch": 45, "yaw": 45}])
def test_circles_seen_steeply_are_counted_from_the_right_end(pinhole_rig, pose, turn) -> None:
    held = pose(x=0.05, z=0.55, **turn)
    exact = pinhole_rig.view(CIRCLES, held).left_corners
    found = detect_board(pinhole_rig.images(CIRCLES, held)[0], CIRCLES)
    assert found is not None
    assert np.linalg.norm(found.corners - exact, axis=1).max() < 1.5
