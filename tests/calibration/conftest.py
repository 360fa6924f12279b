"""An exactly known rig and a board held in front of it, as corners or as rendered images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from depthstudio.calibration import Board, BoardView
from depthstudio.calibration.drawing import board_image, draw_board
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

SIZE = (640, 480)


@dataclass(frozen=True)
class Pose:
    """Board centre x, y, z in metres in the left camera, turns about x, y, z in degrees."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.8
    pitch: float = 0.0
    yaw: float = 0.0
    roll: float = 0.0

    def matrices(self, board: Board) -> tuple[np.ndarray, np.ndarray]:
        """R, t that take board coordinates to the left camera's."""
        turns = (self.roll, (0, 0, 1)), (self.yaw, (0, 1, 0)), (self.pitch, (1, 0, 0))
        R = np.eye(3)
        for degrees, axis in turns:
            R = R @ cv2.Rodrigues(np.radians(degrees) * np.array(axis, float))[0]
        centre = board.object_points().mean(axis=0)
        return R, np.array([self.x, self.y, self.z]) - R @ centre


class Rig:
    """Two cameras whose every number is known."""

    def __init__(self, distorted: bool = True, T: tuple[float, float, float] = (-0.1, 0.001, 0.002)) -> None:
        self.truth = StereoCalibration(
            K1=np.array([[600.0, 0, 325.0], [0, 601.0, 236.0], [0, 0, 1]]),
            D1=np.array([-0.15, 0.06, 0.0008, -0.0005, 0.0]) if distorted else np.zeros(5),
            K2=np.array([[560.0, 0, 315.0], [0, 559.0, 247.0], [0, 0, 1]]),
            D2=np.array([-0.25, 0.09, 0.0, 0.0007, 0.0]) if distorted else np.zeros(5),
            R=cv2.Rodrigues(np.array([0.01, 0.04, -0.015]))[0],
            T=np.array(T),
            image_size=SIZE,
        )

    def cameras(self, board: Board, pose: Pose) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """R, t, K, D of the board in each camera."""
        c = self.truth
        R, t = pose.matrices(board)
        return [(R, t, c.K1, c.D1), (c.R @ R, c.R @ t + c.T, c.K2, c.D2)]

    def view(self, board: Board, pose: Pose, noise_px: float = 0.0, seed: int = 0, name: str = "") -> BoardView:
        """The corners of a board at a pose, with Gaussian noise."""
        random = np.random.default_rng(seed)
        corners = []
        for R, t, K, D in self.cameras(board, pose):
            seen = cv2.projectPoints(board.object_points(), cv2.Rodrigues(R)[0], t, K, D)[0].reshape(-1, 2)
            corners.append(seen + random.normal(0, noise_px, seen.shape) if noise_px else seen)
        return BoardView(*corners, name)

    def images(self, board: Board, pose: Pose, blur_px: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Grey images of the board before a grey wall; for rigs without distortion."""
        pair = [
            _render(board, K @ np.column_stack([R[:, 0], R[:, 1], t]), blur_px)
            for R, t, K, _ in self.cameras(board, pose)
        ]
        return pair[0], pair[1]


def _render(board: Board, plane_to_pixel: np.ndarray, blur_px: float) -> np.ndarray:
    """Supersampled twofold, with a white margin around the board."""
    per_square, over = 40, 2
    texture = (20 + board_image(board, per_square) * (210 / 255)).astype(np.uint8)
    to_board = np.diag([board.square_m / per_square, board.square_m / per_square, 1.0])
    origin_squares = np.array(draw_board(board).origin) / board.square_m
    to_board[:2, 2] = (0.5 / per_square - 1 - origin_squares) * board.square_m
    enlarge = np.array([[over, 0, (over - 1) / 2], [0, over, (over - 1) / 2], [0, 0, 1]])
    H = enlarge @ plane_to_pixel @ to_board
    large = cv2.warpPerspective(
        texture,
        H,
        (SIZE[0] * over, SIZE[1] * over),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=110,
    )
    image = cv2.resize(large, SIZE, interpolation=cv2.INTER_AREA)
    image = cv2.GaussianBlur(image, (0, 0), max(blur_px, 0.6))
    return np.clip(image + np.random.default_rng(0).normal(0, 2, image.shape), 0, 255).astype(np.uint8)


def various_poses(count: int, seed: int = 0, tilt_deg: float = 30.0) -> list[Pose]:
    """Poses all over the shared view."""
    random = np.random.default_rng(seed)
    poses = []
    for _ in range(count):
        z = random.uniform(0.4, 0.8)
        pitch, yaw, roll = (random.uniform(-limit, limit) for limit in (tilt_deg, tilt_deg, 8))
        poses.append(Pose(random.uniform(-0.3, 0.38) * z, random.uniform(-0.25, 0.25) * z, z, pitch, yaw, roll))
    return poses


@pytest.fixture
def board() -> Board:
    return Board(9, 6, 0.025)


@pytest.fixture
def rig() -> Rig:
    return Rig()


@pytest.fixture
def pinhole_rig() -> Rig:
    return Rig(distorted=False)


@pytest.fixture
def make_views(board: Board, rig: Rig) -> Callable[..., list[BoardView]]:
    """Views at various poses of the distorted rig; corners may lie outside an image only by choice of the seed."""

    def make(count: int = 20, noise_px: float = 0.1, tilt_deg: float = 30.0, of: Rig | None = None) -> list[BoardView]:
        views: list[BoardView] = []
        for index, pose in enumerate(various_poses(count * 6, tilt_deg=tilt_deg)):
            view = (of or rig).view(board, pose, noise_px, index, f"{len(views) + 1:02d}")
            corners = np.concatenate([view.left_corners, view.right_corners])
            if corners.min() > 5 and np.all(corners.max(axis=0) < (635, 475)):
                views.append(view)
        assert len(views) >= count
        return views[:count]

    return make


@pytest.fixture
def frame_of(board: Board, pinhole_rig: Rig) -> Callable[..., StereoFrame]:
    """A frame of the pinhole rig with the board at a pose."""

    def make(pose: Pose, number: int = 0, blur_px: float = 0.0) -> StereoFrame:
        left, right = pinhole_rig.images(board, pose, blur_px)
        return StereoFrame(number, number / 30, left, right)

    return make


@pytest.fixture
def pose() -> type[Pose]:
    return Pose


@pytest.fixture
def rig_with() -> type[Rig]:
    return Rig
