"""How long a live search for the board takes, on drawn pairs and on folders of real ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board
from depthstudio.calibration.collector import ViewCollector
from depthstudio.calibration.detected import Grey
from depthstudio.calibration.drawing import board_image
from depthstudio.calibration.pairs import find_pairs, read_grey
from depthstudio.errors import CalibrationError
from depthstudio.frames import StereoFrame

Pair = tuple[Grey, Grey]

LIMITS_MS = {True: 40.0, False: 25.0}
BOARDS = (Board(9, 6, 0.025), Board(7, 5, 0.034, "charuco"), Board(4, 11, 0.018, "circles"))
_DISTANCES = {"near": 0.5, "far": 0.25}  # the board's width as a share of the image's
_TURNS_DEG = (0.0, 12.0, -25.0, 40.0)
_EDGE_PX = 24


@dataclass(frozen=True)
class DetectionSpeed:
    """Time of one pair in `ViewCollector.offer`, everything included that live video takes; ms.

    found: share of pairs in which both images showed the board to the detector. cpu_ms: of one core; wall_ms depends
    on what else the computer does.
    """

    what: str
    has_board: bool
    pairs: int
    found: float
    cpu_ms: float
    cpu_p95_ms: float
    wall_ms: float

    def as_json(self) -> dict[str, Any]:
        """For a file of numbers."""
        return asdict(self)


def detection_speed(data: Path | None, size: tuple[int, int] = (640, 480), rounds: int = 3) -> Iterator[DetectionSpeed]:
    """Drawn pairs of every kind of board, near, far and absent; then real ones. data: DEPTHSTUDIO_DATA."""
    for board in BOARDS:
        for name, share in _DISTANCES.items():
            pairs = [drawn_pair(board, size, share, turn, i) for i, turn in enumerate(_TURNS_DEG)]
            yield _measured(f"{board}, {name}", board, pairs, True, rounds)
        yield _measured(f"{board}, absent", board, [drawn_pair(None, size, 0, 0, i) for i in range(4)], False, rounds)
    for words, folder, has_board in _REAL:
        real = _real_pairs(data / folder, size) if data is not None else []
        if real:
            yield _measured(words, BOARDS[0], real, has_board, rounds)


_REAL = (
    ("real: chessboard pairs", "calibration/opencv_leftright", True),
    ("real: infrared pairs without a board", "realsense/d435i_ir_on_20200910", False),
    ("real: rooms without a board", "stereo/middlebury", False),
)


def _real_pairs(folder: Path, size: tuple[int, int]) -> list[Pair]:
    try:
        pairs = find_pairs(folder)
    except CalibrationError:
        return []
    return [(cv2.resize(read_grey(one.left), size), cv2.resize(read_grey(one.right), size)) for one in pairs]  # type: ignore[misc]


def drawn_pair(board: Board | None, size: tuple[int, int], share: float, turn_deg: float, seed: int) -> Pair:
    """A cluttered room with a board held in it, or without one; two images shifted by a tenth of the width."""
    rng = np.random.default_rng(seed)
    left, right = _clutter(rng, size), _clutter(rng, size)
    if board is not None:
        for image, shift in ((left, 0.05), (right, -0.05)):
            _hold(image, board_image(board, _EDGE_PX), share, shift, turn_deg)
    grain = np.asarray(rng.normal(0, 2, (2, size[1], size[0])))
    return tuple(np.clip(image + one, 0, 255).astype(np.uint8) for image, one in zip((left, right), grain, strict=True))


def _clutter(rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.uint8]:
    width, height = size
    image = np.full((height, width), 120, np.uint8)
    for _ in range(160):
        x, y = int(rng.uniform(-20, width)), int(rng.uniform(-20, height))
        w, h = (int(extent) for extent in rng.exponential(width / 16, 2) + 3)
        cv2.rectangle(image, (x, y), (x + w, y + h), int(rng.uniform(20, 235)), cv2.FILLED)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.8), np.uint8)


def _hold(image: NDArray[np.uint8], picture: Grey, share: float, shift: float, turn_deg: float) -> None:
    height, width = image.shape
    scale = share * width / max(picture.shape)
    H = np.asarray(cv2.getRotationMatrix2D((picture.shape[1] / 2, picture.shape[0] / 2), turn_deg, scale))
    H[:, 2] += (width * (0.5 + shift) - picture.shape[1] / 2, height * 0.5 - picture.shape[0] / 2)
    small = cv2.GaussianBlur(picture, (0, 0), max(0.35 / scale, 0.1))
    mask = cv2.warpAffine(np.full_like(picture, 255), H, (width, height))
    cv2.copyTo(cv2.warpAffine(small, H, (width, height), flags=cv2.INTER_AREA), mask, image)


def _measured(what: str, board: Board, pairs: list[Pair], has_board: bool, rounds: int) -> DetectionSpeed:
    cpu: list[float] = []
    wall: list[float] = []
    found = 0
    for pair in pairs:
        collector = ViewCollector(board)  # frames of one board held still, as live video delivers them
        for round_number in range(rounds + 2):
            frame = StereoFrame(round_number, round_number / 30, *pair)
            took, offer = _timed(lambda frame=frame, collector=collector: collector.offer(frame))  # type: ignore[misc]
            if round_number == 0 or offer.accepted:  # the first look, and taking a view, happen once
                continue
            cpu.append(took[0])
            wall.append(took[1])
            found += offer.left is not None and offer.right is not None
    count = max(len(cpu), 1)
    return DetectionSpeed(
        what,
        has_board,
        len(cpu),
        found / count,
        float(np.median(cpu)),
        float(np.percentile(cpu, 95)),
        float(np.median(wall)),
    )


def _timed(work: Callable[[], Any]) -> tuple[tuple[float, float], Any]:
    wall, cpu = time.perf_counter(), time.process_time()
    done = work()
    return ((time.process_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000), done
