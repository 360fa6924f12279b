"""Board: the printed target that both cameras look at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from depthstudio.errors import CalibrationError

BoardKind = Literal["chessboard", "charuco", "circles"]
BOARD_KINDS: tuple[BoardKind, ...] = get_args(BoardKind)
KIND_TITLES: dict[BoardKind, str] = {
    "chessboard": "Chessboard",
    "charuco": "ChArUco",
    "circles": "Asymmetric circles",
}
DICTIONARIES = ("4X4_50", "4X4_100", "4X4_250", "5X5_100", "5X5_250", "6X6_250", "APRILTAG_36h11")
_DICTIONARY_CAPACITY = {"APRILTAG_36h11": 587}


@dataclass(frozen=True)
class Board:
    """A flat target with a grid of points.

    Chessboards and ChArUco boards are counted in inner corners as OpenCV does: one less than the squares in each
    direction. Asymmetric circles are counted as circles per row and rows; every other row is shifted by half a step.
    square_m: side of one square in metres, measured on the print; for circles the distance between two rows, which is
    half the distance between neighbours in a row. marker_share, dictionary: ChArUco only, the markers' side as a share
    of the square's, and their ArUco dictionary.
    """

    columns: int
    rows: int
    square_m: float
    kind: BoardKind = "chessboard"
    marker_share: float = 0.75
    dictionary: str = "4X4_250"

    def __post_init__(self) -> None:
        self._check_kind()
        points = self.point_name
        if min(self.columns, self.rows) < 3 or max(self.columns, self.rows) > 40:
            raise CalibrationError(
                f"A board of {self.columns}x{self.rows} {points} cannot be used.",
                f"It takes 3 to 40 {points} in each direction.",
                "Count the corners where four squares meet: a board of 10x7 squares has 9x6."
                if self.kind != "circles"
                else "Count the circles of one row, then the rows.",
            )
        if self.columns == self.rows and self.kind == "chessboard":
            raise CalibrationError(
                f"A board of {self.columns}x{self.rows} inner corners cannot be used.",
                "It looks the same when it is turned by 90 degrees.",
                "Use a board with more columns than rows, such as 9x6.",
            )
        if not 0.001 <= self.square_m <= 1.0:
            raise CalibrationError(
                f"A square of {self.square_m * 1000:g} mm is not plausible.",
                "1 to 1000 mm are allowed.",
                "Measure one square of the printed board in millimetres.",
            )

    def _check_kind(self) -> None:
        if self.kind not in BOARD_KINDS:
            raise CalibrationError(f"There is no board kind '{self.kind}'.", f"Known: {', '.join(BOARD_KINDS)}.")
        if self.kind != "charuco":
            return
        if self.dictionary not in DICTIONARIES:
            raise CalibrationError(
                f"There is no marker dictionary '{self.dictionary}'.", f"Known: {', '.join(DICTIONARIES)}."
            )
        if not 0.3 <= self.marker_share <= 0.95:
            raise CalibrationError(
                f"Markers of {self.marker_share:.2f} of the square cannot be used.",
                "0.3 to 0.95 are allowed.",
                "Measure the black border of one marker, and one square.",
            )
        markers, capacity = (self.columns + 1) * (self.rows + 1) // 2, _capacity(self.dictionary)
        if markers > capacity:
            raise CalibrationError(
                f"The dictionary {self.dictionary} has too few markers.",
                f"This board takes {markers}, the dictionary has {capacity}.",
                "Choose a larger dictionary or fewer squares.",
            )

    @classmethod
    def parse(cls, corners: str, square_mm: float, kind: BoardKind = "chessboard", **options: Any) -> Board:
        """A board from ``"9x6"`` and the side of a square in millimetres."""
        match = re.fullmatch(r"\s*(\d+)\s*[xX×]\s*(\d+)\s*", corners)
        if not match:
            raise CalibrationError(
                f"'{corners}' does not name a board.", "", "Write inner corners as COLUMNSxROWS, such as 9x6."
            )
        return cls(int(match[1]), int(match[2]), square_mm / 1000.0, kind, **options)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Board:
        """The inverse of `to_json`; CalibrationError when something is missing or impossible."""
        try:
            more = {name: values[name] for name in ("marker_share", "dictionary") if name in values}
            columns, rows, square_m = int(values["columns"]), int(values["rows"]), float(values["square_m"])
            return cls(columns, rows, square_m, values.get("kind", "chessboard"), **more)
        except (KeyError, TypeError, ValueError) as error:
            raise CalibrationError("The description of the board is damaged.", str(error)) from error

    def __str__(self) -> str:
        kind = "" if self.kind == "chessboard" else f"{KIND_TITLES[self.kind]} "
        return f"{kind}{self.columns}x{self.rows}, {self.square_m * 1000:g} mm"

    @property
    def point_name(self) -> str:
        """What is counted: "inner corners" or "circles"."""
        return "circles" if self.kind == "circles" else "inner corners"

    @property
    def corner_count(self) -> int:
        """How many points there are."""
        return self.columns * self.rows

    def has_points_of(self, other: Board) -> bool:
        """True when the two differ in nothing but lengths: what was seen of one can be taken for the other."""
        return replace(self, square_m=other.square_m, marker_share=other.marker_share) == other

    @property
    def may_be_partial(self) -> bool:
        """True when the markers tell which corner is which, so that a part of the board is enough."""
        return self.kind == "charuco"

    @property
    def has_one_way_up(self) -> bool:
        """True when the pattern tells which way is up.

        A turn by 180 degrees swaps black and white on a chessboard of an odd sum of corners, and shifts the first row
        of circles when the number of rows is odd.
        """
        if self.kind == "charuco":
            return True
        return (self.rows if self.kind == "circles" else self.columns + self.rows) % 2 == 1

    def object_points(self, ids: NDArray[np.integer] | None = None) -> NDArray[np.float32]:
        """The points on the board, (N, 3) float32 metres, row by row, z = 0; of `ids` only when given."""
        points = np.zeros((self.corner_count, 3), np.float32)
        points[:, :2] = np.mgrid[0 : self.columns, 0 : self.rows].T.reshape(-1, 2)
        if self.kind == "circles":
            points[:, 0] = 2 * points[:, 0] + points[:, 1] % 2
        points *= self.square_m
        return points if ids is None else points[ids]

    def to_json(self) -> dict[str, Any]:
        """What a calibration file remembers of the board."""
        values: dict[str, Any] = {
            "kind": self.kind,
            "columns": self.columns,
            "rows": self.rows,
            "square_m": self.square_m,
        }
        if self.kind == "charuco":
            values |= {"marker_share": self.marker_share, "dictionary": self.dictionary}
        return values


def _capacity(dictionary: str) -> int:
    return _DICTIONARY_CAPACITY.get(dictionary) or int(dictionary.rsplit("_", 1)[1])
