"""Checking a calibration in force: with the board shown again, or with what recordings happen to show."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board
from depthstudio.calibration.detected import to_grey
from depthstudio.calibration.solution import VerticalError
from depthstudio.calibration.views import BoardView
from depthstudio.cancel import CancelToken
from depthstudio.errors import CalibrationError
from depthstudio.frames import Image, StereoFrame
from depthstudio.geometry import Rectifier, StereoCalibration

Matrix = NDArray[np.float64]

GOOD_PX, POOR_PX = 0.35, 0.8
GOOD_SCALE, POOR_SCALE = 0.01, 0.03
_MIN_MATCHES = 60
_MAX_ROWS_PX = 20.0
_RATIO = 0.7


@dataclass(frozen=True, eq=False)
class BoardCheck:
    """One view of the board measured with a calibration.

    left, right: rectified corners (N, 2) px. signed_px: (N,) left row minus right row. scale: measured over true
    distances on the board, 1 when depth is true to scale. flatness_mm: RMS distance of the triangulated corners
    from their plane. distance_m: of the board's middle.
    """

    left: Matrix
    right: Matrix
    signed_px: Matrix
    scale: float
    flatness_mm: float
    distance_m: float

    @property
    def vertical(self) -> VerticalError:
        """How many rows apart."""
        rows = np.abs(self.signed_px)
        return VerticalError(float(rows.mean()), float(np.percentile(rows, 95)))


@dataclass(frozen=True)
class Finding:
    """A judgement: tone is good, warning or bad; verdict is one or two sentences."""

    tone: str
    word: str
    verdict: str


def check_board(calibration: StereoCalibration, view: BoardView, board: Board) -> BoardCheck:
    """Triangulate the board's corners as depth would be computed and compare with the board."""
    rectifier = Rectifier(calibration)
    g = rectifier.geometry
    left, right = rectifier.rectify_left_points(view.left_corners), rectifier.rectify_right_points(view.right_corners)
    disparity = left[:, 0] - right[:, 0] + g.disparity_shift_px
    if np.any(disparity <= 0):
        raise CalibrationError(
            "The board comes out behind the cameras.",
            "Left and right are swapped, or it is another pair's calibration.",
        )
    z = g.focal_baseline / disparity
    points = np.column_stack([(left[:, 0] - g.cx) * z / g.focal_px, (left[:, 1] - g.cy) * z / g.focal_px, z])
    true = view.object_points(board).astype(np.float64)
    # Similarity of the two point sets (Umeyama 1991): its scale is what depth is wrong by.
    a, b = true - true.mean(axis=0), points - points.mean(axis=0)
    scale = float(np.linalg.svd(b.T @ a)[1].sum() / (a * a).sum())
    normal = np.linalg.svd(b, full_matrices=False)[2][2]
    flatness_mm = float(np.sqrt(((b @ normal) ** 2).mean()) * 1000)
    return BoardCheck(left, right, left[:, 1] - right[:, 1], scale, flatness_mm, float(z.mean()))


def judge_checks(checks: Iterable[BoardCheck]) -> Finding:
    """What one or more views of the board say about the calibration."""
    seen = list(checks)
    if not seen:
        return Finding("", "No board seen yet", "Show the board to both cameras and hold it still.")
    rows = np.concatenate([np.abs(check.signed_px) for check in seen])
    mean_px, p95_px = float(rows.mean()), float(np.percentile(rows, 95))
    scale_off = float(np.median([check.scale for check in seen])) - 1
    numbers = (
        f"Rows match to {mean_px:.2f} px (95 % below {p95_px:.2f}), and distances on the board are "
        f"{scale_off * 100:+.2f} % off."
    )
    if mean_px >= POOR_PX or abs(scale_off) >= POOR_SCALE:
        what = "rows do not match" if mean_px >= POOR_PX else "depth has the wrong scale"
        return Finding("bad", "No longer good", f"{numbers} The calibration does not fit these cameras: {what}.")
    if mean_px >= GOOD_PX or abs(scale_off) >= GOOD_SCALE:
        return Finding("warning", "Has drifted", f"{numbers} Calibrate again before the next training set.")
    return Finding("good", "Still good", numbers)


