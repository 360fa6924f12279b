"""Filling holes of a disparity map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fill_from_farther(disparity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fill NaN with the smaller of the next values to the left and right in the row, as occlusions want it.

    Rows without any value take the nearest row that has one; an image without any becomes 0.
    """
    known = np.isfinite(disparity)
    filled = np.fmin(_last_known(disparity, known), _last_known(disparity[:, ::-1], known[:, ::-1])[:, ::-1])
    empty = ~known.any(axis=1)
    if empty.all():
        return np.zeros_like(disparity)
    if empty.any():
        rows = np.flatnonzero(~empty)
        nearest = rows[np.abs(np.flatnonzero(empty)[:, None] - rows).argmin(axis=1)]
        filled[empty] = filled[nearest]
    return np.asarray(filled, np.float32)


def _last_known(disparity: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Each pixel's own value or the last one to its left; NaN before the first."""
    columns = np.where(known, np.arange(disparity.shape[1]), -1)
    latest = np.maximum.accumulate(columns, axis=1)
    values = np.take_along_axis(disparity, np.maximum(latest, 0), axis=1)
    return np.where(latest >= 0, values, np.float32(np.nan))
