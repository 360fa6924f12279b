"""A board as a PDF of one page at true scale, with a ruler that shows whether the printer kept it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from depthstudio.calibration.board import KIND_TITLES, Board
from depthstudio.calibration.drawing import BoardDrawing, draw_board
from depthstudio.errors import CalibrationError

PAPER_MM: dict[str, tuple[float, float]] = {
    "A4": (210.0, 297.0),
    "A3": (297.0, 420.0),
    "A2": (420.0, 594.0),
    "Letter": (215.9, 279.4),
    "Tabloid": (279.4, 431.8),
}

_MARGIN_MM = 8.0  # what common printers leave blank, and a white border for the detector
_FOOTER_MM = 14.0
_RULER_MM = 100
_POINTS_PER_MM = 72 / 25.4
_BEZIER_CIRCLE = 4 / 3 * (math.sqrt(2) - 1)


def fitting_square_mm(board: Board, paper: str) -> float:
    """The largest square in whole millimetres with which a board fits a paper; 0 when none does."""
    width_mm, height_mm = (extent / board.square_m for extent in draw_board(board).size)
    fits = [min(w / width_mm, h / height_mm) for w, h in _rooms_mm(paper)]
    return float(math.floor(max(fits) + 1e-9))


def fitted_to(board: Board, paper: str) -> Board:
    """The same board as large as the paper allows, in whole millimetres a square."""
    square_mm = fitting_square_mm(board, paper)
    if square_mm < 1:
        raise CalibrationError(f"{board} has too many squares for {paper}.", "", "Choose larger paper.")
    return replace(board, square_m=square_mm / 1000)


def board_pdf(board: Board, paper: str = "A4") -> bytes:
    """The page as PDF. The board lies upright or across, as fits; CalibrationError says what would fit when none does.

    The file tells viewers not to scale it; the ruler shows whether the printer did all the same.
    """
    drawing = draw_board(board)
    board_mm = (drawing.size[0] * 1000, drawing.size[1] * 1000)
    page_mm = next(
        (page for page, room in zip(_pages_mm(paper), _rooms_mm(paper), strict=True) if _fits(board_mm, room)), None
    )
    if page_mm is None:
        largest = fitting_square_mm(board, paper)
        raise CalibrationError(
            f"The board is {board_mm[0]:.0f} x {board_mm[1]:.0f} mm large and does not fit {paper}.",
            f"On {paper} squares of up to {largest:g} mm fit.",
            "Choose larger paper or smaller squares.",
        )
    left = (page_mm[0] - board_mm[0]) / 2
    bottom = _FOOTER_MM + (page_mm[1] - _FOOTER_MM - board_mm[1]) / 2
    content = [*_shapes(drawing, left, bottom + board_mm[1]), *_ruler(), *_words(board, paper)]
    return _pdf(page_mm, "\n".join(content))


def _pages_mm(paper: str) -> tuple[tuple[float, float], tuple[float, float]]:
    if paper not in PAPER_MM:
        raise CalibrationError(f"There is no paper '{paper}'.", f"Known: {', '.join(PAPER_MM)}.")
    width, height = PAPER_MM[paper]
    return (height, width), (width, height)


def _rooms_mm(paper: str) -> list[tuple[float, float]]:
    """The space for the board, across and upright."""
    return [(width - 2 * _MARGIN_MM, height - _MARGIN_MM - _FOOTER_MM) for width, height in _pages_mm(paper)]


def _fits(board_mm: tuple[float, float], room_mm: tuple[float, float]) -> bool:
    return all(extent <= room + 1e-6 for extent, room in zip(board_mm, room_mm, strict=True))


def _shapes(drawing: BoardDrawing, left_mm: float, top_mm: float) -> list[str]:
    """All black in one path: painted one by one, viewers would leave hairlines where shapes touch."""
    lines = ["0 g"]
    for x, y, width, height in drawing.rectangles * 1000:
        lines.append(f"{_points(left_mm + x, top_mm - y - height, width, height)} re")
    for x, y, radius in drawing.discs * 1000:
        lines += _disc(left_mm + x, top_mm - y, radius)
    return [*lines, "f"]


def _disc(x: float, y: float, radius: float) -> list[str]:
    k = radius * _BEZIER_CIRCLE
    quarter = np.array([(radius, k), (k, radius), (0.0, radius)])
    lines = [f"{_points(x + radius, y)} m"]
    for turns in range(4):
        turn = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), turns)
        lines.append(f"{_points(*(quarter @ turn.T + (x, y)).ravel())} c")
    return lines


def _ruler() -> list[str]:
    """100 mm with a mark every millimetre, drawn from the left margin."""
    y = _MARGIN_MM - 1.0
    lines = ["0.25 w 0 G", f"{_points(_MARGIN_MM, y)} m {_points(_MARGIN_MM + _RULER_MM, y)} l"]
    for mm in range(_RULER_MM + 1):
        length = 3.0 if mm % 10 == 0 else 2.0 if mm % 5 == 0 else 1.0
        lines.append(f"{_points(_MARGIN_MM + mm, y)} m {_points(_MARGIN_MM + mm, y + length)} l")
    return [*lines, "S"]


def _words(board: Board, paper: str) -> list[str]:
    unit = "mm between rows" if board.kind == "circles" else "mm squares"
    size = f"{board.columns} x {board.rows} {board.point_name}, {board.square_m * 1000:g} {unit}"
    details = f", {board.dictionary}, markers {board.square_m * board.marker_share * 1000:g} mm" * (
        board.kind == "charuco"
    )
    texts = (
        (_MARGIN_MM, 3.6, 7, f"{_RULER_MM} mm. Print at 100 % (actual size) on {paper}, then measure this ruler."),
        (_MARGIN_MM + _RULER_MM + 6, _MARGIN_MM - 0.6, 8, f"{KIND_TITLES[board.kind]}: {size}{details}"),
        (_MARGIN_MM + _RULER_MM + 6, 3.6, 7, "Glue it to something flat and stiff. DepthStudio"),
    )
    return [f"BT /F1 {points} Tf {_points(x, y)} Td ({_escaped(text)}) Tj ET" for x, y, points, text in texts]


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _points(*values_mm: float) -> str:
    return " ".join(f"{value * _POINTS_PER_MM:.4f}" for value in values_mm)


def _pdf(page_mm: tuple[float, float], content: str) -> bytes:
    """A minimal PDF 1.6 of one page (ISO 32000-1): five objects, their offsets, a trailer."""
    width, height = (value * _POINTS_PER_MM for value in page_mm)
    stream = content.encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.4f} {height:.4f}] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>".encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out = bytearray(b"%PDF-1.6\n")
    offsets = []
    for number, one in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
