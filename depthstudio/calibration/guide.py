"""What to show next: how far the views collected so far determine a calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.coverage import LITTLE_COVERAGE
from depthstudio.calibration.pose import TILT_SECTORS, BoardPose

Counts = NDArray[np.int32]

_TILT_DEG = 12.0
_SECTORS_NEEDED = 6  # of 8: the others follow from their neighbours
_DISTANCE_RATIO = 1.3
_SKEW_RANGE_DEG = 8.0
_COVERAGE_BETTER = 0.6
_PLACES = (
    ("upper left corner", "upper edge", "upper right corner"),
    ("left edge", "centre", "right edge"),
    ("lower left corner", "lower edge", "lower right corner"),
)


@dataclass(frozen=True)
class Progress:
    """Shares from 0 to 1 of what is needed: image areas covered, tilt directions, distances and skews shown.

    left_coverage, right_coverage: shares of the images' grid cells that held a corner. sectors: of 8 directions of
    tilt, those shown. views: of the fewest that are any good.
    """

    left_area: float
    right_area: float
    tilt: float
    distance: float
    skew: float
    views: float
    left_coverage: float
    right_coverage: float
    sectors: frozenset[str]

    @property
    def is_enough(self) -> bool:
        """True when every bar is full."""
        return min(self.left_area, self.right_area, self.tilt, self.distance, self.skew, self.views) >= 1.0


def measure(poses: Sequence[BoardPose], left_counts: Counts, right_counts: Counts, min_views: int) -> Progress:
    """Progress of the views with these poses in the left image and these coverage counts."""
    left, right = float((left_counts > 0).mean()), float((right_counts > 0).mean())
    # The board must be in both images, so the image of the wider lens can never be covered in full.
    left_goal, right_goal = (_COVERAGE_BETTER, LITTLE_COVERAGE)[:: 1 if left >= right else -1]
    sizes = [pose.size for pose in poses]
    skews = [pose.skew_deg for pose in poses]
    ratio = max(sizes) / min(sizes) if sizes else 1.0
    sectors = frozenset(pose.tilt_sector for pose in poses if pose.tilt_deg >= _TILT_DEG)
    return Progress(
        left_area=min(1.0, left / left_goal),
        right_area=min(1.0, right / right_goal),
        tilt=min(1.0, len(sectors) / _SECTORS_NEEDED),
        distance=min(1.0, (ratio - 1.0) / (_DISTANCE_RATIO - 1.0)),
        skew=min(1.0, float(np.ptp(skews)) / _SKEW_RANGE_DEG) if skews else 0.0,
        views=min(1.0, len(poses) / min_views),
        left_coverage=left,
        right_coverage=right,
        sectors=sectors,
    )


def instruction(poses: Sequence[BoardPose], counts: tuple[Counts, Counts], progress: Progress) -> str:
    """One sentence for the person who holds the board: where to hold it, and how."""
    if not poses:
        return "Show the board to both cameras and hold it still."
    if progress.is_enough:
        return "Enough views: solve the calibration."
    where, how = _where(counts, progress), _how(poses, progress)
    if where and how:
        return f"{how}, {where}."
    if where:
        return f"Move the board to the {where}."
    return f"{how}." if how else "Show the board in a few more positions."


def _where(counts: tuple[Counts, Counts], progress: Progress) -> str:
    if min(progress.left_area, progress.right_area) >= 1.0:
        return ""
    side = 0 if progress.left_area <= progress.right_area else 1
    return f"{_emptiest_place(counts[side])} of the {('left', 'right')[side]} image"


def _how(poses: Sequence[BoardPose], progress: Progress) -> str:
    if progress.tilt < 1.0:
        return f"Tilt the {_widest_gap(progress.sectors)} towards the camera"
    if progress.distance < 1.0:
        middle = float(np.median([pose.size for pose in poses]))
        return "Bring the board closer" if middle < 0.45 else "Hold the board farther away"
    if progress.skew < 1.0:
        return "Turn the tilted board by 45 degrees in its plane"
    return ""


def _widest_gap(shown: frozenset[str]) -> str:
    """The tilt direction farthest from those shown; whole sides before corners."""

    def distance(i: int) -> int:
        return min((min((i - k) % 8, (k - i) % 8) for k in range(8) if TILT_SECTORS[k] in shown), default=4)

    order = [6, 2, 4, 0, 5, 7, 1, 3]  # top first: the easiest tilt to understand
    return TILT_SECTORS[max(order, key=lambda i: (distance(i), -order.index(i)))]


def _emptiest_place(counts: Counts) -> str:
    """The place, of nine, with the smallest share of cells covered; corners before edges before the centre."""
    rows, columns = counts.shape
    shares = []
    for row in range(3):
        for column in range(3):
            cells = counts[row * rows // 3 : (row + 1) * rows // 3, column * columns // 3 : (column + 1) * columns // 3]
            to_centre = (row == 1) + (column == 1)
            shares.append(((cells > 0).mean(), to_centre, row, column))
    _, _, row, column = min(shares)
    return _PLACES[row][column]
