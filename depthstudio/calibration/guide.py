"""What to show next: how far the views collected so far determine a calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.coverage import LITTLE_COVERAGE
from depthstudio.calibration.pose import TILT_DIRECTIONS, BoardPose

_TILT_DEG = 12.0
_DISTANCE_RATIO = 1.3
_COVERAGE_BETTER = 0.6
_PLACES = (
    ("upper left corner", "upper edge", "upper right corner"),
    ("left edge", "centre", "right edge"),
    ("lower left corner", "lower edge", "lower right corner"),
)


@dataclass(frozen=True)
class Progress:
    """Bars from 0 to 1: views taken, image area covered, tilt directions shown, distances shown. All at 1 is enough.

    left_coverage, right_coverage: shares of the images' grid cells that held a corner.
    """

    views: float
    area: float
    tilt: float
    distance: float
    left_coverage: float
    right_coverage: float

    @property
    def is_enough(self) -> bool:
        """True when every bar is full."""
        return min(self.views, self.area, self.tilt, self.distance) >= 1.0


def measure(
    poses: Sequence[BoardPose], left_counts: NDArray[np.int32], right_counts: NDArray[np.int32], min_views: int
) -> Progress:
    """Progress of the views with these poses in the left image and these coverage counts."""
    left, right = float((left_counts > 0).mean()), float((right_counts > 0).mean())
    worse, better = sorted((left, right))
    sizes = [pose.size for pose in poses]
    ratio = max(sizes) / min(sizes) if sizes else 1.0
    return Progress(
        views=min(1.0, len(poses) / min_views),
        area=min(1.0, better / _COVERAGE_BETTER, worse / LITTLE_COVERAGE),
        tilt=len(_tilts_shown(poses)) / len(TILT_DIRECTIONS),
        distance=min(1.0, (ratio - 1.0) / (_DISTANCE_RATIO - 1.0)),
        left_coverage=left,
        right_coverage=right,
    )


def instruction(poses: Sequence[BoardPose], left_counts: NDArray[np.int32], progress: Progress) -> str:
    """One sentence for the person who holds the board."""
    if not poses:
        return "Show the whole board to both cameras and hold it still."
    if progress.is_enough:
        return "Enough views: solve the calibration."
    if progress.area < 1.0:
        return f"Move the board to the {_emptiest_place(left_counts)} of the left image."
    missing = [side for side in TILT_DIRECTIONS if side not in _tilts_shown(poses)]
    if missing:
        return f"Tilt the {missing[-1]} of the board towards the cameras."
    if progress.distance < 1.0:
        middle = float(np.median([pose.size for pose in poses]))
        return "Bring the board closer." if middle < 0.45 else "Hold the board farther away."
    return "Show the board in a few more positions."


def _tilts_shown(poses: Sequence[BoardPose]) -> set[str]:
    return {pose.nearest_side for pose in poses if pose.tilt_deg >= _TILT_DEG}


def _emptiest_place(counts: NDArray[np.int32]) -> str:
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
