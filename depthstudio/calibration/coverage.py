"""Which parts of an image the board has been seen in."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.detected import Corners

GRID_COLUMNS = 8
GRID_ROWS = 6

# The board must be in both images, so the image of the wider lens can never be covered in full.
LITTLE_COVERAGE = 0.25


def coverage_counts(corners_of_views: Iterable[Corners], image_size: tuple[int, int]) -> NDArray[np.int32]:
    """In how many views each cell of a (GRID_ROWS, GRID_COLUMNS) grid over the image held a corner."""
    counts = np.zeros((GRID_ROWS, GRID_COLUMNS), np.int32)
    scale = np.array([GRID_COLUMNS, GRID_ROWS]) / np.array(image_size)
    for corners in corners_of_views:
        column, row = np.floor(np.asarray(corners).reshape(-1, 2) * scale).astype(int).T
        seen = np.zeros_like(counts)
        seen[row.clip(0, GRID_ROWS - 1), column.clip(0, GRID_COLUMNS - 1)] = 1
        counts += seen
    return counts


def coverage(corners_of_views: Iterable[Corners], image_size: tuple[int, int]) -> NDArray[np.bool_]:
    """Cells of the grid that held a corner in any view; its mean is the share covered."""
    return coverage_counts(corners_of_views, image_size) > 0
