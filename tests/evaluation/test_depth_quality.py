"""Depth quality on the simulated wall: every number within 2 % of what distance, tilt and noise make it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from depthstudio.cameras import open_source
from depthstudio.evaluation.depth_quality import Region, depth_quality, facing_advice, frame_quality
from depthstudio.frames import FloatMap, StereoFrame
from depthstudio.geometry import RectifiedGeometry, Rectifier
from depthstudio.geometry.disparity import depth_to_disparity

SIZE = (320, 240)
REGION_SHARE = 0.8
DISTANCES_M = (0.5, 1.0, 2.0, 4.0)
NOISE_PX = 0.12
# At 4 m the median of one frame's Z is known to 1 mm by chance alone, of 40 mm: so many frames make it 0.6 %.
FRAMES = 24
HOLES = 0.08
GROSS = 0.01


def wall(distance_m: float, tilt_deg: float, frames: int = 1) -> tuple[list[StereoFrame], Rectifier]:
    url = f"sim://ir?scene=wall&distance_m={distance_m}&tilt_deg={tilt_deg}&size={SIZE[0]}x{SIZE[1]}"
    source = open_source(f"{url}&frames={frames}&realtime=0")
    source.open()
    try:
        taken = [source.read(timeout_s=20) for _ in range(frames)]
        assert source.calibration is not None
        return [frame for frame in taken if frame is not None], Rectifier(source.calibration, SIZE)
    finally:
        source.close()


def noisy(exact_px: FloatMap, region: Region, rng: np.random.Generator) -> FloatMap:
    """Known noise on an exact disparity; of the region's pixels exactly so many become holes and gross errors."""
    seen = exact_px + rng.normal(0, NOISE_PX, exact_px.shape)
    rows, columns = np.divmod(rng.permutation(region.width * region.height), region.width)
    places = rows + region.y, columns + region.x
    holes = round(HOLES * rows.size)
    gross = round(GROSS * (rows.size - holes))
    seen[places[0][:holes], places[1][:holes]] = np.nan
    wrong = places[0][holes : holes + gross], places[1][holes : holes + gross]
    seen[wrong] *= rng.uniform(1.5, 2.5, gross)
    return seen.astype(np.float32)


@dataclass(frozen=True)
class Analytic:
    """What the noise does to the numbers, computed without drawing any.

    Z = f B / (d + e) with e normal is no normal variable: at 4 m the noise is 5 % of the disparity, and a linear
    formula is off by 1 % there. So moments are Gauss-Hermite sums for each pixel, and the median of a tilted wall's
    errors, whose pixels scatter differently, is where the mean of the pixels' distribution functions is one half.
    """

    plane_rms_mm: float
    temporal_noise_mm: float
    z_accuracy_mm: float


def analytic(
    exact_px: FloatMap, region: Region, geometry: RectifiedGeometry, tilt_deg: float, scale: float
) -> Analytic:
    """scale: known distance over true distance."""
    d = region.of(exact_px).astype(np.float64)
    z = geometry.focal_baseline / d
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    seen = geometry.focal_baseline / (d[..., None] + NOISE_PX * nodes)
    variance = (seen - (seen @ weights)[..., None]) ** 2 @ weights
    square = (seen - z[..., None]) ** 2 @ weights
    u = (np.arange(region.x, region.x + region.width) - geometry.cx) / geometry.focal_px
    tilt = math.radians(tilt_deg)
    # Turned about the vertical: n = (-+sin, 0, cos), so n . ray is linear in x; its sign follows from Z.
    sign = 1 if z[0, 0] < z[0, -1] else -1
    along_normal = math.cos(tilt) - sign * u[None, :] * math.sin(tilt)

    def share_below(error_m: float) -> float:
        limit_px = geometry.focal_baseline / (z * scale + error_m) - d
        return float(np.mean([0.5 * math.erfc(x) for x in (limit_px / (NOISE_PX * math.sqrt(2))).ravel()[::7]]))

    low, high = 0.0, 0.1
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if share_below(middle) < 0.5 else (low, middle)
    return Analytic(
        1000 * math.sqrt(np.mean(square * along_normal**2)), 1000 * math.sqrt(np.mean(variance)), 500 * (low + high)
    )


