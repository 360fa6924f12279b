"""Depth quality on the simulated wall: every number within 2 % of what distance, tilt and noise make it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from depthstudio.cameras import open_source
from depthstudio.evaluation.depth_quality import (
    DepthQuality,
    Region,
    depth_quality,
    facing_advice,
    frame_quality,
)
from depthstudio.frames import FloatMap, StereoFrame
from depthstudio.geometry import RectifiedGeometry, Rectifier
from depthstudio.geometry.disparity import depth_to_disparity, disparity_to_depth

SIZE = (320, 240)
DISTANCES_M = (0.5, 1.0, 2.0, 4.0)
NOISE_PX = 0.12
FRAMES = 16
HOLES = 0.08
GROSS = 0.01


def wall(distance_m: float, tilt_deg: float) -> tuple[StereoFrame, Rectifier]:
    url = (
        f"sim://ir?scene=wall&distance_m={distance_m}&tilt_deg={tilt_deg}&size={SIZE[0]}x{SIZE[1]}&frames=1&realtime=0"
    )
    source = open_source(url)
    source.open()
    try:
        frame = source.read(timeout_s=20)
        assert source.calibration is not None and frame is not None
        return frame, Rectifier(source.calibration, SIZE)
    finally:
        source.close()


def noisy(exact_px: FloatMap, rng: np.random.Generator) -> FloatMap:
    """Known noise, holes and gross errors on an exact disparity."""
    seen = exact_px + rng.normal(0, NOISE_PX, exact_px.shape)
    gross = rng.random(exact_px.shape) < GROSS
    seen[gross] *= rng.uniform(1.5, 2.5, int(gross.sum()))
    seen[rng.random(exact_px.shape) < HOLES] = np.nan
    return seen.astype(np.float32)


def measured(exact_px: FloatMap, region: Region, geometry: RectifiedGeometry, known_m: float) -> DepthQuality:
    rng = np.random.default_rng(5)
    frames = [frame_quality(noisy(exact_px, rng), region, geometry, known_m) for _ in range(FRAMES)]
    return depth_quality(frames, geometry, known_m)


@pytest.mark.parametrize("tilt_deg", [0.0, 12.0])
@pytest.mark.parametrize("distance_m", DISTANCES_M)
def test_every_number_is_within_two_percent_of_the_analytic_one(distance_m: float, tilt_deg: float) -> None:
    frame, rectifier = wall(distance_m, tilt_deg)
    assert frame.exact_depth_m is not None
    geometry, region = rectifier.geometry, Region.centred(SIZE)
    exact_px = depth_to_disparity(rectifier.rectify_depth(frame.exact_depth_m), geometry)
    known_m = distance_m / 1.01  # as if the tape had said one percent less
    found = measured(exact_px, region, geometry, known_m)

    z = disparity_to_depth(region.of(exact_px), geometry).astype(np.float64)
    noise_m = z**2 / geometry.focal_baseline * NOISE_PX  # dZ = Z^2 / (f B) dd
    u = (np.arange(region.x, region.x + region.width) - geometry.cx) / geometry.focal_px
    tilt = math.radians(tilt_deg)
    # Turned about the vertical: n = (-+sin, 0, cos), so n . ray is linear in x; its sign follows from Z.
    sign = 1 if z[0, 0] < z[0, -1] else -1
    along_normal = math.cos(tilt) - sign * u[None, :] * math.sin(tilt)
    assert found.distance_m == pytest.approx(distance_m, rel=0.02)
    assert found.plane_rms_mm == pytest.approx(1000 * math.sqrt(np.mean((noise_m * along_normal) ** 2)), rel=0.02)
    assert found.plane_rms_share == pytest.approx(found.plane_rms_mm / 1000 / distance_m, rel=0.02)
    assert found.subpixel_rms_px == pytest.approx(NOISE_PX, rel=0.02)
    assert found.temporal_noise_mm == pytest.approx(1000 * math.sqrt(np.mean(noise_m**2)), rel=0.02)
    assert found.fill_rate == pytest.approx(1 - HOLES, rel=0.02)
    # Of two thousand outliers a handful comes or goes by chance.
    assert found.outlier_share == pytest.approx(GROSS, rel=0.1)
    assert found.tilt_deg == pytest.approx(tilt_deg, rel=0.02, abs=0.1)
    assert abs(found.yaw_deg) == pytest.approx(tilt_deg, rel=0.02, abs=0.1) and abs(found.pitch_deg) < 0.1
    # A wall one percent farther than the tape says, seen at every pixel of the region; the median says it signed.
    assert found.z_accuracy_mm == pytest.approx(1000 * float(np.median(z - z * known_m / distance_m)), rel=0.05)
    assert found.z_accuracy_share == pytest.approx(0.01, abs=0.0005)


@pytest.mark.parametrize("distance_m", DISTANCES_M)
def test_the_simulated_camera_s_own_depth(distance_m: float) -> None:
    """Its disparity is noisy by 0.08 px and comes in steps, and its depth in whole millimetres."""
    frame, rectifier = wall(distance_m, 0)
    assert frame.depth_mm is not None
    geometry = rectifier.geometry
    found = depth_quality(
        [frame_quality(rectifier.label_disparity(frame.depth_mm), Region.centred(SIZE), geometry, distance_m)],
        geometry,
        distance_m,
    )
    assert found.distance_m == pytest.approx(distance_m, rel=0.02)
    millimetre_px = geometry.focal_baseline / distance_m**2 * 0.001
    expected_px = math.sqrt(0.08**2 + (1 / 32) ** 2 / 12 + millimetre_px**2 / 12)
    assert found.subpixel_rms_px == pytest.approx(expected_px, rel=0.5)
    assert abs(found.z_accuracy_share) < 0.01
    assert math.isnan(found.temporal_noise_mm)  # of a single frame


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
