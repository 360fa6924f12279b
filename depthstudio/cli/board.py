"""``depthstudio board``: a calibration board to print, as PDF at true scale."""

from __future__ import annotations

import argparse
from pathlib import Path

from depthstudio.errors import CalibrationError

_SIZES = {"chessboard": "9x6", "charuco": "9x6", "circles": "4x11"}
_ANY_SQUARE_MM = 10.0


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register this module's verbs."""
    verb = verbs.add_parser("board", help="a calibration board to print: PDF at true scale with a ruler")
    verb.add_argument("-o", "--output", required=True, type=Path, metavar="FILE.pdf", help="where to write it")
    add_board_options(verb)
    verb.add_argument("--size", metavar="9x6", help="inner corners, or circles x rows (default: 9x6, circles 4x11)")
    verb.add_argument("--square-mm", type=float, metavar="MM", help="side of a square (default: as large as fits)")
    verb.add_argument("--paper", default="A4", help="A4, A3, A2, Letter or Tabloid (default: A4)")
    verb.set_defaults(run=_board)


def add_board_options(verb: argparse.ArgumentParser) -> None:
    """What describes a board beside its size, the same for every verb."""
    verb.add_argument("--kind", choices=tuple(_SIZES), default="chessboard", help="what is printed on the board")
    verb.add_argument(
        "--dictionary", default="4X4_250", metavar="NAME", help="charuco: ArUco dictionary of the markers"
    )
    verb.add_argument("--marker-mm", type=float, metavar="MM", help="charuco: side of a marker (default: 3/4 square)")


def board_options(arguments: argparse.Namespace, square_mm: float) -> dict[str, object]:
    """What `add_board_options` said, as Board takes it."""
    from depthstudio.calibration.board import DICTIONARIES

    if arguments.kind != "charuco":
        return {}
    if square_mm <= 0:
        raise CalibrationError(f"A square of {square_mm:g} mm is not plausible.")
    share = {} if arguments.marker_mm is None else {"marker_share": arguments.marker_mm / square_mm}
    wanted = arguments.dictionary.lower().removeprefix("dict_")
    dictionary = next((name for name in DICTIONARIES if name.lower() == wanted), arguments.dictionary)
    return {"dictionary": dictionary, **share}


def _board(arguments: argparse.Namespace) -> int:
    from depthstudio.calibration import Board
    from depthstudio.calibration.printing import board_pdf, fitted_to
    from depthstudio.storage import check_target, write_bytes

    check_target(arguments.output)
    size = arguments.size or _SIZES[arguments.kind]
    square_mm = arguments.square_mm or _ANY_SQUARE_MM
    if arguments.square_mm is None and arguments.marker_mm is not None:
        raise CalibrationError("A marker's size needs that of the squares.", "", "Give --square-mm too.")
    board = Board.parse(size, square_mm, arguments.kind, **board_options(arguments, square_mm))
    paper = next((name for name in _papers() if name.lower() == arguments.paper.lower()), arguments.paper)
    if arguments.square_mm is None:
        board = fitted_to(board, paper)
    write_bytes(arguments.output, board_pdf(board, paper))
    print(f"{arguments.output}: {board} on {paper}. Print it at 100 % and measure the ruler and a square.")
    return 0


def _papers() -> tuple[str, ...]:
    from depthstudio.calibration.printing import PAPER_MM

    return tuple(PAPER_MM)
