"""How accurate calibrations are: published sets of real pairs where they are at hand, and the simulated hybrid rig."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from depthstudio.calibration.board import Board
from depthstudio.calibration.camera import solve_camera
from depthstudio.calibration.collector import ViewCollector, collect
from depthstudio.calibration.corner_files import load_corners
from depthstudio.calibration.detection import detect_board
from depthstudio.calibration.pairs import find_pairs, load_views, read_grey
from depthstudio.calibration.solution import CalibrationSolution
from depthstudio.calibration.solve import solve_stereo
from depthstudio.calibration.views import BoardView
from depthstudio.errors import CalibrationError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import Rectifier, StereoCalibration

_CLASSIC = cv2.CALIB_CB_ADAPTIVE_THRESH | cv2.CALIB_CB_NORMALIZE_IMAGE
_REFINED = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 0.01)
SIMULATED_VIEWS = 25
SIMULATED_BOARD = Board(9, 6, 0.025)


@dataclass(frozen=True)
class Measured:
    """One line: what was to be reached, what came out. reached is None for a number without a limit."""

    set_name: str
    what: str
    limit: str
    value: str
    reached: bool | None = None

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self) | {"reached": None if self.reached is None else bool(self.reached)}


def real_sets(folder: Path) -> Iterator[Measured]:
    """The published sets below a folder, as far as they are there."""
    for name, measure in (
        ("opencv_leftright", _bouguet),
        ("sourishg_1", _small_pair),
        ("calibrs_stereo_corners", _swapped),
        ("d435_rgb_mono_01binary", _poor),
    ):
        if (folder / name).is_dir():
            yield from measure(folder / name)


def _bouguet(folder: Path) -> Iterator[Measured]:
    name, board = folder.name, Board(9, 6, 0.030)
    loaded = load_views(folder, board)
    solution = solve_stereo(loaded.views, board, loaded.left_size, loaded.right_size)
    c = solution.calibration
    yield _at_most(name, "stereo RMS", solution.rms_px, 0.30)
    baseline_mm = c.baseline_m * 1000
    off = baseline_mm / 99.81 - 1
    yield Measured(name, "|T|", "99.81 mm ± 0.5 %", f"{baseline_mm:.2f} mm ({off:+.2%})", abs(off) <= 0.005)
    for side, focal_px, published in (("left", c.K1[0, 0], 533.5), ("right", c.K2[0, 0], 536.8)):
        off = focal_px / published - 1
        yield Measured(name, f"f {side}", f"{published} px ± 1 %", f"{focal_px:.1f} px ({off:+.2%})", abs(off) <= 0.01)
    held_out = solution.held_out.mean_px if solution.held_out is not None else math.nan
    yield _at_most(name, "rows apart, held-out mean", held_out, 0.15)
    view = next(view for view in solution.views if view.name == "02")
    said = (
        f"dropped: {view.reason}"
        if not view.used
        else f"kept: both detectors together find it to {view.error_px:.2f} px"
    )
    yield Measured(name, "view 02, this program's detection", "", said)
    classic = solve_stereo(list(_classic_views(folder, board)), board, loaded.left_size)
    view = next(view for view in classic.views if view.name == "02")
    yield Measured(
        name,
        "view 02, classic detector alone",
        "rejected and named",
        f"rejected: {view.reason}" if not view.used else f"kept, {view.error_px:.2f} px",
        not view.used,
    )


def _classic_views(folder: Path, board: Board) -> Iterator[BoardView]:
    """Corners as OpenCV's classic detector gives them with a wide refinement, which view 02 does not survive."""
    for pair in find_pairs(folder):
        corners = []
        for path in (pair.left, pair.right):
            grey = read_grey(path)
            found, raw = cv2.findChessboardCorners(grey, (board.columns, board.rows), flags=_CLASSIC)
            if found:
                refined = cv2.cornerSubPix(grey, np.asarray(raw, np.float32), (11, 11), (-1, -1), _REFINED)
                corners.append(np.asarray(refined, np.float32).reshape(-1, 2))
        if len(corners) == 2:
            yield BoardView(corners[0], corners[1], pair.name)


