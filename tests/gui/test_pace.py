from __future__ import annotations

import pytest

from depthstudio.gui.pace import Pace


def test_the_rest_is_judged_by_what_was_done_so_far() -> None:
    pace = Pace()
    assert pace.left_s(5) is None
    pace.reach(0.0, 10)
    pace.reach(0.25, 20)
    assert pace.left_s(20) == pytest.approx(30)
    pace.reach(-1.0, 21)
    assert pace.left_s(30) is None


def test_a_task_that_goes_on_from_a_half_is_judged_by_what_it_did_itself() -> None:
    pace = Pace()
    pace.reach(0.5, 100)
    assert pace.left_s(101) is None
    pace.reach(0.6, 110)
    assert pace.left_s(110) == pytest.approx(40)


def test_a_pause_neither_moves_the_remaining_time_nor_counts_afterwards() -> None:
    pace = Pace()
    pace.reach(0.0, 0)
    pace.reach(0.5, 10)
    pace.set_paused(True, 10)
    pace.set_paused(True, 15)
    assert [pace.left_s(now_s) for now_s in (10, 60, 1000)] == [pytest.approx(10)] * 3
    pace.reach(0.5, 500)  # owners may repeat themselves meanwhile
    pace.set_paused(False, 1000)
    pace.set_paused(False, 1001)
    assert not pace.is_paused and pace.left_s(1000) == pytest.approx(10)
    pace.reach(0.75, 1005)
    assert pace.left_s(1005) == pytest.approx(5)


def test_work_that_starts_over_is_judged_anew() -> None:
    pace = Pace()
    pace.reach(0.0, 0)
    pace.reach(0.9, 100)
    pace.reach(0.0, 100)
    pace.reach(0.5, 102)
    assert pace.left_s(102) == pytest.approx(2)
