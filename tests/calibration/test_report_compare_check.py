"""The report as a file, comparing two calibrations, the live board check and the drift check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from depthstudio.calibration import Board, BoardView, solve_stereo
from depthstudio.calibration.check import check_board, check_drift, judge_checks
from depthstudio.calibration.compare import compare
from depthstudio.calibration.facts import RectifiedFacts, report_facts
from depthstudio.calibration.report import save_report
from depthstudio.calibration.report_summary import summary_pages
from depthstudio.errors import CalibrationError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import Rectifier, StereoCalibration

SIZE = (640, 480)
MakeViews = Callable[..., list[BoardView]]


def turned(c: StereoCalibration, degrees: float) -> StereoCalibration:
    """The same pair after its right camera was knocked upwards."""
    return replace(c, R=cv2.Rodrigues(np.array([np.radians(degrees), 0.0, 0.0]))[0] @ c.R)


def test_the_report_says_all_numbers(tmp_path: Path, board: Board, make_views: MakeViews) -> None:
    views = make_views(12)
    jump = np.random.default_rng(0).normal(0, 3, views[4].left_corners.shape)
    views[4] = BoardView(views[4].left_corners + jump, views[4].right_corners, "05")
    solution = solve_stereo(views, board, SIZE)
    grey = np.full((480, 640), 128, np.uint8)
    save_report(solution, tmp_path / "bench.html", images=(grey, grey))
    text = (tmp_path / "bench.html").read_text()
    facts = RectifiedFacts.of(Rectifier(solution.calibration))
    for fact in report_facts(solution, facts):
        assert fact.value in text
    assert text.count("data:image/png") == 4
    assert "view 05 left out" in text
    assert "at 2 m" in text
    save_report(solution, tmp_path / "bench.pdf")
    assert (tmp_path / "bench.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(CalibrationError, match="html or"):
        save_report(solution, tmp_path / "bench.doc")


def test_what_does_not_fit_on_the_first_page_of_the_pdf_goes_on_on_the_next(
    board: Board, make_views: MakeViews
) -> None:
    solution = solve_stereo(make_views(12), board, SIZE)
    (only,) = summary_pages(solution, "bench")
    warnings = tuple(f"Warning {number}: " + "the board was seen at one distance only. " * 3 for number in range(30))
    left_out = [
        replace(view, name=f"{i:02d}", used=False, reason="far off " * 9) for i, view in enumerate(solution.views)
    ]
    pages = summary_pages(replace(solution, warnings=warnings, views=(*solution.views, *left_out * 3)), "bench")
    assert len(pages) > 1
    for page in (only, *pages):
        assert page.texts
        drawn = [text.get_window_extent(FigureCanvasAgg(page).get_renderer()) for text in page.texts]
        assert min(box.y0 for box in drawn) > 0 and max(box.x1 for box in drawn) < page.bbox.x1
    written = " ".join(text.get_text() for page in pages for text in page.texts)
    assert "Warning 29" in written and "At 2 m depth" in written


def test_a_calibration_is_the_same_as_itself(rig) -> None:
    same = compare(rig.truth, rig.truth)
    assert same.max_px < 0.001
    assert same.verdict == "They are the same."


def test_a_turned_camera_is_so_many_px_off(rig) -> None:
    found = compare(rig.truth, turned(rig.truth, 0.1))
    expected_px = np.tan(np.radians(0.1)) * rig.truth.K1[0, 0]
    assert np.nanmedian(np.abs(found.row_px)) == pytest.approx(expected_px, rel=0.15)
    assert found.rotation_deg == pytest.approx(0.1, rel=0.01)
    assert found.verdict.startswith("They differ")


def test_a_longer_baseline_moves_depth_in_proportion(rig) -> None:
    found = compare(rig.truth, replace(rig.truth, T=rig.truth.T * 1.01))
    assert found.depth_mm[2.0] == pytest.approx(20, rel=0.05)
    assert found.baseline_mm == pytest.approx(1.0, rel=0.01)


def test_other_image_sizes_cannot_be_compared(rig) -> None:
    with pytest.raises(CalibrationError, match="different image sizes"):
        compare(rig.truth, replace(rig.truth, image_size=(1280, 720)))


def test_the_board_shown_again_confirms_a_good_calibration(rig, board: Board, make_views: MakeViews) -> None:
    checks = [check_board(rig.truth, view, board) for view in make_views(4, noise_px=0.05)]
    assert judge_checks(checks).word == "Still good"
    assert checks[0].scale == pytest.approx(1, abs=0.01)
    assert checks[0].flatness_mm < 2


def test_the_board_shown_again_finds_a_knocked_camera_and_a_wrong_scale(rig, board, make_views: MakeViews) -> None:
    views = make_views(3, noise_px=0.05)
    knocked = judge_checks([check_board(turned(rig.truth, 0.15), view, board) for view in views])
    assert knocked.word == "No longer good"
    assert "rows do not match" in knocked.verdict
    longer = replace(rig.truth, T=rig.truth.T * 1.05)
    scale = judge_checks([check_board(longer, view, board) for view in views])
    assert scale.word == "No longer good"
    assert "wrong scale" in scale.verdict
    assert judge_checks([]).word == "No board seen yet"


def test_drift_is_measured_from_what_a_recording_shows() -> None:
    random = np.random.default_rng(0)
    texture = cv2.GaussianBlur(random.integers(0, 255, (260, 400)).astype(np.uint8), (0, 0), 2)
    texture = cv2.normalize(texture, None, 0, 255, cv2.NORM_MINMAX)
    c = StereoCalibration.rectified_pair(300, 0.05, 160, 120, (320, 240))
    left = texture[10:250, 40:360]
    still = StereoFrame(0, 0.0, left, texture[10:250, 50:370])
    drifted = StereoFrame(0, 0.0, left, texture[12:252, 50:370])
    good = check_drift([still], c)
    assert good.finding.word == "No drift"
    assert abs(good.offset_px) < 0.05
    bad = check_drift([drifted], c)
    assert bad.offset_px == pytest.approx(2.0, abs=0.1)
    assert bad.finding.word == "Drifted"
    blank = np.full((240, 320), 90, np.uint8)
    assert check_drift([StereoFrame(0, 0.0, blank, blank)], c).finding.word == "Cannot be said"
    with pytest.raises(CalibrationError, match="no image pairs"):
        check_drift([StereoFrame(0, 0.0, left, None)], c)
