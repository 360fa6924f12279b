"""Bundle adjustment of one or two cameras over views of a board: least squares with exact derivatives.

OpenCV's calibrateCamera and stereoCalibrate solve the same problem, but neither takes two different lens models,
views with part of the board, or free and fixed parameters at will, and neither gives a covariance. Levenberg and
Marquardt's method; the views' poses are eliminated by Schur complement, so 40 views take some milliseconds a round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.errors import CalibrationError
from depthstudio.geometry.lens import Lens

Matrix = NDArray[np.float64]
Flags = NDArray[np.bool_]

_ROUNDS = 60
_TOLERANCE = 1e-6  # of the cost, in one round
_MAX_DAMPING = 1e10


class UndeterminedError(CalibrationError):
    """The views leave a parameter free to take any value."""


@dataclass(frozen=True, eq=False)
class Observation:
    """One view: board points (N, 3) in metres, and where each camera saw them, (N, 2) px; None for the only camera."""

    points: Matrix
    left: Matrix
    right: Matrix | None = None

    @property
    def images(self) -> list[Matrix]:
        """The images there are."""
        return [self.left] if self.right is None else [self.left, self.right]


@dataclass(frozen=True, eq=False)
class Adjusted:
    """lenses: of one or two cameras. rotation, translation: (3,) of the second camera against the first.

    poses: (M, 6) rotation vector and translation of each view's board in the first camera. residuals: per view, per
    camera (N, 2) px. covariance: of the free parameters in the order of `names`, one unit in px or 1 or rad or m.
    """

    lenses: tuple[Lens, ...]
    rotation: Matrix
    translation: Matrix
    poses: Matrix
    residuals: list[list[Matrix]]
    covariance: Matrix
    names: tuple[str, ...]

    @property
    def rms_px(self) -> float:
        """Root of the mean squared distance between seen and predicted corners, over all images."""
        squares = np.concatenate([(r * r).sum(axis=1) for view in self.residuals for r in view])
        return float(np.sqrt(squares.mean()))

    @property
    def view_errors_px(self) -> Matrix:
        """(M, cameras) RMS distance for each view."""
        return np.array([[np.sqrt((r * r).sum(axis=1).mean()) for r in view] for view in self.residuals])

    def deviation(self, name: str) -> float:
        """Standard deviation of a parameter by name; 0 for a fixed one, infinite for one that the views do not tell."""
        if (i := self._index(name)) is None:
            return 0.0
        variance = float(self.covariance[i, i])  # below 0 where the equations are singular but for rounding
        return float(np.sqrt(variance)) if variance >= 0 else float("inf")

    def _index(self, name: str) -> int | None:
        return self.names.index(name) if name in self.names else None


def adjust(
    views: Sequence[Observation],
    lenses: Sequence[Lens],
    poses: Matrix,
    free: Sequence[Flags],
    *,
    pose: tuple[Matrix, Matrix] | None = None,
    rounds: int = _ROUNDS,
    on_round: Callable[[], None] | None = None,
) -> Adjusted:
    """Minimise the squared reprojection error, starting from lenses, view poses (M, 6) and the second camera's pose.

    free: for each camera (4 + n,) which of fx, fy, cx, cy and D may change; the second camera's pose always may.
    rounds: at most so many; 0 only asks for residuals and covariance. on_round is called before every round and may
    raise to stop. UndeterminedError when the problem is degenerate.
    """
    problem = _Problem(views, tuple(lenses), free)
    state = _State(tuple(lenses), poses.copy(), *(pose or (np.zeros(3), np.zeros(3))))
    normal = problem.normal(state)
    damping = 1e-4
    for _ in range(rounds):
        if on_round is not None:
            on_round()
        step = normal.solve(damping)
        trial = state.moved(step, problem)
        found = problem.normal(trial) if trial is not None else None
        if found is None or not np.isfinite(found.cost) or found.cost > normal.cost:
            damping *= 10
            if damping > _MAX_DAMPING:
                break
            continue
        gain = (normal.cost - found.cost) / max(normal.cost, 1e-30)
        state, normal, damping = trial, found, max(damping / 10, 1e-12)  # type: ignore[assignment]
        if gain < _TOLERANCE:
            break
    return problem.result(state, normal)


@dataclass(frozen=True, eq=False)
class _State:
    lenses: tuple[Lens, ...]
    poses: Matrix
    rotation: Matrix
    translation: Matrix

    def moved(self, step: tuple[Matrix, Matrix], problem: _Problem) -> _State | None:
        """After a step of the shared parameters and the poses (M, 6); None when a focal length turns negative."""
        shared, poses = step
        lenses, at = [], 0
        for lens, free in zip(self.lenses, problem.free, strict=True):
            values = np.concatenate([[lens.K[0, 0], lens.K[1, 1], lens.K[0, 2], lens.K[1, 2]], lens.D])
            values[free] += shared[at : at + int(free.sum())]
            at += int(free.sum())
            fx, fy, cx, cy = values[:4]
            if min(fx, fy) <= 1:
                return None
            lenses.append(Lens(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]]), values[4:], lens.model))
        turn, shift = self.rotation, self.translation
        if len(lenses) == 2:
            turn, shift = turn + shared[at : at + 3], shift + shared[at + 3 : at + 6]
        return _State(tuple(lenses), self.poses + poses, turn, shift)


@dataclass(frozen=True, eq=False)
class _Normal:
    """Normal equations: A (s, s) shared, B (M, s, 6), C (M, 6, 6), with right sides a (s,) and c (M, 6)."""

    A: Matrix
    B: Matrix
    C: Matrix
    a: Matrix
    c: Matrix
    cost: float
    residuals: list[list[Matrix]]

    def solve(self, damping: float) -> tuple[Matrix, Matrix]:
        C = self.C + damping * np.einsum("mij,ij->mij", self.C, np.eye(6)) + 1e-12 * np.eye(6)
        BC = np.linalg.solve(C, self.B.transpose(0, 2, 1)).transpose(0, 2, 1)
        S = self.A + damping * np.diag(np.diag(self.A)) - np.einsum("msi,mti->st", BC, self.B)
        right = self.a - np.einsum("msi,mi->s", BC, self.c)
        shared = np.linalg.lstsq(S, right, rcond=None)[0] if len(right) else right
        poses = np.linalg.solve(C, (self.c - np.einsum("msi,s->mi", self.B, shared))[..., None])[..., 0]
        return shared, poses

    def reduced(self) -> Matrix:
        """The information (s, s) that is left for the shared parameters once the poses are free too."""
        BC = np.linalg.solve(self.C + 1e-12 * np.eye(6), self.B.transpose(0, 2, 1)).transpose(0, 2, 1)
        return np.asarray(self.A - np.einsum("msi,mti->st", BC, self.B))


class _Problem:
    def __init__(self, views: Sequence[Observation], lenses: tuple[Lens, ...], free: Sequence[Flags]) -> None:
        self.views = views
        self.free = [np.asarray(flags, bool) for flags in free]
        self.names: list[str] = []
        for side, lens, flags in zip(("left", "right"), lenses, self.free, strict=False):
            own = ("fx", "fy", "cx", "cy", *(f"d{i + 1}" for i in range(lens.D.size)))
            self.names += [f"{side} {name}" for name, is_free in zip(own, flags, strict=True) if is_free]
        if len(lenses) == 2:
            self.names += ["rx", "ry", "rz", "tx", "ty", "tz"]

    def normal(self, state: _State) -> _Normal:
        s, m = len(self.names), len(self.views)
        A, a = np.zeros((s, s)), np.zeros(s)
        B, C, c = np.zeros((m, s, 6)), np.zeros((m, 6, 6)), np.zeros((m, 6))
        residuals: list[list[Matrix]] = []
        cost = 0.0
        for i, view in enumerate(self.views):
            of_view = []
            for camera, seen in enumerate(view.images):
                predicted, by_shared, by_pose = self._predict(state, i, camera)
                rest = seen - predicted
                of_view.append(rest)
                r = rest.ravel()
                cost += float(r @ r)
                A += by_shared.T @ by_shared
                B[i] += by_shared.T @ by_pose
                C[i] += by_pose.T @ by_pose
                a += by_shared.T @ r
                c[i] += by_pose.T @ r
            residuals.append(of_view)
        return _Normal(A, B, C, a, c, cost, residuals)

    def _predict(self, state: _State, index: int, camera: int) -> tuple[Matrix, Matrix, Matrix]:
        lens, flags = state.lenses[camera], self.free[camera]
        turn, shift = state.poses[index, :3], state.poses[index, 3:]
        points = self.views[index].points
        by_shared = np.zeros((2 * len(points), len(self.names)))
        if camera == 0:
            predicted, by_pose, own = lens.project_with_slopes(points, turn, shift)
            by_shared[:, : int(flags.sum())] = own[:, flags]
            return predicted, by_shared, by_pose
        composed = cv2.composeRT(turn, shift, state.rotation, state.translation)
        turned, shifted, r_r1, r_t1, r_r2, r_t2, t_r1, t_t1, t_r2, t_t2 = composed
        predicted, by_camera_pose, own = lens.project_with_slopes(points, turned, shifted)
        first = int(self.free[0].sum())
        by_shared[:, first : first + int(flags.sum())] = own[:, flags]
        by_turn, by_shift = by_camera_pose[:, :3], by_camera_pose[:, 3:]
        by_shared[:, -6:-3] = by_turn @ r_r2 + by_shift @ t_r2
        by_shared[:, -3:] = by_turn @ r_t2 + by_shift @ t_t2
        by_pose = np.empty_like(by_camera_pose)
        by_pose[:, :3] = by_turn @ r_r1 + by_shift @ t_r1
        by_pose[:, 3:] = by_turn @ r_t1 + by_shift @ t_t1
        return predicted, by_shared, by_pose

    def result(self, state: _State, normal: _Normal) -> Adjusted:
        values = sum(r.size for view in normal.residuals for r in view)
        spare = max(values - len(self.names) - 6 * len(self.views), 1)
        try:
            covariance = np.linalg.inv(normal.reduced()) * normal.cost / spare
        except np.linalg.LinAlgError as error:
            raise UndeterminedError(
                "The cameras cannot be calibrated from these views.",
                "They do not determine the focal length.",
                "Tilt the board in different directions and collect again.",
            ) from error
        return Adjusted(
            state.lenses,
            state.rotation,
            state.translation,
            state.poses,
            normal.residuals,
            covariance,
            tuple(self.names),
        )
