"""Collecting views from a stream: what is taken, what is refused and why, and what is asked for next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from depthstudio.calibration import Board, Detection, ViewCollector, collect, detect_board, load_views, solve_stereo
from depthstudio.calibration import collector as collector_module
from depthstudio.frames import StereoFrame


@pytest.fixture
def collector(board) -> ViewCollector:
    return ViewCollector(board)


def show(collector: ViewCollector, frame: StereoFrame):
    """Offer a frame twice, as a board held still is seen."""
    collector.offer(frame)
    return collector.offer(frame)


def test_a_board_held_still_is_taken_once(collector, frame_of, pose) -> None:
    frame = frame_of(pose(z=0.6))
    first = collector.offer(frame)
    assert (first.accepted, first.reason) == (False, "hold the board still")
    assert first.left is not None
    second = collector.offer(frame)
    assert (second.accepted, second.reason) == (True, "view 1 taken")
    third = collector.offer(frame)
    assert (third.accepted, third.reason) == (False, "too similar to view 1")
    assert [view.name for view in collector.views] == ["01"]
    assert collector.left_size == collector.right_size == (640, 480)


def test_a_moving_board_is_refused_unless_pairs_are_simultaneous(board, collector, frame_of, pose) -> None:
    frames = [frame_of(pose(x=x, z=0.6), index) for index, x in enumerate((0.0, 0.02, 0.04))]
    assert [collector.offer(frame).reason for frame in frames] == ["hold the board still"] * 3
    assert ViewCollector(board, require_still=False).offer(frames[0]).accepted


def test_stillness_is_judged_by_speed_and_not_by_the_rate_of_frames(board, frame_of, pose) -> None:
    first, moved = (frame_of(pose(x=x, z=0.6)) for x in (0.0, 0.005))
    for seconds, reason in ((1 / 30, "hold the board still"), (0.1, "view 1 taken"), (60.0, "view 1 taken")):
        collector = ViewCollector(board)
        collector.offer(first)
        assert collector.offer(replace(moved, timestamp_s=seconds)).reason == reason
    far = frame_of(pose(x=0.05, z=0.6))
    collector = ViewCollector(board)
    collector.offer(first)
    assert collector.offer(replace(far, timestamp_s=60.0)).reason == "hold the board still"


def test_a_board_that_appears_is_found_within_a_few_frames(board, collector, frame_of, pose) -> None:
    blank = np.full((480, 640), 100, np.uint8)
    near, far = frame_of(pose(z=0.6)), frame_of(pose(z=1.0))
    for frame in (near, far):
        for _ in range(6):
            collector.offer(replace(frame, left=blank, right=blank))
        offers = [collector.offer(frame) for _ in range(5)]
        assert offers[-1].left is not None and offers[-1].right is not None


def test_images_of_different_moments_are_refused(board, frame_of, pose) -> None:
    late = replace(frame_of(pose(z=0.6)), timestamp_s=1.0, right_timestamp_s=1.045)
    assert ViewCollector(board, require_still=False).offer(late).reason == "the two images are 45 ms apart"


def test_the_image_without_a_board_is_named(collector, frame_of, pose) -> None:
    frame = frame_of(pose(z=0.6))
    blank = np.full((480, 640), 100, np.uint8)
    offer = show(collector, replace(frame, right=blank))
    assert offer.reason == "No board in the right image"
    assert offer.left is not None
    assert offer.right is None
    assert show(collector, replace(frame, right=None)).reason == "the source delivers one image only"


def test_a_blurred_image_is_refused(collector, frame_of, pose) -> None:
    sharp, blurred = frame_of(pose(z=0.5)), frame_of(pose(z=0.5), blur_px=3.0)
    assert show(collector, replace(sharp, right=blurred.right)).reason == "right image blurred"
    assert show(collector, blurred).reason == "left image blurred"


@pytest.mark.parametrize("change", [{"x": 0.12}, {"y": -0.08}, {"z": 0.45}, {"pitch": 25}, {"yaw": -25}])
def test_another_place_distance_or_tilt_is_new(collector, frame_of, pose, change) -> None:
    assert show(collector, frame_of(pose(z=0.6))).accepted
    assert show(collector, frame_of(pose(**({"z": 0.6} | change)))).accepted


def test_views_can_be_removed_and_restored(collector, frame_of, pose) -> None:
    for z in (0.45, 0.6, 0.8):
        assert show(collector, frame_of(pose(z=z))).accepted
    removed = collector.remove(1)
    assert [view.name for view in collector.views] == ["01", "03"]
    assert show(collector, frame_of(pose(x=0.1, z=0.6))).reason == "view 4 taken"
    collector.restore(removed)
    assert [view.name for view in collector.views] == ["01", "02", "03", "04"]


def test_a_changed_image_size_is_refused(collector, frame_of, pose) -> None:
    frame = frame_of(pose(z=0.6))
    show(collector, frame)
    smaller = replace(frame, left=frame.left[::2, ::2].copy(), right=frame.right[::2, ::2].copy())
    assert "size changed" in collector.offer(smaller).reason


def test_the_instruction_asks_for_what_is_missing(collector, frame_of, pose) -> None:
    assert collector.instruction == "Show the board to both cameras and hold it still."
    show(collector, frame_of(pose(x=-0.05, y=-0.08, z=0.5)))
    assert collector.instruction.startswith("Tilt the top towards the camera, ")
    assert "corner of the left image" in collector.instruction
    assert "upper left" not in collector.instruction
    assert not collector.enough
    left, right = collector.coverage_counts()
    assert left.shape == right.shape == (6, 8)
    assert left.max() == 1
    assert collector.progress.left_coverage == pytest.approx((left > 0).mean())


@pytest.mark.parametrize(
    ("turn", "side"), [({"pitch": 25}, "top"), ({"pitch": -25}, "bottom"), ({"yaw": 25}, "right side")]
)
def test_tilts_are_named_by_the_side_that_is_nearer(board, pinhole_rig, pose, turn, side: str) -> None:
    from depthstudio.calibration.pose import board_pose

    held = pose(**turn)
    found = board_pose(pinhole_rig.view(board, held).left, board, (640, 480))
    assert found.tilt_sector == side
    assert found.tilt_deg == pytest.approx(25, abs=3)
    R, t = held.matrices(board)
    depths = (board.object_points() @ R.T + t)[:, 2].reshape(board.rows, board.columns)
    downwards, rightwards = depths[-1] - depths[0], depths[:, -1] - depths[:, 0]
    nearer = {"top": -downwards, "bottom": downwards, "right side": rightwards}
    assert nearer[side].mean() < 0


def test_a_stream_is_collected_until_enough_and_solved(board, frame_of, pose, pinhole_rig, tmp_path: Path) -> None:
    collector = ViewCollector(board)
    places = [(x, y) for y in (-0.09, 0.0, 0.09) for x in (-0.1, 0.0, 0.13)]
    tilts = [{"pitch": 28}, {"yaw": 28}, {"pitch": -28}, {"yaw": -28}, {}]
    poses = [pose(x=x, y=y, z=0.45 + 0.03 * i, **tilts[i % 5]) for i, (x, y) in enumerate(places)]
    corners = [{"pitch": a, "yaw": b} for a in (20, -20) for b in (20, -20)]
    poses += [pose(x=0.02, z=z, **tilt) for z, tilt in zip((0.4, 0.8, 0.7, 0.75), corners, strict=True)]
    frames = [frame_of(one, index) for index, one in enumerate(poses) for _ in range(2)]
    offers = list(collect(frames, collector))
    assert sum(offer.accepted for offer in offers) == len(collector.views)
    assert collector.enough, (collector.progress, collector.instruction)
    assert collector.instruction == "Enough views: solve the calibration."

    solution = solve_stereo(collector.views, board, collector.left_size, collector.right_size)
    assert solution.calibration.baseline_m == pytest.approx(pinhole_rig.truth.baseline_m, rel=0.005)
    assert solution.calibration.K1[0, 0] == pytest.approx(600, rel=0.01)

    collector.save_images(tmp_path)
    again = load_views(tmp_path, board)
    assert [view.name for view in again.views] == [view.name for view in collector.views]
    np.testing.assert_allclose(again.views[0].left_corners, collector.views[0].left_corners, atol=1e-3)


def test_a_number_of_views_can_be_asked_for(collector, frame_of, pose) -> None:
    frames = [frame_of(pose(z=z)) for z in (0.4, 0.55, 0.75) for _ in range(2)]
    assert len(list(collect(frames, collector, views=2))) == 4
    assert len(collector.views) == 2


def test_a_view_whose_thorough_search_goes_wrong_keeps_what_was_found_quickly(
    collector, frame_of, pose, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves = iter(((0, 27), (27, 54)))

    def half(image: np.ndarray, board: Board) -> Detection:
        first, last = next(halves)
        found = detect_board(image, board)
        assert found is not None
        return Detection(found.corners[first:last], found.ids[first:last])

    monkeypatch.setattr(collector_module, "detect_board", half)
    offer = show(collector, frame_of(pose(z=0.6)))
    assert offer.accepted
    assert len(collector.views[0].left_corners) == 54
