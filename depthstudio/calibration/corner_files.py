"""Views from a file of corners that somebody else detected, without images."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from depthstudio.calibration.board import Board
from depthstudio.calibration.detected import Detection
from depthstudio.calibration.pairs import LoadedViews, SkippedPair
from depthstudio.calibration.views import BoardView, matched_view
from depthstudio.errors import CalibrationError


def find_corner_file(folder: Path) -> Path | None:
    """The one .json file in a folder that holds views; None when there is none or several."""
    found = [path for path in folder.glob("*.json") if _holds_views(path)] if folder.is_dir() else []
    return found[0] if len(found) == 1 else None


def load_corners(
    path: Path, image_size: tuple[int, int] | None = None, board: Board | None = None
) -> tuple[LoadedViews, Board]:
    """Views and board of a JSON file: ``{"board": {"cols", "rows", "square_size" in mm}, "views": [...]}``.

    Each view is ``{"view_index", "left": {"corners": [[column, row, x, y], ...]}, "right": ...}``; the points that both
    sides have are used. image_size: (width, height) px, unless the file has an "image_size". board: instead of the
    file's. CalibrationError says what is missing.
    """
    data = _read(path)
    if not isinstance(data.get("views"), list):
        raise CalibrationError(f"{path.name} holds no views with corners.")
    try:
        board = board or Board(
            int(data["board"]["cols"]), int(data["board"]["rows"]), float(data["board"]["square_size"]) / 1000
        )
        size = image_size or (int(data["image_size"][0]), int(data["image_size"][1]))
    except (KeyError, TypeError, IndexError, ValueError) as error:
        missing = "size of the images" if str(error) == "'image_size'" else "board"
        raise CalibrationError(
            f"{path.name} does not tell the {missing}.",
            "The lens's centre and coverage depend on it." if "size" in missing else "",
            "Give the image size (--image-size)." if "size" in missing else "Give the board (--board, --square-mm).",
        ) from error
    views: list[BoardView] = []
    skipped: list[SkippedPair] = []
    for index, one in enumerate(data["views"]):
        name = str(one.get("view_index", index)) if isinstance(one, dict) else str(index)
        try:
            views.append(matched_view(_detection(one["left"], board), _detection(one["right"], board), board, name))
        except CalibrationError as error:
            skipped.append(SkippedPair(name, str(error)))
        except (KeyError, TypeError, ValueError, IndexError):
            skipped.append(SkippedPair(name, "Its corners cannot be read."))
    if not views:
        raise CalibrationError(f"{path.name} holds no usable view.", skipped[0].reason if skipped else "")
    return LoadedViews(views, size, size, skipped), board


def _holds_views(path: Path) -> bool:
    try:
        return isinstance(_read(path).get("views"), list)
    except CalibrationError:  # a file of somebody else's, which is no business of ours
        return False


def _read(path: Path) -> Mapping[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CalibrationError(f"{path.name} cannot be read.", str(error)) from error
    return data if isinstance(data, dict) else {}


def _detection(side: Mapping[str, Any], board: Board) -> Detection:
    table = np.asarray(side["corners"], np.float64).reshape(-1, 4)
    columns, rows = table[:, 0].astype(int), table[:, 1].astype(int)
    if (
        len(table) == 0
        or min(columns.min(), rows.min()) < 0
        or columns.max() >= board.columns
        or rows.max() >= board.rows
    ):
        raise CalibrationError("Its corners are not those of the board.", "", "Set the board that was used.")
    ids = rows * board.columns + columns
    order = np.argsort(ids)
    return Detection(table[order, 2:].astype(np.float32), ids[order])
