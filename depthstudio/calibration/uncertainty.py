"""How well a calibration is known, and what that means for depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.adjust import Adjusted
from depthstudio.calibration.camera import CameraSolution
from depthstudio.geometry.lens import Lens

Matrix = NDArray[np.float64]

DISTANCES_M = (0.5, 1.0, 2.0, 4.0)
_PLACES = ((0.5, 0.5), (0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))


@dataclass(frozen=True)
class Uncertainty:
    """One standard deviation each, as the corners' noise leaves it; it knows nothing of a bent board or a wrong square.

    left_focal_px .. right_centre_px: of fx and of the principal point. rotation_deg, baseline_mm: of the pose.
    depth_mm: distance in metres to the error of depth there, from the calibration alone: RMS over five places of the
    image.
    """

    left_focal_px: float
    right_focal_px: float
    left_centre_px: float
    right_centre_px: float
    rotation_deg: float
    baseline_mm: float
    depth_mm: dict[float, float]


def uncertainty(
    pair: Adjusted, cameras: tuple[CameraSolution, CameraSolution], image_size: tuple[int, int]
) -> Uncertainty:
    """From the pair's solution with its full covariance. Depth by a linear propagation through triangulation."""
    T = pair.translation
    by_t = np.array([T / np.linalg.norm(T)])
    of_t = [pair.names.index(name) for name in ("tx", "ty", "tz")]
    of_r = [pair.names.index(name) for name in ("rx", "ry", "rz")]
    baseline_m2 = float((by_t @ pair.covariance[np.ix_(of_t, of_t)] @ by_t.T)[0, 0])
    turn2 = float(np.trace(pair.covariance[np.ix_(of_r, of_r)]))
    centres = [
        float(np.hypot(pair.deviation(f"{side} cx"), pair.deviation(f"{side} cy"))) for side in ("left", "right")
    ]
    return Uncertainty(
        left_focal_px=pair.deviation("left fx"),
        right_focal_px=pair.deviation("right fx"),
        left_centre_px=centres[0],
        right_centre_px=centres[1],
        rotation_deg=float(np.degrees(np.sqrt(max(turn2, 0.0)))),
        baseline_mm=float(np.sqrt(max(baseline_m2, 0.0)) * 1000),
        depth_mm=depth_deviations_mm(pair, [camera.free for camera in cameras], image_size),
    )


def depth_deviations_mm(
    pair: Adjusted,
    free: Sequence[NDArray[np.bool_]],
    image_size: tuple[int, int],
    distances_m: Sequence[float] = DISTANCES_M,
) -> dict[float, float]:
    """Standard deviation of depth at each distance: J C J^T, J being the slopes of triangulated depth."""
    values = [_values(lens)[flags] for lens, flags in zip(pair.lenses, free, strict=True)]
    start = np.concatenate([*values, pair.rotation, pair.translation])
    pixels = np.array(_PLACES) * (np.array(image_size) - 1)
    rays = np.column_stack([pair.lenses[0].undistort(pixels), np.ones(len(pixels))])
    points = np.concatenate([rays * z for z in distances_m])
    seen_left = pair.lenses[0].project(points, np.zeros(3), np.zeros(3))
    seen_right = pair.lenses[1].project(points, pair.rotation, pair.translation)

    def depth(parameters: Matrix) -> Matrix:
        lenses, at = [], 0
        for lens, flags in zip(pair.lenses, free, strict=True):
            own = _values(lens)
            count = int(np.sum(flags))
            own[flags] = parameters[at : at + count]
            at += count
            lenses.append(_lens(own, lens))
        return _triangulated_z(lenses, parameters[at : at + 3], parameters[at + 3 :], seen_left, seen_right)

    slopes = np.empty((len(points), len(start)))
    for i, value in enumerate(start):
        step = 1e-5 * max(1.0, abs(value))
        moved = start.copy()
        moved[i] = value + step
        more = depth(moved)
        moved[i] = value - step
        slopes[:, i] = (more - depth(moved)) / (2 * step)
    variance = np.einsum("pi,ij,pj->p", slopes, pair.covariance, slopes).reshape(len(distances_m), -1)
    root = np.sqrt(np.maximum(variance, 0).mean(axis=1)) * 1000
    return {float(z): float(mm) for z, mm in zip(distances_m, root, strict=True)}


def _values(lens: Lens) -> Matrix:
    return np.concatenate([[lens.K[0, 0], lens.K[1, 1], lens.K[0, 2], lens.K[1, 2]], lens.D])


def _lens(values: Matrix, like: Lens) -> Lens:
    fx, fy, cx, cy = values[:4]
    return Lens(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]), values[4:], like.model)


def _triangulated_z(
    lenses: Sequence[Lens], rotation: Matrix, translation: Matrix, left: Matrix, right: Matrix
) -> Matrix:
    """Depth in the left camera where both rays come nearest to each other along the baseline's direction."""
    R = np.asarray(cv2.Rodrigues(rotation)[0], np.float64)
    a = np.column_stack([lenses[0].undistort(left), np.ones(len(left))])
    b = np.column_stack([lenses[1].undistort(right), np.ones(len(right))]) @ R  # rays of the right camera, turned back
    centre = -R.T @ translation
    # z a = centre + s b, by least squares for z and s
    aa, ab, bb = (a * a).sum(axis=1), (a * b).sum(axis=1), (b * b).sum(axis=1)
    ac, bc = a @ centre, b @ centre
    return np.asarray((ac * bb - bc * ab) / (aa * bb - ab * ab))