def _small_pair(folder: Path) -> Iterator[Measured]:
    board = Board(9, 6, 0.02423)
    loaded = load_views(folder, board)
    solution = solve_stereo(loaded.views, board, loaded.left_size, loaded.right_size)
    baseline_mm = solution.calibration.baseline_m * 1000
    within = abs(baseline_mm - 94.0) <= 0.2
    yield Measured(folder.name, "baseline", "94.0 ± 0.2 mm", f"{baseline_mm:.2f} mm", within)
    yield _at_most(folder.name, "stereo RMS", solution.rms_px, 0.26)
    yield _held_out(folder.name, solution)


def _swapped(folder: Path) -> Iterator[Measured]:
    loaded, board = load_corners(folder / "stereo_linear.json", (1024, 576))
    try:
        solution = solve_stereo(loaded.views, board, loaded.left_size, loaded.right_size)
        said = solution.verdict
    except CalibrationError as error:
        said = error.what
    yield Measured(folder.name, "as it is labelled", "the swap is said", said, "swapped" in said)
    views = [view.swapped() for view in loaded.views]
    solution = solve_stereo(views, board, loaded.right_size, loaded.left_size)
    off = solution.calibration.baseline_m * 1000 / 189.851 - 1
    yield Measured(
        folder.name, "exchanged: |T|", "", f"{solution.calibration.baseline_m * 1000:.2f} mm ({off:+.2%} of published)"
    )
    yield Measured(folder.name, "exchanged: stereo RMS", "", f"{solution.rms_px:.3f} px")


def _poor(folder: Path) -> Iterator[Measured]:
    board = Board(9, 6, 0.025)
    images = [read_grey(path) for path in sorted(folder.glob("frame*.jpg"))]
    found = [one for one in (detect_board(image, board) for image in images) if one is not None]
    size = images[0].shape[1], images[0].shape[0]
    camera = solve_camera([one.corners for one in found], board, size, ids=[one.ids for one in found])
    yield Measured(folder.name, "verdict", "poor, with the reason", camera.verdict, camera.quality == "poor")


def simulated_rig(
    frames: Iterable[StereoFrame],
    truth: StereoCalibration,
    *,
    board: Board = SIMULATED_BOARD,
    views: int = SIMULATED_VIEWS,
    progress: Callable[[str], None] | None = None,
) -> Iterator[Measured]:
    """Collect views by themselves from frames of a rig that is known exactly, solve, and compare with the truth."""
    name = "simulated hybrid rig"
    collector = ViewCollector(board, require_still=False)
    for offer in collect(frames, collector, views):
        if progress is not None:
            progress(f"{len(collector.collected)} of {views} views; {offer.reason}")
    if collector.left_size is None:
        raise CalibrationError("The simulated rig delivered no frames.")
    began, began_cpu = time.perf_counter(), time.process_time()
    solution = solve_stereo(collector.views, board, collector.left_size, collector.right_size)
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    c = solution.calibration
    yield Measured(name, "views taken by themselves", "", f"{len(collector.collected)}")
    for side, found, true in (("left", c.K1, truth.K1), ("right", c.K2, truth.K2)):
        off = found[0, 0] / true[0, 0] - 1
        yield Measured(name, f"f {side}", "within 0.2 %", f"{found[0, 0]:.2f} px ({off:+.3%})", abs(off) <= 0.002)
    off_mm = (np.abs(c.T[0]) - np.abs(truth.T[0])) * 1000
    yield Measured(
        name,
        "baseline along x",
        f"{abs(truth.T[0]) * 1000:.1f} ± 0.2 mm",
        f"{abs(c.T[0]) * 1000:.2f} mm ({off_mm:+.2f})",
        abs(off_mm) <= 0.2,
    )
    angle_deg = float(np.degrees(np.linalg.norm(cv2.Rodrigues(c.R @ truth.R.T)[0])))
    yield Measured(name, "rotation", "within 0.05°", f"{angle_deg:.4f}° off", angle_deg <= 0.05)
    share = depth_error(c, truth, 2.0)
    yield Measured(name, "depth at 2 m, median", "below 0.5 %", f"{share:.3%}", share < 0.005)
    said_mm = solution.uncertainty.depth_mm[2.0]
    yield Measured(name, "depth at 2 m, as the report says", "", f"± {said_mm:.1f} mm ({said_mm / 2000:.3%})")
    yield _held_out(name, solution)
    yield Measured(name, "stereo RMS", "", f"{solution.rms_px:.3f} px")
    yield Measured(name, "lenses", "", ", ".join(camera.lens for camera in solution.cameras))
    yield Measured(name, "time to solve", "", f"{seconds:.1f} s ({cpu_seconds:.1f} s of CPU)")