@dataclass(frozen=True, eq=False)
class DriftCheck:
    """Rows apart of matched features. points: (N, 2) rectified left px; signed_px: (N,); frames: how many were used."""

    points: Matrix
    signed_px: Matrix
    frames: int

    @property
    def median_px(self) -> float:
        """Typical distance, whatever its direction."""
        return float(np.median(np.abs(self.signed_px))) if len(self.signed_px) else float("nan")

    @property
    def offset_px(self) -> float:
        """Systematic part: 0 when the rows only scatter by the noise of matching."""
        return float(np.median(self.signed_px)) if len(self.signed_px) else float("nan")

    @property
    def finding(self) -> Finding:
        """Verdict in words."""
        count = len(self.signed_px)
        if count < _MIN_MATCHES:
            return Finding(
                "", "Cannot be said", f"Only {count} points could be matched: record a scene with more texture."
            )
        numbers = (
            f"{count} points of {self.frames} frames: rows {self.offset_px:+.2f} px off, "
            f"typically {self.median_px:.2f} px."
        )
        tilt = self._trend()
        worst = max(abs(self.offset_px), tilt)
        if worst >= POOR_PX:
            return Finding("bad", "Drifted", f"{numbers} Calibrate again; labels of this recording are doubtful.")
        if worst >= GOOD_PX:
            return Finding("warning", "Beginning to drift", f"{numbers} Up to {worst:.2f} px at the image's edge.")
        return Finding("good", "No drift", numbers)

    def _trend(self) -> float:
        """The largest error at the edge of the seen area by a plane through the errors, in absolute px."""
        xy = self.points - self.points.mean(axis=0)
        reach = np.abs(xy).max(axis=0).clip(1)
        basis = np.column_stack([np.ones(len(xy)), xy / reach])
        plane = np.linalg.lstsq(basis, self.signed_px, rcond=None)[0]
        return float(abs(plane[0]) + abs(plane[1:]).max())


def check_drift(
    frames: Iterable[StereoFrame],
    calibration: StereoCalibration,
    progress: Callable[[str], None] | None = None,
    cancel: CancelToken | None = None,
) -> DriftCheck:
    """Match features (SIFT, ratio test both ways) between the rectified images of each frame and measure their rows.

    CalibrationError when no frame has two images of the calibration's size.
    """
    points, signed, used = [], [], 0
    rectifier: Rectifier | None = None
    for frame in frames:
        if cancel is not None and cancel.is_cancelled:
            break
        if frame.right is None:
            continue
        rectifier = rectifier or Rectifier(calibration, calibration.image_size or frame.size)
        left, right = rectifier.rectify_left(frame.left), rectifier.rectify_right(frame.right)
        at, apart = matched_rows(left, right)
        points.append(at)
        signed.append(apart)
        used += 1
        if progress is not None:
            progress(f"frame {used}")
    if not used:
        raise CalibrationError("This recording has no image pairs.", "", "Choose a recording of two cameras.")
    return DriftCheck(np.concatenate(points), np.concatenate(signed), used)


def matched_rows(left: Image, right: Image) -> tuple[Matrix, Matrix]:
    """Positions (N, 2) in the left rectified image and how many rows their matches are apart, (N,) px.

    Matches more than 20 rows apart, or to the right of where they were, are taken for wrong.
    """
    finder = cv2.SIFT.create(nfeatures=1500)
    found = [finder.detectAndCompute(to_grey(image), None) for image in (left, right)]
    (keys1, words1), (keys2, words2) = found
    if words1 is None or words2 is None or len(keys1) < 2 or len(keys2) < 2:
        return np.zeros((0, 2)), np.zeros(0)
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    forward = _clear(matcher.knnMatch(words1, words2, k=2))
    backward = _clear(matcher.knnMatch(words2, words1, k=2))
    pairs = [(i, j) for i, j in forward.items() if backward.get(j) == i]
    if not pairs:
        return np.zeros((0, 2)), np.zeros(0)
    a = np.array([keys1[i].pt for i, _ in pairs], np.float64)
    b = np.array([keys2[j].pt for _, j in pairs], np.float64)
    apart = a[:, 1] - b[:, 1]
    likely = (np.abs(apart) < _MAX_ROWS_PX) & (a[:, 0] - b[:, 0] > -2)
    spread = 1.4826 * float(np.median(np.abs(apart[likely] - np.median(apart[likely])))) if likely.any() else 0.0
    if likely.any():
        likely &= np.abs(apart - np.median(apart[likely])) < max(5 * spread, 1.0)
    return a[likely], apart[likely]


def _clear(matches: Iterable[Iterable[cv2.DMatch]]) -> dict[int, int]:
    clear = {}
    for candidates in matches:
        pair = list(candidates)
        if len(pair) == 2 and pair[0].distance < _RATIO * pair[1].distance:
            clear[pair[0].queryIdx] = pair[0].trainIdx
    return clear
