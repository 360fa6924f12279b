"""The pairs that the speed of detection is measured on show what they say; small images are searched as well."""

from __future__ import annotations

import numpy as np
import pytest

from depthstudio.calibration import Board, find_board_quickly
from depthstudio.calibration.detection_speed import BOARDS, detection_speed, drawn_pair


def test_boards_are_found_where_they_are_and_nowhere_else() -> None:
    rows = list(detection_speed(None, rounds=1))
    assert {row.has_board for row in rows} == {True, False}
    for row in rows:
        assert row.found == (1.0 if row.has_board else 0.0), row
        assert row.cpu_ms > 0
        assert row.as_json()["pairs"] == row.pairs


@pytest.mark.parametrize("turn_deg", [0.0, 12.0, -25.0])
@pytest.mark.parametrize("share", [0.4, 0.6])
def test_the_live_search_finds_boards_in_small_images(share: float, turn_deg: float) -> None:
    left, right = drawn_pair(Board(9, 6, 0.025), (320, 240), share, turn_deg, 3)
    assert find_board_quickly(left, BOARDS[0]) is not None
    assert find_board_quickly(right, BOARDS[0]) is not None


def test_drawn_pairs_are_the_same_every_time() -> None:
    first, again = (drawn_pair(BOARDS[1], (160, 120), 0.5, 10.0, 7) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
