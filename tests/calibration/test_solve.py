"""Solving: what comes out of exactly known rigs, and what is said about bad views."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.calibration import BoardView, CalibrationStopped, SolveOptions, solve_camera, solve_stereo
from depthstudio.calibration.lens_kinds import lens_folds
from depthstudio.cancel import CancelToken
from depthstudio.errors import CalibrationError
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.geometry.lens import Lens

SIZE = (640, 480)


def angle_deg(A: np.ndarray, B: np.ndarray) -> float:
    return float(np.degrees(np.linalg.norm(cv2.Rodrigues(A @ B.T)[0])))


def shifted(view: BoardView, by_px: float) -> BoardView:
    """A view whose right corners jumped, as a bad detection does."""
    jump = np.random.default_rng(3).normal(0, by_px, view.right_corners.shape)
    return BoardView(view.left_corners, view.right_corners + jump, view.name)


def test_a_known_rig_is_recovered(board, rig, make_views) -> None:
    solution = solve_stereo(make_views(25, noise_px=0.1), board, SIZE)
    found, truth = solution.calibration, rig.truth
    assert found.K1[0, 0] == pytest.approx(600, rel=0.002)
    assert found.K2[0, 0] == pytest.approx(560, rel=0.002)
    assert found.baseline_m == pytest.approx(truth.baseline_m, abs=0.0002)
    assert angle_deg(found.R, truth.R) < 0.05
    assert solution.rms_px == pytest.approx(0.1 * np.sqrt(2), rel=0.1)
    assert solution.vertical_error_px < 0.15
    assert solution.held_out is not None
    assert solution.held_out.mean_px < 0.15
    assert solution.outliers == ()
    assert solution.quality == "good", solution.warnings
    depth = np.full((480, 640), 2.0, np.float32)
    ratio = Rectifier(found).label_disparity(depth) / Rectifier(truth).label_disparity(depth)
    assert abs(np.nanmedian(ratio) - 1) < 0.005


def test_without_noise_the_answer_is_exact(board, rig, make_views) -> None:
    solution = solve_stereo(make_views(15, noise_px=0.0), board, SIZE)
    assert solution.rms_px < 0.001
    assert solution.calibration.baseline_m == pytest.approx(rig.truth.baseline_m, rel=1e-5)
    np.testing.assert_allclose(solution.calibration.D2, rig.truth.D2, atol=1e-3)


def test_the_file_knows_how_it_was_made(board, make_views, tmp_path: Path) -> None:
    solution = solve_stereo(make_views(12), board, SIZE)
    solution.calibration.save(tmp_path / "c.npz")
    kept = StereoCalibration.load(tmp_path / "c.npz")
    assert kept.image_size == SIZE
    assert kept.right_image_size is None
    assert kept.rms_px == pytest.approx(solution.rms_px)
    assert kept.board == {"kind": "chessboard", "columns": 9, "rows": 6, "square_m": 0.025}
    assert kept.date is not None
    assert set(kept.extra["per_view_errors_px"]) == {f"{i:02d}" for i in range(1, 13)}


def test_outliers_are_named_dropped_and_do_no_harm(board, rig, make_views) -> None:
    views = make_views(16)
    views[4], views[9] = shifted(views[4], 1.5), shifted(views[9], 4.0)
    solution = solve_stereo(views, board, SIZE)
    assert set(solution.outliers) == {"05", "10"}
    assert solution.rms_all_px > 0.5
    assert solution.rms_px < 0.2
    assert solution.per_view_errors_px["10"] > 1.0
    assert solution.calibration.K1[0, 0] == pytest.approx(600, rel=0.004)
    assert solution.calibration.extra["outliers"] == ["05", "10"]
    kept = solve_stereo(views, board, SIZE, options=SolveOptions(drop_outliers=False))
    assert kept.outliers == ()
    assert kept.rms_px == pytest.approx(solution.rms_all_px, rel=0.05)
    assert kept.quality != "good"


def test_a_view_counted_from_the_wrong_end_is_an_outlier(board, make_views) -> None:
    views = make_views(14)
    views[2] = BoardView(views[2].left_corners, views[2].right_corners[::-1], views[2].name)
    assert solve_stereo(views, board, SIZE).outliers == ("03",)


def test_even_noise_drops_nothing(board, make_views) -> None:
    for noise_px in (0.05, 0.3, 0.8):
        assert solve_stereo(make_views(20, noise_px), board, SIZE).outliers == ()


@pytest.mark.parametrize("count", [3, 4, 6])
def test_few_views_are_enough_but_not_trusted(board, rig, make_views, count: int) -> None:
    solution = solve_stereo(make_views(count, noise_px=0.05), board, SIZE)
    assert solution.calibration.baseline_m == pytest.approx(rig.truth.baseline_m, rel=0.03)
    assert any(f"Only {count} views" in warning for warning in solution.warnings)
    assert solution.held_out is None


def test_two_views_are_not_enough(board, make_views) -> None:
    with pytest.raises(CalibrationError, match="2 views are not enough"):
        solve_stereo(make_views(2), board, SIZE)


def test_swapped_cameras_are_noticed_and_said(board, make_views) -> None:
    swapped = [BoardView(view.right_corners, view.left_corners, view.name) for view in make_views(12)]
    with pytest.raises(CalibrationError, match="Left and right are swapped"):
        solve_stereo(swapped, board, SIZE)


def test_cameras_above_each_other_are_refused(board, make_views, rig_with) -> None:
    with pytest.raises(CalibrationError, match="side by side"):
        solve_stereo(make_views(10, of=rig_with(T=(0.002, -0.06, 0.0))), board, SIZE)


def test_too_little_tilt_is_said(board, make_views) -> None:
    solution = solve_stereo(make_views(15, noise_px=0.05, tilt_deg=6), board, SIZE)
    assert any("tilt" in warning for warning in solution.warnings)
    assert solution.quality != "good"


def test_views_without_any_tilt_are_refused_with_the_reason(board, make_views) -> None:
    with pytest.raises(CalibrationError, match="hardly tilted"):
        solve_stereo(make_views(15, noise_px=0.3, tilt_deg=0), board, SIZE)


def test_noisy_corners_are_called_poor(board, make_views) -> None:
    solution = solve_stereo(make_views(20, noise_px=1.5), board, SIZE)
    assert solution.quality == "poor"
    assert solution.verdict.startswith("Poor: corners fit to 2.")
    assert any("stereo error of 2." in warning for warning in solution.warnings)


def test_a_wrong_square_size_shows_in_the_baseline(make_views, board) -> None:
    from depthstudio.calibration import Board

    solution = solve_stereo(make_views(12), Board(9, 6, 0.001), SIZE)
    assert any("size of the squares" in warning for warning in solution.warnings)


def test_corners_outside_the_image_are_refused(board, make_views) -> None:
    with pytest.raises(CalibrationError, match="outside a 320x240 px image"):
        solve_stereo(make_views(8), board, (320, 240))


def test_another_board_than_the_views_is_refused(make_views) -> None:
    from depthstudio.calibration import Board

    with pytest.raises(CalibrationError, match="has 54 corners, the board 35"):
        solve_stereo(make_views(5), Board(7, 5, 0.025), SIZE)


def test_a_right_camera_of_another_resolution(board, rig, make_views) -> None:
    doubled = [BoardView(v.left_corners, (v.right_corners + 0.5) * 2 - 0.5, v.name) for v in make_views(16)]
    solution = solve_stereo(doubled, board, SIZE, (1280, 960))
    assert solution.calibration.right_image_size == (1280, 960)
    assert solution.calibration.K2[0, 0] == pytest.approx(1120, rel=0.003)
    assert solution.calibration.baseline_m == pytest.approx(rig.truth.baseline_m, rel=0.003)
    assert solution.vertical_error_px < 0.2


def test_progress_is_told_and_stopping_works(board, make_views) -> None:
    told: list[tuple[float, str]] = []
    views = make_views(10)
    solve_stereo(views, board, SIZE, progress=lambda share, doing: told.append((share, doing)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)

    token = CancelToken()
    with pytest.raises(CalibrationStopped):
        solve_stereo(views, board, SIZE, progress=lambda *_: token.cancel(), cancel=token)


def test_one_camera_alone(board, make_views) -> None:
    camera = solve_camera([view.left_corners for view in make_views(15)], board, SIZE)
    assert camera.K[0, 0] == pytest.approx(600, rel=0.004)
    assert camera.quality == "good"
    assert camera.focal_deviation_px < 3
    assert camera.tilts_deg.max() > 15


@pytest.mark.parametrize(
    ("D", "folds"), [([-0.3, 0.1, 0, 0, 0], False), ([0.03, 0.73, 0, 0, -3.2], True), ([0] * 5, False)]
)
def test_a_lens_model_that_folds_over_inside_the_image_is_noticed(D: list[float], folds: bool) -> None:
    K = np.array([[592.0, 0, 314], [0, 595, 253], [0, 0, 1]])
    assert lens_folds(Lens(K, np.array(D, float)), SIZE) is folds
