"""Printed boards: true to scale, complete, and found again in a scan of the page."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.calibration import Board, detect_board
from depthstudio.calibration.library import read_board, save_board, saved_boards
from depthstudio.calibration.printing import board_pdf, fitted_to, fitting_square_mm
from depthstudio.errors import CalibrationError
from depthstudio.resources import resource_path

MM = 72 / 25.4
BOARDS = (Board(9, 6, 0.025), Board(9, 6, 0.025, "charuco"), Board(4, 11, 0.02, "circles"))


def rectangles_mm(pdf: bytes) -> np.ndarray:
    found = re.findall(rb"^([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re$", pdf, re.MULTILINE)
    return np.array(found, float) / MM


def test_squares_and_ruler_have_the_size_they_say() -> None:
    pdf = board_pdf(Board(9, 6, 0.025), "A4")
    squares = rectangles_mm(pdf)
    assert len(squares) == 35
    np.testing.assert_allclose(squares[:, 2:], 25.0, atol=1e-3)
    np.testing.assert_allclose(np.ptp(squares[:, 0]), 9 * 25.0, atol=1e-3)
    ruler = re.search(rb"G\n([\d.]+) [\d.]+ m ([\d.]+) [\d.]+ l", pdf)
    assert ruler is not None
    assert (float(ruler[2]) - float(ruler[1])) / MM == pytest.approx(100, abs=1e-3)
    page = re.search(rb"MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert page is not None
    assert [float(value) / MM for value in page.groups()] == pytest.approx([297, 210], abs=1e-3)
    assert b"/PrintScaling /None" in pdf


def test_the_offsets_of_the_file_point_at_its_objects() -> None:
    pdf = board_pdf(BOARDS[1])
    for number, offset in enumerate(re.findall(rb"^(\d{10}) 00000 n", pdf, re.MULTILINE), start=1):
        assert pdf[int(offset) :].startswith(b"%d 0 obj" % number)
    start = int(re.findall(rb"startxref\n(\d+)", pdf)[0])
    assert pdf[start:].startswith(b"xref")


@pytest.mark.skipif(shutil.which("gs") is None, reason="needs Ghostscript")
@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("paper", ["A4", "Letter", "A3"])
def test_a_scan_of_the_page_shows_the_board_at_true_scale(board: Board, paper: str, tmp_path: Path) -> None:
    board = fitted_to(board, paper)
    (tmp_path / "board.pdf").write_bytes(board_pdf(board, paper))
    options = "-q -dNOPAUSE -dBATCH -sDEVICE=pnggray -r100 -dGraphicsAlphaBits=4 -sOutputFile=page.png board.pdf"
    subprocess.run(["gs", *options.split()], cwd=tmp_path, check=True, timeout=60)
    found = detect_board(cv2.imread(str(tmp_path / "page.png"), cv2.IMREAD_GRAYSCALE), board)
    assert found is not None
    assert len(found) == board.corner_count
    drawn_px = board.object_points()[:, :2] * 1000 * 100 / 25.4
    offset = found.corners - drawn_px
    assert np.abs(offset - offset.mean(axis=0)).max() < 0.25


def test_a_board_too_large_for_the_paper_is_refused_with_what_fits() -> None:
    with pytest.raises(CalibrationError, match=r"400 x 280 mm .* does not fit A4.*up to 26 mm"):
        board_pdf(Board(9, 6, 0.04), "A4")
    assert fitting_square_mm(Board(9, 6, 0.04), "A4") == 26
    assert board_pdf(fitted_to(Board(9, 6, 0.04), "A4"), "A4")
    with pytest.raises(CalibrationError, match="no paper 'A9'"):
        board_pdf(Board(9, 6, 0.01), "A9")


def test_shipped_boards_are_what_the_program_draws_today() -> None:
    files = sorted(resource_path("boards").glob("*.pdf"))
    assert len(files) >= 6
    for path in files:
        kind, size, square, paper = path.stem.split("-")
        board = Board.parse(size, float(square.removesuffix("mm")), kind)  # type: ignore[arg-type]
        assert path.read_bytes() == board_pdf(board, paper), path.name


def test_boards_are_saved_by_name(tmp_path: Path) -> None:
    assert saved_boards(tmp_path / "absent") == {}
    for i, board in enumerate(BOARDS):
        save_board(tmp_path, f"board {i}", board)
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "other.json").write_text("[1]")
    assert list(saved_boards(tmp_path).values()) == list(BOARDS)
    assert read_board(save_board(tmp_path, "a/b: c", BOARDS[0])) == BOARDS[0]
    with pytest.raises(CalibrationError, match="needs a name"):
        save_board(tmp_path, " / ", BOARDS[0])
