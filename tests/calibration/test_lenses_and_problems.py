"""Lens models, given intrinsics, uncertainty, and the names of what can go wrong with a pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from depthstudio.calibration import Board, BoardView, SolveOptions, solve_camera, solve_stereo
from depthstudio.calibration import camera as camera_module
from depthstudio.calibration.adjust import Adjusted, UndeterminedError
from depthstudio.errors import CalibrationError
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.geometry.lens import Lens

SIZE = (640, 480)
MakeViews = Callable[..., list[BoardView]]


def seen_by(lens: Lens, board: Board, count: int, noise_px: float = 0.05, seed: int = 0) -> list[np.ndarray]:
    """Corners of boards all over the image of a lens."""
    random = np.random.default_rng(seed)
    found = []
    while len(found) < count:
        turn = np.radians(random.uniform(-35, 35, 3))
        z = random.uniform(0.15, 0.35)
        centre = np.array([random.uniform(-1, 1) * z, random.uniform(-0.7, 0.7) * z, z])
        R = cv2.Rodrigues(turn)[0]
        points = board.object_points().astype(float)
        corners = lens.project(points, turn, centre - R @ points.mean(axis=0))
        in_front = (points @ R.T + centre)[:, 2].min() > 0.05
        if in_front and corners.min() > 5 and np.all(corners.max(axis=0) < np.array(SIZE) - 5):
            found.append(corners + random.normal(0, noise_px, corners.shape))
    return found


def test_the_solution_is_that_of_opencv(board: Board, make_views: MakeViews) -> None:
    corners = [view.left_corners for view in make_views(15)]
    ours = solve_camera(corners, board, SIZE, "brown")
    points, images = [board.object_points()] * 15, [one.reshape(-1, 1, 2) for one in corners]
    flags = 0 if ours.free[8] else cv2.CALIB_FIX_K3
    theirs = cv2.calibrateCameraExtended(points, images, SIZE, np.eye(3), np.zeros(5), flags=flags)
    assert ours.rms_px == pytest.approx(theirs[0], rel=1e-4)
    assert ours.K[0, 0] == pytest.approx(theirs[1][0, 0], abs=0.05)
    assert ours.focal_deviation_px == pytest.approx(float(np.ravel(theirs[5])[0]), rel=0.02)


def test_a_fisheye_is_recognised_and_solved(board: Board) -> None:
    truth = Lens(
        np.array([[260.0, 0, 325], [0, 261, 236], [0, 0, 1]]), np.array([-0.03, 0.006, -0.004, 0.0008]), "fisheye"
    )
    camera = solve_camera(seen_by(truth, board, 18), board, SIZE)
    assert camera.kind == "fisheye"
    assert camera.K[0, 0] == pytest.approx(260, rel=0.005)
    assert camera.rms_px < 0.1
    assert camera.trials[0].kind == "brown"


def test_an_ordinary_lens_stays_ordinary(board: Board, make_views: MakeViews) -> None:
    solution = solve_stereo(make_views(16), board, SIZE)
    assert [camera.lens for camera in solution.cameras] == ["brown", "brown"]
    assert solution.calibration.extra["lenses"] == ["brown", "brown"]


def test_no_distortion_is_recognised(board: Board, make_views: MakeViews, pinhole_rig) -> None:
    solution = solve_stereo(make_views(16, of=pinhole_rig), board, SIZE)
    assert solution.cameras[0].lens == "none"
    assert not np.any(solution.calibration.D1)


@pytest.mark.parametrize("lens", ["none", "brown", "rational", "fisheye"])
def test_every_lens_can_be_asked_for(board: Board, make_views: MakeViews, lens) -> None:
    solution = solve_stereo(make_views(12), board, SIZE, options=SolveOptions(lens=lens, refine=False))
    assert solution.cameras[1].lens == lens
    assert Rectifier(solution.calibration).geometry.baseline_m == pytest.approx(0.1, rel=0.03)


def test_given_intrinsics_are_kept(board: Board, rig, make_views: MakeViews) -> None:
    options = SolveOptions(factory=rig.truth, fix_left=True)
    solution = solve_stereo(make_views(14), board, SIZE, options=options)
    np.testing.assert_array_equal(solution.calibration.K1, rig.truth.K1)
    np.testing.assert_array_equal(solution.calibration.D1, rig.truth.D1)
    assert not np.array_equal(solution.calibration.K2, rig.truth.K2)
    assert [camera.was_given for camera in solution.cameras] == [True, False]
    assert solution.uncertainty.left_focal_px == 0
    assert solution.calibration.baseline_m == pytest.approx(rig.truth.baseline_m, abs=0.0002)


def test_intrinsics_of_another_resolution_are_refused(board: Board, rig, make_views: MakeViews) -> None:
    other = replace(rig.truth, image_size=(1280, 720))
    with pytest.raises(CalibrationError, match="1280x720"):
        solve_stereo(make_views(8), board, SIZE, options=SolveOptions(factory=other, fix_left=True))
    with pytest.raises(CalibrationError, match="no factory intrinsics"):
        solve_stereo(make_views(8), board, SIZE, options=SolveOptions(fix_right=True))


def test_a_part_of_the_board_is_enough(board: Board, rig, make_views: MakeViews) -> None:
    random = np.random.default_rng(4)
    parts = []
    for view in make_views(16):
        ids = np.sort(random.choice(board.corner_count, 30, replace=False))
        parts.append(BoardView(view.left_corners[ids], view.right_corners[ids], view.name, ids))
    solution = solve_stereo(parts, board, SIZE)
    assert solution.calibration.baseline_m == pytest.approx(rig.truth.baseline_m, rel=0.005)


def test_what_is_said_of_depth_is_what_depth_does(board: Board, rig, make_views: MakeViews) -> None:
    """Solved again and again with other noise, depth at 2 m scatters as the first solution said it would."""
    found, said = [], []
    for seed in range(6):
        views = []
        for i, view in enumerate(make_views(14, noise_px=0.0)):
            random = np.random.default_rng(1000 * seed + i)
            views.append(
                BoardView(
                    *(c + random.normal(0, 0.15, c.shape) for c in (view.left_corners, view.right_corners)), view.name
                )
            )
        solution = solve_stereo(views, board, SIZE, options=SolveOptions(lens="brown", refine=True))
        c = solution.calibration
        point = np.array([[0.0, 0.0, 2.0]])
        left = rig.truth.left.project(point, np.zeros(3), np.zeros(3))
        right = rig.truth.right.project(point, cv2.Rodrigues(rig.truth.R)[0], rig.truth.T)
        rectifier = Rectifier(c)
        disparity = rectifier.rectify_left_points(left)[0, 0] - rectifier.rectify_right_points(right)[0, 0]
        found.append(rectifier.geometry.focal_baseline / disparity * 1000)
        said.append(solution.uncertainty.depth_mm[2.0])
    assert 0.3 < np.std(found) / np.median(said) < 2.0
    depths = solution.uncertainty.depth_mm
    assert list(depths) == [0.5, 1.0, 2.0, 4.0]
    assert depths[4.0] > depths[1.0]


def test_a_wrong_square_size_is_named_from_the_factory_s_baseline(make_views: MakeViews, rig) -> None:
    solution = solve_stereo(make_views(10), Board(9, 6, 0.030), SIZE, options=SolveOptions(factory=rig.truth))
    assert any("the squares are probably 2" in warning for warning in solution.warnings)


def test_a_mirrored_image_is_named(board: Board, make_views: MakeViews) -> None:
    views = []
    for view in make_views(12):
        grid = view.right_corners.reshape(board.rows, board.columns, 2)[:, ::-1]  # counted right-handed in the mirror
        views.append(BoardView(view.left_corners, grid.reshape(-1, 2) * [-1, 1] + [SIZE[0] - 1, 0], view.name))
    with pytest.raises(CalibrationError, match="right image is mirrored"):
        said = solve_stereo(views, board, SIZE)
        raise CalibrationError(" ".join(said.warnings))  # solvable by chance: then it must be in the warnings


def test_a_camera_that_moved_is_named_with_the_view(board: Board, make_views: MakeViews, rig_with) -> None:
    before = make_views(20)
    moved = rig_with()
    c = moved.truth
    moved.truth = replace(c, R=cv2.Rodrigues(np.array([0.01, 0.0, 0.0]))[0] @ c.R)
    after = make_views(20, of=moved)
    solution = solve_stereo([*before[:11], *after[11:]], board, SIZE)
    found = [warning for warning in solution.warnings if "moved against each other" in warning]
    assert found
    assert "view 11" in found[0]
    assert "view 12" in found[0]
    assert solution.quality != "good"


def test_images_of_different_moments_are_named(board: Board, make_views: MakeViews) -> None:
    random = np.random.default_rng(1)
    views = []
    for view in make_views(16):
        drift = random.normal(0, 3.0, 2).astype(np.float32)  # the board moved between the two exposures
        views.append(BoardView(view.left_corners, view.right_corners + drift, view.name))
    solution = solve_stereo(views, board, SIZE)
    assert any("not taken at the same moment" in warning for warning in solution.warnings)


def test_mixed_resolutions_are_named(board: Board, make_views: MakeViews) -> None:
    views = make_views(10)
    views[3] = BoardView(views[3].left_corners * 2, views[3].right_corners * 2, "04")
    with pytest.raises(CalibrationError, match=r"mixed resolutions: 04"):
        solve_stereo(views, board, SIZE)


def test_a_dropped_view_comes_with_the_reason(board: Board, make_views: MakeViews) -> None:
    views = make_views(14)
    jump = np.random.default_rng(3).normal(0, 3.0, views[5].left_corners.shape)
    views[5] = BoardView(views[5].left_corners + jump, views[5].right_corners, "06")
    shift = np.array([4.0, 0.0], np.float32)
    views[8] = BoardView(views[8].left_corners, views[8].right_corners + shift, "09")
    solution = solve_stereo(views, board, SIZE)
    reasons = {view.name: view.reason for view in solution.views if not view.used}
    assert "the left image" in reasons["06"]
    assert "not the same moment" in reasons["09"]


def test_a_file_keeps_the_fisheye(tmp_path, board: Board, make_views: MakeViews) -> None:
    solution = solve_stereo(make_views(10), board, SIZE, options=SolveOptions(lens=("brown", "fisheye"), refine=False))
    solution.calibration.save(tmp_path / "c.npz")
    assert StereoCalibration.load(tmp_path / "c.npz").lens2 == "fisheye"


def test_a_kind_of_lens_that_the_views_leave_open_is_no_candidate(
    board: Board, make_views: MakeViews, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = camera_module.fit

    def only_brown(views, kind, *args, **options):
        if kind != "brown":
            raise UndeterminedError("The cameras cannot be calibrated from these views.")
        return fit(views, kind, *args, **options)

    monkeypatch.setattr(camera_module, "fit", only_brown)
    solved = solve_camera([view.left_corners for view in make_views(9)], board, SIZE)
    assert solved.kind == "brown"
    assert [trial.kind for trial in solved.trials] == ["brown"]


def test_a_parameter_that_the_views_do_not_tell_is_infinitely_unsure() -> None:
    lens = Lens(np.eye(3), np.zeros(5))
    none = np.zeros(3)
    adjusted = Adjusted((lens,), none, none, np.zeros((0, 6)), [], np.array([[-1e-12]]), ("left fx",))
    assert adjusted.deviation("left fx") == float("inf")
    assert adjusted.deviation("left cx") == 0.0
