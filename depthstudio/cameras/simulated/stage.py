"""Stage: which panels stand where, and where the camera is, for every frame of a scene's loop."""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np

from depthstudio.calibration.board import Board
from depthstudio.cameras.simulated import pictures
from depthstudio.cameras.simulated.board_poses import BOARDS, BoardPose, between, board_panels, board_poses
from depthstudio.cameras.simulated.panels import Panel, Vector, turned_y, vector
from depthstudio.cameras.simulated.rig import SimulatedRig, simulated_rig
from depthstudio.cameras.simulated.room import furnished_room
from depthstudio.cameras.simulated.settings import SimulatedSettings
from depthstudio.cameras.simulated.staging import CameraPose, look_at

# A person holds the board still, then takes this many images' time to the next pose.
MOVES_PER_POSE = 4
_STILL = CameraPose(np.eye(3), np.zeros(3))


class Stage:
    """One scene of one seed. Frames are numbered 0 .. settings.frame_count - 1 and close to a loop."""

    def __init__(self, settings: SimulatedSettings) -> None:
        self.settings = settings
        self.rig: SimulatedRig = simulated_rig(settings.rig, settings.size)

    @property
    def is_static(self) -> bool:
        """True when all frames show the same."""
        return self.settings.scene == "wall"

    @cached_property
    def background(self) -> list[Panel]:
        """What never moves."""
        settings = self.settings
        if settings.scene == "wall":
            return [flat_wall(settings.seed, settings.distance_m, settings.tilt_deg)]
        return furnished_room(settings.seed, clear_desk=settings.scene == "board")

    def moving(self, index: int) -> list[Panel]:
        """What is elsewhere in every frame: the board."""
        return board_panels(self.board, self.board_pose(index)) if self.settings.scene == "board" else []

    def camera(self, index: int) -> CameraPose:
        """Pose of the raw left camera."""
        if self.settings.scene != "desk":
            return _STILL
        return camera_path(self.settings.seed, index / self.settings.frame_count)

    @property
    def board(self) -> Board:
        """What is held in the board scene."""
        return BOARDS[self.settings.board]

    def board_pose(self, index: int) -> BoardPose:
        """Where the board is held in a frame of the board scene."""
        stop, part = divmod(index, self._frames_per_pose)
        here = self._poses[stop % len(self._poses)]
        return between(here, self._poses[(stop + 1) % len(self._poses)], part / self._frames_per_pose)

    @property
    def _frames_per_pose(self) -> int:
        return 1 + MOVES_PER_POSE if self.settings.realtime else 1

    @cached_property
    def _poses(self) -> list[BoardPose]:
        count = -(-self.settings.frame_count // self._frames_per_pose)
        return board_poses(self.rig, self.board, count, self.settings.seed)


def camera_path(seed: int, phase: float) -> CameraPose:
    """A slow closed path of a hand-held rig: phase 0..1 is once around."""
    rng = np.random.default_rng((seed, 23))
    sway = rng.uniform((0.11, 0.03, 0.05), (0.17, 0.055, 0.1)) * rng.choice([-1.0, 1.0], 3)
    shift = rng.uniform(0, 2 * np.pi, 3)
    turn = 2 * np.pi * phase
    position = sway * np.array([np.sin(turn + shift[0]), np.sin(2 * turn + shift[1]), np.sin(turn + shift[2])])
    target = vector(0.06, 0.22, 1.45) + 0.07 * np.array(
        [np.sin(turn + shift[1]), 0.5 * np.sin(turn + shift[0]), np.sin(2 * turn + shift[2])]
    )
    return look_at(position, target, 1.5 * float(np.sin(turn + shift[0])))


def flat_wall(seed: int, distance_m: float, tilt_deg: float) -> Panel:
    """A terrazzo wall through the point at `distance_m` on the left camera's axis, turned about the vertical.

    Its stones grow with the distance, so that it looks and matches the same everywhere.
    """
    extent = 1.9 * distance_m
    turn: Vector = turned_y(tilt_deg)
    across, down = turn @ vector(extent, 0, 0), vector(0, extent, 0)
    # Mirrored beyond its borders, far enough for the wide camera and a steep tilt.
    outline = 0.5 + 4.0 * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    return Panel(vector(0, 0, distance_m) - 0.5 * (across + down), across, down, _terrazzo(seed), outline)


@lru_cache(maxsize=1)
def _terrazzo(seed: int) -> pictures.Picture:
    return pictures.terrazzo(np.random.default_rng((seed, 31)), (1280, 1280), 4200)
