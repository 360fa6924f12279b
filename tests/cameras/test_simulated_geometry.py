"""The simulated rigs' geometry: what is rendered is where the exact calibration says."""

import cv2
import numpy as np
import pytest

from depthstudio.cameras.simulated import SimulatedSettings
from depthstudio.cameras.simulated.board_poses import BOARDS, board_points, corner_positions
from depthstudio.cameras.simulated.render import FrameRenderer
from depthstudio.cameras.simulated.rig import simulated_rig
from depthstudio.cameras.simulated.stage import Stage
from depthstudio.geometry import Rectifier, StereoCalibration

SUBPIX = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 60, 1e-4)


def renderer(url: str) -> FrameRenderer:
    return FrameRenderer(Stage(SimulatedSettings.from_url(url)))


def grey(image: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(image.mean(axis=-1)), 0, 255).astype(np.uint8)


def rectifying(c: StereoCalibration) -> list[tuple[np.ndarray, ...]]:
    """K, D, R, P of both cameras."""
    R1, R2, P1, P2, *_ = cv2.stereoRectify(
        c.K1, c.D1, c.K2, c.D2, c.image_size, c.R, c.T.reshape(3, 1), flags=cv2.CALIB_ZERO_DISPARITY, alpha=0
    )
    return [(c.K1, c.D1, R1, P1), (c.K2, c.D2, R2, P2)]


def refined(image: np.ndarray, near: np.ndarray) -> np.ndarray:
    corners = near.astype(np.float32).reshape(-1, 1, 2)
    return cv2.cornerSubPix(grey(image), corners, (4, 4), (-1, -1), SUBPIX).reshape(-1, 2)


@pytest.mark.parametrize("kind", ["ir", "hybrid"])
def test_rectified_positions_agree_with_opencv(kind: str) -> None:
    rig = simulated_rig(kind, (320, 240))
    c = rig.calibration
    untouched = [(c.K1, c.D1, np.eye(3), c.K1), (c.K2, c.D2, np.eye(3), c.K2)]
    cameras = untouched if kind == "ir" else rectifying(c)
    for (K, D, R, P), ours in zip(cameras, (rig.left_xy, rig.right_xy), strict=True):
        rays = np.concatenate([ours, np.ones_like(ours[..., :1])], axis=-1) @ np.linalg.inv(P[:, :3]).T @ R
        back, _ = cv2.projectPoints(rays.reshape(-1, 3), np.zeros(3), np.zeros(3), K, D)
        x, y = np.meshgrid(np.arange(320), np.arange(240))
        assert np.abs(back.reshape(240, 320, 2) - np.stack([x, y], axis=-1)).max() < 1e-6


def test_the_hybrid_rig_is_the_reference_rig() -> None:
    c = simulated_rig("hybrid", (640, 480)).calibration
    assert np.allclose([c.K1[0, 0], c.K1[1, 1], c.K1[0, 2], c.K1[1, 2]], [606.84, 606.82, 324.80, 242.95])
    assert np.allclose([c.K2[0, 0], c.K2[1, 1], c.K2[0, 2], c.K2[1, 2]], [412.0, 413.8, 321.6, 267.3])
    assert np.allclose(c.T, [-0.1313, 0.0011, -0.0395])
    geometry = Rectifier(c).geometry
    assert geometry.baseline_m == pytest.approx(0.1371, abs=1e-4)
    assert geometry.focal_px == pytest.approx(719.5, abs=10)


@pytest.mark.parametrize("kind", ["ir", "hybrid"])
def test_board_corners_appear_where_the_cameras_project_them(kind: str) -> None:
    render = renderer(f"sim://{kind}?scene=board&size=640x480&frames=4&realtime=0")
    pose = render.stage.board_pose(1)
    views = render.ideal_views(1)
    exact = corner_positions(render.rig, pose, board_points(BOARDS["chessboard"]))
    seen = [refined(image, corners) for image, corners in zip(views[:2], exact, strict=True)]
    for found, corners in zip(seen, exact, strict=True):
        errors = found - corners
        assert np.abs(errors.mean(axis=0)).max() < 0.03
        assert np.sqrt((errors**2).sum(axis=1).mean()) < 0.08


