"""Drawing a board: its black shapes in metres, and a picture of it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board
from depthstudio.calibration.charuco import charuco_board

_OVERSAMPLING = 4


@dataclass(frozen=True)
class BoardDrawing:
    """What is black on white paper. Metres from the pattern's upper left corner, x right, y down.

    size: (width, height) of the pattern. origin: where the board's first point lies. rectangles: (N, 4) x, y, width,
    height; discs: (N, 3) x, y, radius.
    """

    size: tuple[float, float]
    origin: tuple[float, float]
    rectangles: NDArray[np.float64]
    discs: NDArray[np.float64]


def draw_board(board: Board) -> BoardDrawing:
    """The shapes of a board. Its first inner square is black, so that detection and print agree which way is up."""
    if board.kind == "circles":
        return _circles(board)
    side, across, down = board.square_m, board.columns + 1, board.rows + 1
    squares = [(x * side, y * side, side, side) for y in range(down) for x in range(across) if (x + y) % 2 == 0]
    if board.kind == "charuco":
        squares += _markers(board)
    return BoardDrawing((across * side, down * side), (side, side), np.array(squares), np.zeros((0, 3)))


def board_image(board: Board, px_per_square: int, margin_squares: float = 1.0) -> NDArray[np.uint8]:
    """(H, W) uint8, 0 black and 255 white, with smooth edges and a white margin."""
    drawing = draw_board(board)
    scale = px_per_square * _OVERSAMPLING / board.square_m
    margin = margin_squares * board.square_m
    width, height = ((extent + 2 * margin) / board.square_m * px_per_square for extent in drawing.size)
    canvas = np.full((round(height) * _OVERSAMPLING, round(width) * _OVERSAMPLING), 255, np.uint8)
    for x, y, w, h in (drawing.rectangles + np.array([margin, margin, 0, 0])) * scale:
        canvas[round(y) : round(y + h), round(x) : round(x + w)] = 0
    for x, y, radius in (drawing.discs + np.array([margin, margin, 0])) * scale:
        centre = (round((x - 0.5) * 256), round((y - 0.5) * 256))  # pixel centres lie at integers
        cv2.circle(canvas, centre, round(radius * 256), 0, cv2.FILLED, cv2.LINE_AA, shift=8)
    return np.asarray(cv2.resize(canvas, (round(width), round(height)), interpolation=cv2.INTER_AREA), np.uint8)


def _circles(board: Board) -> BoardDrawing:
    radius = board.square_m / 2
    points = board.object_points()[:, :2].astype(np.float64)
    width, height = points.max(axis=0) + 2 * radius
    discs = np.column_stack([points + radius, np.full(len(points), radius)])
    return BoardDrawing((float(width), float(height)), (radius, radius), np.zeros((0, 4)), discs)


def _markers(board: Board) -> list[tuple[float, float, float, float]]:
    """Runs of black cells of every marker; each row of a marker as few rectangles as possible."""
    layout = charuco_board(board)
    dictionary = layout.getDictionary()
    cells = dictionary.markerSize + 2  # with its border of one cell
    cell_m = board.square_m * board.marker_share / cells
    found = []
    for number, outline in zip(np.ravel(layout.getIds()), layout.getObjPoints(), strict=True):
        left, top = np.asarray(outline)[:, :2].min(axis=0)
        black = cv2.aruco.generateImageMarker(dictionary, int(number), cells, borderBits=1) == 0
        for row, values in enumerate(black):
            edges = np.flatnonzero(np.diff(np.concatenate([[False], values, [False]]).astype(np.int8)))
            for start, end in edges.reshape(-1, 2):
                found.append((left + start * cell_m, top + row * cell_m, (end - start) * cell_m, cell_m))
    return found
