"""Rectification: images, points and above all depth labels of turned cameras."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from depthstudio.errors import CalibrationError
from depthstudio.geometry import (
    RectifiedGeometry,
    Rectifier,
    StereoCalibration,
    depth_to_disparity,
    disparity_to_depth,
    disparity_to_points,
)

SIZE = (160, 120)


def turned_rig(distorted: bool = True, right_size: tuple[int, int] | None = None) -> StereoCalibration:
    """Two different cameras, turned against each other and against the baseline."""
    scale = 1.0 if right_size is None else right_size[0] / SIZE[0]
    return StereoCalibration(
        K1=np.array([[150.0, 0, 81.0], [0, 150.0, 60.0], [0, 0, 1]]),
        D1=np.array([-0.12, 0.04, 0.001, -0.001, 0.0]) if distorted else np.zeros(5),
        K2=np.array([[103.0 * scale, 0, 80.0 * scale], [0, 103.5 * scale, 65.0 * scale], [0, 0, 1]]),
        D2=np.array([-0.2, 0.05, 0.0, 0.001, 0.0]) if distorted else np.zeros(5),
        R=cv2.Rodrigues(np.array([0.02, -0.08, 0.03]))[0],
        T=np.array([-0.1313, 0.0011, -0.0395]),
        image_size=SIZE,
        right_image_size=right_size,
    )


def plane_depth(rays: np.ndarray, normal: np.ndarray, distance_m: float) -> np.ndarray:
    """z of the points where rays (..., 3) with z = 1 meet the plane normal . X = distance."""
    return distance_m / (rays @ normal)


def raw_plane(calibration: StereoCalibration, normal: np.ndarray, distance_m: float) -> np.ndarray:
    """Depth map (H, W) float32 m that the raw left camera sees of a plane given in its own frame."""
    v, u = np.mgrid[0 : SIZE[1], 0 : SIZE[0]].astype(np.float64)
    pixels = np.stack([u, v], axis=-1).reshape(-1, 1, 2)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 100, 1e-12)
    xy = cv2.undistortPoints(pixels, calibration.K1, calibration.D1, criteria=criteria).reshape(SIZE[1], SIZE[0], 2)
    rays = np.concatenate([xy, np.ones((*xy.shape[:2], 1))], axis=-1)
    return plane_depth(rays, normal, distance_m).astype(np.float32)


def rectified_plane(rectifier: Rectifier, normal: np.ndarray, distance_m: float) -> np.ndarray:
    """The depth map that the rectified left camera must see of the same plane."""
    g = rectifier.geometry
    y, x = np.mgrid[0 : g.size[1], 0 : g.size[0]]
    rays = np.stack([(x - g.cx) / g.focal_px, (y - g.cy) / g.focal_px, np.ones_like(x)], axis=-1)
    return plane_depth(rays, rectifier.R1 @ normal, distance_m)


@pytest.mark.parametrize("distorted", [False, True])
@pytest.mark.parametrize("normal", [(0, 0, 1), (0.3, -0.2, 1)])
def test_a_plane_keeps_its_place_in_space_when_the_camera_frame_turns(
    distorted: bool, normal: tuple[float, float, float]
) -> None:
    calibration = turned_rig(distorted)
    rectifier = Rectifier(calibration)
    unit = np.array(normal) / np.linalg.norm(normal)
    raw = raw_plane(calibration, unit, 2.0)
    expected = rectified_plane(rectifier, unit, 2.0)
    depth = rectifier.rectify_depth(raw)
    seen = np.isfinite(depth)
    assert seen.mean() > 0.95
    # Nearest neighbour is up to 0.7 px off; no depth changes by more than 1 % over that here.
    np.testing.assert_allclose(depth[seen], expected[seen], rtol=0.01)
    assert abs(np.median(depth[seen] / expected[seen]) - 1) < 0.0005
    assert np.abs(raw / expected - 1).max() > 0.05, "the turn must matter, or this test shows nothing"
    g = rectifier.geometry
    np.testing.assert_allclose(
        rectifier.label_disparity(raw)[seen], g.focal_px * g.baseline_m / expected[seen], rtol=0.01
    )


def test_label_disparity_is_where_the_right_camera_sees_the_point() -> None:
    calibration = turned_rig()
    rectifier = Rectifier(calibration)
    X = np.array([[0.1, -0.05, 1.5], [-0.1, 0.08, 0.9], [0.0, 0.0, 4.0]])
    zero = np.zeros(3)
    left, _ = cv2.projectPoints(X, zero, zero, calibration.K1, calibration.D1)
    right, _ = cv2.projectPoints(X, cv2.Rodrigues(calibration.R)[0], calibration.T, calibration.K2, calibration.D2)
    left_xy, right_xy = rectifier.rectify_left_points(left), rectifier.rectify_right_points(right)
    np.testing.assert_allclose(left_xy[:, 1], right_xy[:, 1], atol=1e-4)
    depth = (rectifier.R1 @ X.T)[2]
    np.testing.assert_allclose(left_xy[:, 0] - right_xy[:, 0], rectifier.geometry.focal_baseline / depth, rtol=1e-5)


def test_no_value_mixes_over_an_edge() -> None:
    calibration = turned_rig()
    rectifier = Rectifier(calibration)
    raw = np.full((SIZE[1], SIZE[0]), 1000, np.uint16)
    raw[:, 90:] = 3000
    raw[50:60, 70:90] = 0
    depth = rectifier.rectify_depth(raw)
    raw_values = depth / rectifier._depth_factor
    seen = np.isfinite(raw_values)
    assert np.all(np.isclose(raw_values[seen], 1.0) | np.isclose(raw_values[seen], 3.0))
    assert 0.005 < (~seen).mean() < 0.1


def test_what_the_raw_camera_did_not_see_has_no_depth() -> None:
    rectifier = Rectifier(turned_rig(), alpha=1.0)
    depth = rectifier.rectify_depth(np.full((SIZE[1], SIZE[0]), 1.0, np.float32))
    assert np.isnan(depth[0, 0])
    assert 0.1 < np.isnan(depth).mean() < 0.95


@pytest.mark.parametrize("nothing", [0.0, -1.0, np.nan, np.inf])
def test_pixels_without_measurement_stay_without(nothing: float) -> None:
    calibration = StereoCalibration.rectified_pair(150, 0.05, 80, 60, SIZE)
    for rectifier in (Rectifier(calibration), Rectifier(turned_rig())):
        assert np.isnan(rectifier.rectify_depth(np.full((SIZE[1], SIZE[0]), nothing, np.float32))).all()


def test_an_already_rectified_pair_passes_untouched() -> None:
    rectifier = Rectifier(StereoCalibration.rectified_pair(150, 0.05, 80, 60, SIZE))
    image = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    assert rectifier.is_identity
    assert rectifier.rectify_left(image) is image
    assert rectifier.rectify_right(image) is image
    depth = np.full((SIZE[1], SIZE[0]), 1500, np.uint16)
    assert np.all(rectifier.rectify_depth(depth) == np.float32(1.5))
    assert depth[0, 0] == 1500
    np.testing.assert_allclose(rectifier.label_disparity(depth), 150 * 0.05 / 1.5, rtol=1e-6)
    assert rectifier.valid_roi == (0, 0, *SIZE)


def test_the_principal_points_of_a_shifted_pair_are_kept() -> None:
    K1 = np.array([[150.0, 0, 80], [0, 150, 60], [0, 0, 1]])
    K2 = K1.copy()
    K2[0, 2] += 4
    calibration = StereoCalibration(K1, np.zeros(5), K2, np.zeros(5), np.eye(3), [-0.05, 0, 0], image_size=SIZE)
    rectifier = Rectifier(calibration)
    X = np.array([[0.1, 0.05, 2.0]])
    left = rectifier.rectify_left_points((X @ K1.T)[:, :2] / 2.0)
    right = rectifier.rectify_right_points(((X + calibration.T) @ K2.T)[:, :2] / 2.0)
    disparity = (left - right)[:1, :1].astype(np.float32)
    assert disparity_to_depth(disparity, rectifier.geometry)[0, 0] == pytest.approx(2.0, rel=1e-4)


def test_images_of_another_size_are_refused() -> None:
    rectifier = Rectifier(turned_rig())
    other = np.zeros((SIZE[1] * 2, SIZE[0] * 2), np.uint8)
    for method in (rectifier.rectify_left, rectifier.rectify_right, rectifier.rectify_depth):
        with pytest.raises(CalibrationError, match="320x240"):
            method(other)
    with pytest.raises(CalibrationError, match="made at 160x120"):
        Rectifier(turned_rig(), (320, 240))


def test_a_calibration_without_size_takes_the_source_s(tmp_path) -> None:
    known = turned_rig()
    unsized = StereoCalibration(known.K1, known.D1, known.K2, known.D2, known.R, known.T)
    with pytest.raises(CalibrationError, match="does not say"):
        Rectifier(unsized)
    assert Rectifier(unsized, SIZE).geometry == Rectifier(known).geometry


def test_a_right_image_of_another_size_gives_the_same_views() -> None:
    same, larger = Rectifier(turned_rig(False)), Rectifier(turned_rig(False, right_size=(320, 240)))
    assert larger.geometry.focal_px == pytest.approx(same.geometry.focal_px, rel=0.01)
    right = np.zeros((240, 320, 3), np.uint8)
    right[:] = 200
    rectified = larger.rectify_right(right)
    assert rectified.shape == (SIZE[1], SIZE[0], 3)
    assert (rectified > 0).mean() > 0.98
    with pytest.raises(CalibrationError, match="right image is 160x120"):
        larger.rectify_right(right[:120, :160])


def test_the_rectified_images_of_a_point_lie_on_one_row() -> None:
    calibration = turned_rig()
    rectifier = Rectifier(calibration)
    X = np.array([[0.12, -0.06, 1.2]])
    zero = np.zeros(3)
    poses = ((zero, zero, calibration.K1, calibration.D1),)
    poses += ((cv2.Rodrigues(calibration.R)[0].ravel(), calibration.T, calibration.K2, calibration.D2),)
    spots = []
    for pose, rectify in zip(poses, (rectifier.rectify_left, rectifier.rectify_right), strict=True):
        (u, v) = cv2.projectPoints(X, *pose)[0].ravel()
        y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
        spot = rectify((250 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / 8)).astype(np.uint8)).astype(float)
        spots.append(((spot * x).sum() / spot.sum(), (spot * y).sum() / spot.sum()))
    (x_left, y_left), (x_right, y_right) = spots
    assert y_left == pytest.approx(y_right, abs=0.1)
    depth = float((rectifier.R1 @ X.T)[2, 0])
    assert x_left - x_right == pytest.approx(rectifier.geometry.focal_baseline / depth, abs=0.2)


def test_disparity_depth_and_points_agree() -> None:
    geometry = RectifiedGeometry(150.0, 0.06, 79.5, 59.5, SIZE, disparity_shift_px=1.5)
    depth = np.random.default_rng(1).uniform(0.3, 5, (SIZE[1], SIZE[0])).astype(np.float32)
    depth[3, 4] = np.nan
    disparity = depth_to_disparity(depth, geometry)
    np.testing.assert_allclose(disparity_to_depth(disparity, geometry), depth, rtol=1e-5)
    points = disparity_to_points(disparity, geometry)
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    ok = np.isfinite(depth)
    np.testing.assert_allclose((points[..., 0] / points[..., 2] * 150 + 79.5)[ok], x[ok], atol=1e-3)
    np.testing.assert_allclose((points[..., 1] / points[..., 2] * 150 + 59.5)[ok], y[ok], atol=1e-3)
    assert np.isnan(points[3, 4]).all()
    assert depth.dtype == disparity.dtype == points.dtype == np.float32


@pytest.mark.parametrize("disparity", [0.0, -3.0, np.nan])
def test_no_disparity_is_no_depth(disparity: float) -> None:
    geometry = RectifiedGeometry(150.0, 0.06, 80, 60, (1, 1))
    assert np.isnan(disparity_to_depth(np.full((1, 1), disparity, np.float32), geometry))


def test_half_the_resolution_halves_the_disparity() -> None:
    geometry = RectifiedGeometry(150.0, 0.06, 79.5, 59.5, SIZE)
    half = geometry.scaled(0.5)
    assert half.size == (80, 60)
    assert (half.cx, half.cy) == (39.5, 29.5)
    depth = np.full((1, 1), 2.0, np.float32)
    assert depth_to_disparity(depth, half)[0, 0] == pytest.approx(depth_to_disparity(depth, geometry)[0, 0] / 2)


def test_oblong_pixels_do_not_stretch_what_is_measured() -> None:
    K = np.array([[500.0, 0, 320], [0, 550, 240], [0, 0, 1]])
    none, T = np.zeros(5), np.array([-0.1, 0, 0])
    rectifier = Rectifier(StereoCalibration(K, none, K, none, np.eye(3), T, image_size=(640, 480)))
    point = np.array([0.3, 0.4, 2.0])
    left, right = (K @ (point + shift) / point[2] for shift in (np.zeros(3), T))
    at_left, at_right = rectifier.rectify_left_points(left[:2])[0], rectifier.rectify_right_points(right[:2])[0]
    g = rectifier.geometry
    z_m = g.focal_baseline / (at_left[0] - at_right[0] + g.disparity_shift_px)
    found = np.array([(at_left[0] - g.cx) / g.focal_px, (at_left[1] - g.cy) / g.focal_px, 1.0]) * z_m
    np.testing.assert_allclose(found, point, rtol=1e-6)
