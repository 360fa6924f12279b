"""Which frame of a loop is shown when."""

from __future__ import annotations

from depthstudio.cameras.simulated.stage import MOVES_PER_POSE

_HOLD_S = 0.8
_MOVE_S = 0.5


def there_and_back(number: int, ready: int) -> int:
    """0, 1, .. ready - 1, ready - 2, .. 1, 0, 1 ..: a loop of which only the first `ready` frames are there."""
    if ready < 2:
        return 0
    place = number % (2 * ready - 2)
    return min(place, 2 * ready - 2 - place)


def whole_poses(ready: int) -> int:
    """Of a board's loop whose first `ready` frames are there, how many to show: a power of two of whole poses.

    It grows seldom, because each time the loop begins elsewhere and the board jumps out of a hold.
    """
    poses = ready // (1 + MOVES_PER_POSE)
    return (1 + MOVES_PER_POSE) << (poses.bit_length() - 1) if poses else 1


def held_frames(number: int, count: int, fps: float) -> int:
    """The board's loop: every pose is held for a moment, the frames between two poses share a shorter one."""
    hold = max(round(_HOLD_S * fps), 1)
    move = max(round(_MOVE_S * fps / MOVES_PER_POSE), 1)
    per_pose = hold + MOVES_PER_POSE * move
    stop, tick = divmod(number, per_pose)
    part = 0 if tick < hold else 1 + (tick - hold) // move
    return (stop * (1 + MOVES_PER_POSE) + part) % count