def test_triangulated_board_corners_lie_on_the_board() -> None:
    render = renderer("sim://hybrid?scene=board&size=640x480&frames=4&realtime=0")
    c = render.rig.calibration
    pose = render.stage.board_pose(1)
    views = render.ideal_views(1)
    exact = corner_positions(render.rig, pose, board_points(BOARDS["chessboard"]))
    left, right = (refined(image, corners) for image, corners in zip(views[:2], exact, strict=True))
    rays = [
        cv2.undistortPoints(points.reshape(-1, 1, 2).astype(np.float64), K, D).reshape(-1, 2)
        for points, K, D in ((left, c.K1, c.D1), (right, c.K2, c.D2))
    ]
    homogeneous = cv2.triangulatePoints(np.eye(3, 4), np.hstack([c.R, c.T.reshape(3, 1)]), rays[0].T, rays[1].T)
    points = (homogeneous[:3] / homogeneous[3]).T
    truth = pose.points(board_points(BOARDS["chessboard"]))
    assert np.abs((points - truth).mean(axis=0)).max() < 0.001
    assert np.linalg.norm(points - truth, axis=1).max() < 0.004
    assert np.linalg.norm(truth[1] - truth[0]) == pytest.approx(BOARDS["chessboard"].square_m)


@pytest.mark.parametrize("kind", ["ir", "hybrid"])
@pytest.mark.parametrize(("distance_m", "tilt_deg"), [(1.0, 0.0), (2.2, 25.0)])
def test_the_walls_depth_is_that_of_its_plane(kind: str, distance_m: float, tilt_deg: float) -> None:
    render = renderer(f"sim://{kind}?scene=wall&distance_m={distance_m}&tilt_deg={tilt_deg}&size=160x120")
    depth_m = render.render(0).exact_depth_m
    K = render.rig.calibration.K1
    x = (np.arange(160) - K[0, 2]) / K[0, 0]
    # A plane through (0, 0, Z0), turned about the vertical by t: Z (cos t + x sin t) = Z0 cos t.
    t = np.deg2rad(tilt_deg)
    expected = distance_m * np.cos(t) / (np.cos(t) + x * np.sin(t))
    assert np.abs(depth_m / expected[None, :] - 1).max() < 1e-5


def test_rectifying_with_the_exact_calibration_makes_both_images_agree() -> None:
    render = renderer("sim://hybrid?scene=desk&size=320x240&seed=4")
    rig = render.rig
    views = render.ideal_views(0)
    rectifier = Rectifier(rig.calibration)
    maps = [
        cv2.initUndistortRectifyMap(K, D, R, P, rig.size, cv2.CV_32FC1) for K, D, R, P in rectifying(rig.calibration)
    ]
    left, right = (cv2.remap(image, *both, cv2.INTER_CUBIC) for image, both in zip(views[:2], maps, strict=True))
    exact_depth_m = rig.raw_depth_m(views.left_disparity_px)
    disparity = rectifier.label_disparity(exact_depth_m)
    seen = visible(disparity)
    difference = np.abs(left - warped(right, disparity)).mean(axis=-1)
    assert seen.mean() > 0.5
    assert np.median(difference[seen]) < 3.0
    # Neither a vertical offset nor another disparity makes them agree better.
    best = np.median(difference[seen])
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        moved = np.abs(left - np.roll(warped(right, disparity + dx), dy, axis=0)).mean(axis=-1)
        assert np.median(moved[seen]) > 1.2 * best


def test_the_infrared_pair_is_photometrically_exact() -> None:
    render = renderer("sim://ir?scene=desk&size=320x240&seed=2")
    views = render.ideal_views(0)
    disparity = views.left_disparity_px
    difference = np.abs(views.left - warped(views.right, disparity)).mean(axis=-1)
    assert np.median(difference[visible(disparity)]) < 1.0


def warped(right: np.ndarray, disparity: np.ndarray) -> np.ndarray:
    height, width = disparity.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(right, np.nan_to_num(x - disparity), y, cv2.INTER_CUBIC)


def visible(disparity: np.ndarray) -> np.ndarray:
    """Pixels away from edges whose partner lies inside the right image and is not covered."""
    filled = np.nan_to_num(disparity, nan=0.0)
    x = np.arange(disparity.shape[1])[None, :] - filled
    nearest = np.minimum.accumulate(x[:, ::-1], axis=1)[:, ::-1]
    kernel = np.ones((7, 7), np.uint8)
    smooth = cv2.dilate(filled, kernel) - cv2.erode(filled, kernel) < 2.0
    return (disparity > 0) & (x >= 2) & (x <= nearest + 0.5) & smooth
