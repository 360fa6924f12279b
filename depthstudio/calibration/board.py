"""Board: the chessboard that both cameras look at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depthstudio.errors import CalibrationError


@dataclass(frozen=True)
class Board:
    """A chessboard, counted in inner corners as OpenCV does: one less than the squares in each direction.

    square_m: side of one square in metres, measured on the print.
    """

    columns: int
    rows: int
    square_m: float

    def __post_init__(self) -> None:
        if min(self.columns, self.rows) < 3 or max(self.columns, self.rows) > 40:
            raise CalibrationError(
                f"A board of {self.columns}x{self.rows} inner corners cannot be used.",
                "It takes 3 to 40 inner corners in each direction.",
                "Count the corners where four squares meet: a board of 10x7 squares has 9x6.",
            )
        if self.columns == self.rows:
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

    @classmethod
    def parse(cls, corners: str, square_mm: float) -> Board:
        """A board from ``"9x6"`` and the side of a square in millimetres."""
        match = re.fullmatch(r"\s*(\d+)\s*[xX×]\s*(\d+)\s*", corners)
        if not match:
            raise CalibrationError(
                f"'{corners}' does not name a board.", "", "Write inner corners as COLUMNSxROWS, such as 9x6."
            )
        return cls(int(match[1]), int(match[2]), square_mm / 1000.0)

    def __str__(self) -> str:
        return f"{self.columns}x{self.rows}, {self.square_m * 1000:g} mm"

    @property
    def corner_count(self) -> int:
        """How many inner corners there are."""
        return self.columns * self.rows

    @property
    def has_one_way_up(self) -> bool:
        """True when a turn by 180 degrees swaps black and white, so that the colours tell which way is up."""
        return (self.columns + self.rows) % 2 == 1

    def object_points(self) -> NDArray[np.float32]:
        """The corners on the board, (N, 3) float32 metres, row by row, z = 0."""
        points = np.zeros((self.corner_count, 3), np.float32)
        points[:, :2] = np.mgrid[0 : self.columns, 0 : self.rows].T.reshape(-1, 2) * self.square_m
        return points

    def to_json(self) -> dict[str, Any]:
        """What a calibration file remembers of the board."""
        return {"kind": "chessboard", "columns": self.columns, "rows": self.rows, "square_m": self.square_m}
