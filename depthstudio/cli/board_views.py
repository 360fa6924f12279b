"""Where ``depthstudio calibrate`` gets its views from: pairs, a recording, a source, a file of corners."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from depthstudio.cli.board import board_options
from depthstudio.errors import CalibrationError

if TYPE_CHECKING:
    from rich.console import Console

    from depthstudio.calibration import Board, BoardView, LoadedImages, ViewCollector
    from depthstudio.calibration.pairs import SkippedPair
    from depthstudio.cameras.source import FrameSource
    from depthstudio.frames import StereoFrame

_PATIENCE_S = 60.0


class Views(NamedTuple):
    """What solve_stereo takes; sizes are (width, height) px."""

    views: list[BoardView]
    board: Board
    left_size: tuple[int, int]
    right_size: tuple[int, int]


def read_views(arguments: argparse.Namespace, console: Console) -> Views:
    """The views that the command line names."""
    from depthstudio.calibration import find_corner_file
    from depthstudio.cameras.urls import SourceUrl
    from depthstudio.datasets.session_format import SESSION_FILE

    place = Path(arguments.source)
    if place.suffix.lower() == ".json" and place.is_file():
        return _from_corners(place, arguments, console)
    if "://" in arguments.source or place.is_file() or (place / SESSION_FILE).is_file():
        return _from_source(str(SourceUrl.parse(arguments.source).in_full()), arguments, console)
    corners = find_corner_file(place)
    return _from_corners(corners, arguments, console) if corners else _from_folder(place, arguments, console)


def read_images(arguments: argparse.Namespace, console: Console) -> tuple[LoadedImages, Board]:
    """One camera's images."""
    from depthstudio.calibration import load_images

    board = _board(arguments, Path(arguments.source))
    with console.status("Looking for the board") as status:
        loaded = load_images(
            Path(arguments.source), board, lambda share, name: status.update(f"Looking for the board: {name}")
        )
    _say_skipped(loaded.skipped, "Image", console)
    return loaded, board


def _board(arguments: argparse.Namespace, folder: Path | None = None) -> Board:
    """The board of the command line, else the one that was saved with the views."""
    from depthstudio.calibration import Board
    from depthstudio.calibration.library import board_of_views

    if arguments.board is not None and arguments.square_mm is not None:
        options = board_options(arguments, arguments.square_mm)
        return Board.parse(arguments.board, arguments.square_mm, arguments.kind, **options)
    saved = board_of_views(folder) if folder is not None else None
    if saved is None:
        raise CalibrationError("Which board was used?", "", "Give --board, such as 9x6, and --square-mm.")
    return saved


def _from_corners(path: Path, arguments: argparse.Namespace, console: Console) -> Views:
    from depthstudio.calibration import load_corners

    board = _board(arguments) if arguments.board is not None else None
    loaded, board = load_corners(path, arguments.image_size, board)
    console.print(f"{len(loaded.views)} views of {board} from {path.name}.", highlight=False)
    _say_skipped(loaded.skipped, "View", console)
    return Views(loaded.views, board, loaded.left_size, loaded.right_size)


def _from_folder(folder: Path, arguments: argparse.Namespace, console: Console) -> Views:
    from depthstudio.calibration import load_views

    board = _board(arguments, folder)
    with console.status("Looking for the board") as status:
        loaded = load_views(folder, board, lambda share, name: status.update(f"Looking for the board: {name}"))
    _say_skipped(loaded.skipped, "Pair", console)
    return Views(loaded.views, board, loaded.left_size, loaded.right_size)


def _say_skipped(skipped: list[SkippedPair], what: str, console: Console) -> None:
    for one in skipped:
        console.print(f"{what} {one.name} skipped: {one.reason}", style="yellow")


def _from_source(url: str, arguments: argparse.Namespace, console: Console) -> Views:
    from depthstudio.calibration import ViewCollector, collect
    from depthstudio.cameras import open_source

    board = _board(arguments)
    with open_source(url) as source, console.status("Waiting for the board") as status:
        collector = ViewCollector(board, require_still=source.is_live)
        for offer in collect(_frames(source, collector), collector, arguments.views):
            status.update(f"{len(collector.collected)} views; {offer.reason}. {collector.instruction}")
            if offer.accepted:
                console.print(f"{offer.reason.capitalize()}.")
    if collector.left_size is None or collector.right_size is None:
        raise CalibrationError(f"{url} delivered no pair of images.")
    return Views(collector.views, board, collector.left_size, collector.right_size)


def _frames(source: FrameSource, collector: ViewCollector) -> Iterator[StereoFrame]:
    """Frames until the source ends. One that may never end is left when no view was taken for a minute."""
    from depthstudio.cameras.recorded import RecordedSource
    from depthstudio.cameras.source import EndOfStream

    may_never_end = source.is_live or (isinstance(source, RecordedSource) and source.loop)
    views, since_s = 0, time.monotonic()
    while not may_never_end or time.monotonic() - since_s < _PATIENCE_S:
        try:
            frame = source.read()
        except EndOfStream:
            return
        if frame is not None:
            yield frame
        if len(collector.collected) > views:
            views, since_s = len(collector.collected), time.monotonic()
