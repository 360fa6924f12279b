from __future__ import annotations

import numpy as np
import pytest

from depthstudio.geometry import RectifiedGeometry
from depthstudio.geometry.measuring import distance_between, expected_error_m, point_at, region_statistics

GEOMETRY = RectifiedGeometry(100.0, 0.1, 31.5, 23.5, (64, 48))


def wall(depth_m: float) -> np.ndarray:
    return np.full((48, 64), GEOMETRY.focal_baseline / depth_m, np.float32)


def test_two_points_on_a_wall_are_as_far_apart_as_their_pixels_say() -> None:
    found = distance_between(wall(2.0), GEOMETRY, (10, 20), (40, 20))
    assert found is not None
    assert found.metres == pytest.approx(30 * 2.0 / 100)
    assert found.ends_m[0][2] == pytest.approx(2.0)


def test_the_distance_along_the_view_has_the_error_of_the_depth() -> None:
    disparity = wall(2.0)
    disparity[:, 32:] = GEOMETRY.focal_baseline / 1.0
    centred = RectifiedGeometry(100.0, 0.1, 31.0, 23.0, (64, 48))
    found = distance_between(disparity, centred, (29, 23), (34, 23))
    assert found is not None
    assert found.metres == pytest.approx(np.hypot(1.0, (3 * 1 + 2 * 2) / 100), rel=1e-3)
    ahead = np.hypot(expected_error_m(2.0, centred), expected_error_m(1.0, centred))
    assert found.error_m == pytest.approx(ahead, rel=0.02)
    assert expected_error_m(2.0, centred, 0.5) == pytest.approx(4 / 10 * 0.5)


def test_the_error_agrees_with_what_noise_does() -> None:
    random = np.random.default_rng(1)
    spread = []
    for _ in range(400):
        disparity = wall(2.0)
        disparity[:, 32:] = GEOMETRY.focal_baseline / 1.5
        disparity[:, :32] += random.normal(0, 0.05)
        disparity[:, 32:] += random.normal(0, 0.05)
        found = distance_between(disparity, GEOMETRY, (10, 5), (60, 40), error_px=0.05)
        assert found is not None
        spread.append(found.metres)
    assert np.std(spread) == pytest.approx(found.error_m, rel=0.15)


def test_where_there_is_no_depth_there_is_no_distance() -> None:
    disparity = wall(2.0)
    disparity[:10, :10] = np.nan
    assert point_at(disparity, GEOMETRY, (5, 5)) is None
    assert point_at(disparity, GEOMETRY, (200, 5)) is None
    assert point_at(disparity, GEOMETRY, (10, 10)) is not None
    assert distance_between(disparity, GEOMETRY, (5, 5), (40, 40)) is None


def test_a_region_has_its_fill_and_the_spread_of_its_depth() -> None:
    depth = np.full((48, 64), np.nan, np.float32)
    depth[10:20, 10:20] = np.linspace(1.0, 2.0, 100, dtype=np.float32).reshape(10, 10)
    found = region_statistics(depth, (29, 19), (10, 10))  # corners in any order
    assert (found.pixels, found.fill) == (200, 0.5)
    assert found.median_m == pytest.approx(1.5)
    assert found.spread_m == pytest.approx(np.linspace(1, 2, 100).std(), rel=1e-3)
    assert (found.low_m, found.high_m) == pytest.approx((1.05, 1.95))
    empty = region_statistics(depth, (0, 0), (5, 5))
    assert empty.fill == 0
    assert np.isnan(empty.median_m)


def test_a_region_outside_of_the_picture_holds_nothing() -> None:
    depth = np.full((48, 64), 1.5, np.float32)
    for first, second in (((-20, 10), (-5, 20)), ((10, -20), (20, -5)), ((70, 10), (80, 20)), ((10, 60), (20, 70))):
        found = region_statistics(depth, first, second)
        assert found.pixels == 0 and found.fill == 0.0
    assert region_statistics(depth, (5, 2), (-5, -2)).pixels == 6 * 3
