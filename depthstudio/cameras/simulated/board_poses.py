"""The calibration boards and the poses in which somebody holds one in front of both cameras."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board
from depthstudio.calibration.drawing import board_image, draw_board
from depthstudio.cameras.simulated import pictures
from depthstudio.cameras.simulated.panels import Panel, box, moved, turned_x, turned_y, turned_z, vector
from depthstudio.cameras.simulated.rig import SimulatedRig

BOARDS: dict[str, Board] = {
    "chessboard": Board(9, 6, 0.025),
    "charuco": Board(7, 5, 0.034, "charuco"),
    "circles": Board(4, 11, 0.018, "circles"),
}
_SQUARE_PX = 40
_INK, _PAPER = 26, 232
_SEEN_SHARE = 0.55  # of a ChArUco board's width and height that both cameras see at least
_MARGIN_SHARE = 0.012
_ATTEMPTS = 400


@dataclass(frozen=True)
class BoardPose:
    """The board's middle in the raw left camera's frame (metres), and its turn as tilt, yaw and roll in degrees."""

    middle: tuple[float, float, float]
    angles_deg: tuple[float, float, float]

    @property
    def rotation(self) -> NDArray[np.float64]:
        """(3, 3), from the board's frame (x along the columns, y along the rows) to the camera's."""
        tilt, yaw, roll = self.angles_deg
        return turned_x(tilt) @ turned_y(yaw) @ turned_z(roll)

    def points(self, board_points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Board points (N, 2) in metres from its middle, as (N, 3) in the camera's frame."""
        flat = np.column_stack([board_points, np.zeros(len(board_points))])
        return np.asarray(flat @ self.rotation.T + np.array(self.middle))


def board_points(board: Board) -> NDArray[np.float64]:
    """(N, 2) metres from the board's middle, row by row."""
    points = board.object_points()[:, :2].astype(np.float64)
    return points - (points.min(axis=0) + points.max(axis=0)) / 2


def board_extent(board: Board) -> tuple[float, float]:
    """Width and height of the printed sheet, with a white margin of one square, m."""
    width, height = draw_board(board).size
    return width + 2 * board.square_m, height + 2 * board.square_m


def board_panels(board: Board, pose: BoardPose) -> list[Panel]:
    """The printed board on its backing plate, with a rod as a handle."""
    width, height = board_extent(board)
    face = Panel(
        vector(-width / 2, -height / 2, 0),
        vector(width, 0, 0),
        vector(0, height, 0),
        _face(board),
        one_sided=True,
        self_lit=True,
    )
    plate = box((width + 0.012, height + 0.012, 0.006), pictures.plain((120, 124, 128)))
    plate = moved(plate, np.eye(3), vector(0, (height + 0.012) / 2, 0.0035))
    rod = box((0.02, 0.5, 0.02), pictures.plain((70, 72, 78), (16, 64)))
    rod = moved(rod, np.eye(3), vector(0, height / 2 + 0.5, 0.012))
    return moved([face, *(panel.lit() for panel in plate + rod)], pose.rotation, np.array(pose.middle))


@lru_cache(maxsize=3)
def _face(board: Board) -> pictures.Picture:
    grey = _INK + board_image(board, _SQUARE_PX) * ((_PAPER - _INK) / 255)
    return np.repeat(np.rint(grey).astype(np.uint8)[:, :, None], 3, axis=2)


def board_poses(rig: SimulatedRig, board: Board, count: int, seed: int) -> list[BoardPose]:
    """`count` poses in which both cameras see the board: near and far, tilted all ways, all over the images.

    They see the whole of it, unless a part is enough.
    """
    rng = np.random.default_rng((seed, 47))
    # A walk over a 4 x 3 grid of the left image, so that even a few poses cover it.
    cells = [(column, row) for row in range(3) for column in range(4)]
    poses: list[BoardPose] = []
    while len(poses) < count:
        order = [cells[int(k)] for k in rng.permutation(len(cells))]
        poses += [_held_in_cell(rig, board, rng, cell) for cell in order]
    return poses[:count]


def _held_in_cell(rig: SimulatedRig, board: Board, rng: np.random.Generator, cell: tuple[int, int]) -> BoardPose:
    width, height = rig.size
    K = rig.calibration.K1
    near = K[0, 0] / rig.scale / 1400.0
    best: BoardPose | None = None
    for attempt in range(_ATTEMPTS):
        # When a cell's corner cannot be reached, the target slides towards the image's middle.
        pull = 1.0 - 0.8 * attempt / _ATTEMPTS
        u = width * (0.5 + pull * ((cell[0] + float(rng.uniform(0.0, 1.0))) / 4 - 0.5))
        v = height * (0.5 + pull * ((cell[1] + float(rng.uniform(0.0, 1.0))) / 3 - 0.5))
        depth = near * (1.0 + 1.3 * float(rng.random()) ** 1.6)
        middle = (depth * (u - K[0, 2]) / K[0, 0], depth * (v - K[1, 2]) / K[1, 1], depth)
        tilt, yaw = (float(value) for value in rng.uniform(-32, 32, 2))
        best = BoardPose(middle, (tilt, yaw, float(rng.uniform(-24, 24))))
        if _in_both_views(rig, board, best):
            return best
    raise RuntimeError(f"no pose of the board is visible in both cameras at {rig.size}")


def _in_both_views(rig: SimulatedRig, board: Board, pose: BoardPose) -> bool:
    half = (np.array(draw_board(board).size) + 1.2 * board.square_m) / 2
    share = _SEEN_SHARE if board.may_be_partial else 1.0
    outer = share * half * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    left, right = corner_positions(rig, pose, outer)
    margin = _MARGIN_SHARE * rig.size[0]
    limits = np.array(rig.size) - 1 - margin
    return bool(all(np.all(view >= margin) and np.all(view <= limits) for view in (left, right)))


def corner_positions(
    rig: SimulatedRig, pose: BoardPose, board_points: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where both raw cameras see board points (N, 2): two arrays (N, 2) px, exact."""
    c = rig.calibration
    points = pose.points(board_points)
    turn = cv2.Rodrigues(c.R)[0]
    left = cv2.projectPoints(points, np.zeros(3), np.zeros(3), c.K1, c.D1)[0]
    right = cv2.projectPoints(points, turn, c.T, c.K2, c.D2)[0]
    return np.asarray(left, np.float64).reshape(-1, 2), np.asarray(right, np.float64).reshape(-1, 2)


def between(start: BoardPose, end: BoardPose, share: float) -> BoardPose:
    """A pose on the way, slow at both ends."""
    ease = share * share * (3 - 2 * share)

    def mix(a: tuple[float, float, float], b: tuple[float, float, float]) -> tuple[float, float, float]:
        return (a[0] + ease * (b[0] - a[0]), a[1] + ease * (b[1] - a[1]), a[2] + ease * (b[2] - a[2]))

    return BoardPose(mix(start.middle, end.middle), mix(start.angles_deg, end.angles_deg))
