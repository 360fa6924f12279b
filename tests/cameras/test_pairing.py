from __future__ import annotations

import pytest

from depthstudio.cameras.pairing import ClockOffset, Pairer


def paired(
    lefts: list[float], rights: list[float], tolerance_s: float = 0.02
) -> tuple[list[tuple[float, float]], Pairer]:
    pairer: Pairer[float, float] = Pairer(tolerance_s)
    found = []
    for time_s, is_left in sorted([(t, True) for t in lefts] + [(t, False) for t in rights]):
        (pairer.push_left if is_left else pairer.push_right)(time_s, time_s)
        while (pair := pairer.next_pair()) is not None:
            found.append((pair.left, pair.right))
    return found, pairer


def test_each_left_picture_gets_its_nearest_right_one() -> None:
    found, pairer = paired([0.100, 0.133, 0.166], [0.090, 0.104, 0.128, 0.160, 0.190])
    assert found == [(0.100, 0.104), (0.133, 0.128), (0.166, 0.160)]
    assert (pairer.counters.tight, pairer.counters.normal, pairer.counters.right_unpaired) == (1, 2, 1)


def test_beyond_the_tolerance_nothing_is_paired_and_it_is_said() -> None:
    lefts = [i / 10 for i in range(40)]
    found, pairer = paired(lefts, [t + 0.05 for t in lefts])
    assert found == []
    assert pairer.counters.left_unpaired == 40
    assert "out of step" in pairer.warning() and "50 ms away" in pairer.warning()


def test_no_picture_is_used_twice_when_one_camera_is_slower() -> None:
    found, pairer = paired([i / 30 for i in range(30)], [i / 15 for i in range(15)], tolerance_s=0.04)
    rights = [right for _, right in found]
    assert len(rights) == len(set(rights)) >= 14
    assert all(abs(left - right) < 1e-9 for left, right in found)
    assert pairer.counters.left_unpaired >= 13


def test_pictures_left_behind_by_a_stall_are_never_mixed_with_later_ones() -> None:
    lefts = [i / 30 for i in range(90)]
    stalled = [t for t in lefts if not 1.0 < t < 2.0]
    found, pairer = paired(lefts, stalled)
    assert all(left == right for left, right in found)
    assert len(found) == len(stalled)
    assert pairer.counters.left_unpaired == len(lefts) - len(stalled)


def test_pairs_are_counted_by_their_skew() -> None:
    lefts = [1.0, 2.0, 3.0, 4.0]  # the last one waits for a later left picture
    _, pairer = paired(lefts, [1.004, 2.012, 3.030], tolerance_s=0.033)
    counters = pairer.counters
    assert (counters.tight, counters.normal, counters.loose, counters.paired) == (1, 1, 1, 3)
    assert counters.recent_skew_ms == pytest.approx(12.0)


def test_a_devices_clock_is_followed_by_its_fastest_deliveries() -> None:
    clock = ClockOffset()
    for number, delay_s in enumerate([0.030, 0.012, 0.050, 0.011, 0.090]):
        mapped_s = clock.to_host_s(number / 30, 1000 + number / 30 + delay_s)
    assert mapped_s == pytest.approx(1000 + 4 / 30 + 0.011)
