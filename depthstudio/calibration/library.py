"""Board definitions kept in a folder, one small file each."""

from __future__ import annotations

import json
import re
from pathlib import Path

from depthstudio.calibration.board import Board
from depthstudio.errors import CalibrationError
from depthstudio.storage import write_text

BOARD_FILE = "board.json"


def saved_boards(folder: Path) -> dict[str, Board]:
    """The boards of a folder by name, in alphabetical order; files that are no board are left out."""
    found = {}
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        try:
            found[path.stem] = read_board(path)
        except CalibrationError:
            continue
    return found


def read_board(path: Path) -> Board:
    """One board; CalibrationError when the file cannot be read as one."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CalibrationError(f"{path.name} is no description of a board.", str(error)) from error
    if not isinstance(values, dict):
        raise CalibrationError(f"{path.name} is no description of a board.")
    return Board.from_json(values)


def save_board(folder: Path, name: str, board: Board) -> Path:
    """Keep a board under a name, replacing one of the same name. CalibrationError for an unusable name."""
    stem = re.sub(r"[^\w .,()-]+", "-", name).strip(" .-")
    if not stem:
        raise CalibrationError("The board needs a name.", "", "Write for example: lab board, A3.")
    path = folder / f"{stem}.json"
    write_text(path, json.dumps(board.to_json(), indent=1))
    return path


def board_of_views(folder: Path) -> Board | None:
    """The board with which the views in a folder were taken, when they were saved by this program."""
    path = folder / BOARD_FILE
    return read_board(path) if path.is_file() else None