@pytest.mark.parametrize("tilt_deg", [0.0, 12.0])
@pytest.mark.parametrize("distance_m", DISTANCES_M)
def test_every_number_is_within_two_percent_of_the_analytic_one(distance_m: float, tilt_deg: float) -> None:
    (frame,), rectifier = wall(distance_m, tilt_deg)
    assert frame.exact_depth_m is not None
    geometry, region = rectifier.geometry, Region.centred(SIZE, REGION_SHARE)
    exact_px = depth_to_disparity(rectifier.rectify_depth(frame.exact_depth_m), geometry)
    known_m = distance_m / 1.01  # as if the tape had said one percent less
    rng = np.random.default_rng(5)
    frames = [frame_quality(noisy(exact_px, region, rng), region, geometry, known_m) for _ in range(FRAMES)]
    found = depth_quality(frames, geometry, known_m)

    expected = analytic(exact_px, region, geometry, tilt_deg, 1 / 1.01)
    assert found.distance_m == pytest.approx(distance_m, rel=0.0005)
    assert found.plane_rms_mm == pytest.approx(expected.plane_rms_mm, rel=0.02)
    assert found.plane_rms_share == pytest.approx(expected.plane_rms_mm / 1000 / distance_m, rel=0.02)
    assert found.subpixel_rms_px == pytest.approx(NOISE_PX, rel=0.02)
    assert found.temporal_noise_mm == pytest.approx(expected.temporal_noise_mm, rel=0.02)
    assert found.temporal_noise_share == pytest.approx(expected.temporal_noise_mm / 1000 / distance_m, rel=0.02)
    assert found.fill_rate == pytest.approx(1 - HOLES, rel=0.02)
    assert found.outlier_share == pytest.approx(GROSS, rel=0.02)
    assert found.tilt_deg == pytest.approx(tilt_deg, rel=0.02, abs=0.1)
    assert abs(found.yaw_deg) == pytest.approx(tilt_deg, rel=0.02, abs=0.1) and abs(found.pitch_deg) < 0.1
    assert found.z_accuracy_mm == pytest.approx(expected.z_accuracy_mm, rel=0.02)
    assert found.z_accuracy_share == pytest.approx(expected.z_accuracy_mm / 1000 / known_m, rel=0.02)


@pytest.mark.parametrize("distance_m", DISTANCES_M)
def test_the_simulated_camera_s_own_depth(distance_m: float) -> None:
    """Its disparity is noisy by 0.08 px and comes in steps of 1/32 px, and its depth in whole millimetres."""
    frames, rectifier = wall(distance_m, 0, frames=8)
    geometry, region = rectifier.geometry, Region.centred(SIZE, REGION_SHARE)
    maps = [rectifier.label_disparity(frame.depth_mm) for frame in frames if frame.depth_mm is not None]
    found = depth_quality([frame_quality(seen, region, geometry, distance_m) for seen in maps], geometry, distance_m)
    assert found.frames == 8
    assert found.distance_m == pytest.approx(distance_m, rel=0.001)
    millimetre_px = geometry.focal_baseline / distance_m**2 * 0.001
    expected_px = math.sqrt(0.08**2 + (1 / 32) ** 2 / 12 + millimetre_px**2 / 12)
    assert found.subpixel_rms_px == pytest.approx(expected_px, rel=0.02)
    assert abs(found.z_accuracy_share) < 0.001
    alone = depth_quality([frame_quality(maps[0], region, geometry)], geometry)
    assert math.isnan(alone.temporal_noise_mm)  # of a single frame