def depth_error(found: StereoCalibration, truth: StereoCalibration, z_m: float) -> float:
    """Median over the shared view of |Z / Z true - 1|, for points z_m in front of the left camera."""
    width, height = truth.image_size or (640, 480)
    x, y = np.meshgrid(np.linspace(20, width - 20, 24), np.linspace(20, height - 20, 18))
    pixels = np.column_stack([x.ravel(), y.ravel()])
    points = np.column_stack([truth.left.undistort(pixels), np.ones(len(pixels))]) * z_m
    right = truth.right.project(points, cv2.Rodrigues(truth.R)[0], truth.T)
    right_width, right_height = truth.right_image_size or (width, height)
    seen = (right.min(axis=1) > 0) & (right[:, 0] < right_width - 1) & (right[:, 1] < right_height - 1)
    rectifier = Rectifier(found)
    disparity = (rectifier.rectify_left_points(pixels) - rectifier.rectify_right_points(right))[seen, 0]
    depth_m = rectifier.geometry.focal_baseline / (disparity + rectifier.geometry.disparity_shift_px)
    true_m = (points[seen] @ rectifier.R1.T)[:, 2]
    return float(np.median(np.abs(depth_m / true_m - 1)))


def solving_time(views: int = 40) -> Measured:
    """A solve of many views, all that the window asks for, on this machine."""
    board = Board(9, 6, 0.025)
    truth = StereoCalibration(
        np.array([[600.0, 0, 325], [0, 601, 236], [0, 0, 1]]),
        np.array([-0.15, 0.06, 0.0008, -0.0005, 0]),
        np.array([[560.0, 0, 315], [0, 559, 247], [0, 0, 1]]),
        np.array([-0.25, 0.09, 0, 0.0007, 0]),
        np.asarray(cv2.Rodrigues(np.array([0.01, 0.04, -0.015]))[0], np.float64),
        np.array([-0.1, 0.001, 0.002]),
        image_size=(640, 480),
    )
    seen = list(_random_views(truth, board, views))
    began, began_cpu = time.perf_counter(), time.process_time()
    solve_stereo(seen, board, (640, 480))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    value = f"{seconds:.1f} s ({cpu_seconds:.1f} s of CPU)"
    return Measured(f"{views} views of 54 corners", "time to solve", "within 5 s", value, seconds <= 5)


def _random_views(truth: StereoCalibration, board: Board, count: int) -> Iterator[BoardView]:
    random = np.random.default_rng(0)
    points = board.object_points().astype(np.float64)
    turn_between = cv2.Rodrigues(truth.R)[0]
    made = 0
    while made < count:
        R = cv2.Rodrigues(np.radians(random.uniform(-30, 30, 3)))[0]
        z = random.uniform(0.4, 0.8)
        centre = np.array([random.uniform(-0.3, 0.38) * z, random.uniform(-0.25, 0.25) * z, z])
        world = (points - points.mean(axis=0)) @ R.T + centre
        left = truth.left.project(world, np.zeros(3), np.zeros(3))
        right = truth.right.project(world, turn_between, truth.T)
        both = np.concatenate([left, right])
        if both.min() > 2 and np.all(both.max(axis=0) < (638, 478)):
            made += 1
            noisy = [(seen + random.normal(0, 0.1, seen.shape)).astype(np.float32) for seen in (left, right)]
            yield BoardView(noisy[0], noisy[1], f"{made:02d}")


def _held_out(name: str, solution: CalibrationSolution) -> Measured:
    held = solution.held_out
    value = f"{held.mean_px:.3f} px, 95 % below {held.percentile95_px:.3f}" if held is not None else "too few views"
    return Measured(name, "rows apart, held-out", "", value)


def _at_most(name: str, what: str, value_px: float, limit_px: float) -> Measured:
    return Measured(name, what, f"at most {limit_px:.2f} px", f"{value_px:.3f} px", value_px <= limit_px)