def test_gross_errors_at_one_side_do_not_pull_the_plane() -> None:
    """The share dropped at both ends is of the pixels that are no gross errors."""
    geometry, region = RectifiedGeometry(200.0, 0.05, 159.5, 119.5, SIZE), Region.centred(SIZE, REGION_SHARE)
    flat_px, rng = np.full(SIZE[::-1], 2.5, np.float32), np.random.default_rng(1)
    frames = [frame_quality(noisy(flat_px, region, rng), region, geometry) for _ in range(8)]
    distance_m = depth_quality(frames, geometry).distance_m
    # By chance 0.01 %; a trim that took one end only would make it 0.07 %.
    assert distance_m == pytest.approx(geometry.focal_baseline / 2.5, rel=0.0003)


def test_disparity_in_steps_is_a_plane() -> None:
    """Most pixels in one step have no spread, and the others are no gross errors."""
    geometry, region = RectifiedGeometry(200.0, 0.05, 159.5, 119.5, SIZE), Region.centred(SIZE, REGION_SHARE)
    stepped_px = np.full(SIZE[::-1], 10.0, np.float32)
    stepped_px[np.random.default_rng(2).random(SIZE[::-1]) < 0.4] = 10.0 + 1 / 32
    found = depth_quality([frame_quality(stepped_px, region, geometry)], geometry)
    assert found.outlier_share == 0
    assert found.distance_m == pytest.approx(geometry.focal_baseline / (10 + 0.4 / 32), rel=1e-4)


@pytest.mark.parametrize("fill", [0.02, 0.2, 1.0])
def test_garbage_never_fails(fill: float) -> None:
    rng = np.random.default_rng(3)
    geometry, region = RectifiedGeometry(200.0, 0.05, 159.5, 119.5, SIZE), Region.centred(SIZE)
    for _ in range(20):
        seen = rng.choice([rng.uniform(1, 100), rng.uniform(1, 100), np.nan], SIZE[::-1]).astype(np.float32)
        seen += rng.uniform(0, 20) * rng.standard_exponential(SIZE[::-1]).astype(np.float32)
        seen[rng.random(SIZE[::-1]) > fill] = np.nan
        assert 0 <= depth_quality([frame_quality(seen, region, geometry)], geometry).fill_rate <= fill * 1.1


def test_advice_says_which_way_to_turn() -> None:
    geometry = RectifiedGeometry(200.0, 0.05, 159.5, 119.5, SIZE)
    u, v = np.meshgrid(np.arange(SIZE[0]) - geometry.cx, np.arange(SIZE[1]) - geometry.cy)

    def advice(right: float, down: float) -> str:
        disparity_px = (10 + right * u + down * v).astype(np.float32)
        return facing_advice(depth_quality([frame_quality(disparity_px, Region.centred(SIZE), geometry)], geometry))

    assert advice(0, 0) == ""
    assert advice(0.005, 0).startswith("Turn right by 5.7°")  # nearer at the right: atan(200 * 0.005 / 10)
    assert advice(-0.005, 0).startswith("Turn left by 5.7°")
    assert advice(0.005, 0.005).startswith("Turn right by 5.7° and tilt down by 5.7°")


def test_nothing_seen_gives_no_numbers() -> None:
    geometry = RectifiedGeometry(200.0, 0.05, 159.5, 119.5, SIZE)
    empty = frame_quality(np.full(SIZE[::-1], np.nan, np.float32), Region.centred(SIZE), geometry, 1.0)
    assert empty.fill_rate == 0 and empty.plane is None
    found = depth_quality([empty, empty], geometry, 1.0)
    assert found.fill_rate == 0 and math.isnan(found.plane_rms_mm) and math.isnan(found.temporal_noise_mm)
    assert facing_advice(found) == ""


def test_a_region_stays_inside_the_image() -> None:
    assert Region(300, 230, 100, 100).within(SIZE) == Region(300, 230, 20, 10)
    assert Region(-5, -5, 1, 1).within(SIZE) == Region(0, 0, 8, 8)
    assert Region.centred(SIZE) == Region(96, 72, 128, 96)
