"""ViewCollector: from a stream of frames, the few that are worth calibrating with."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.calibration.board import Board
from depthstudio.calibration.coverage import coverage_counts
from depthstudio.calibration.detected import Detection, Grey, edge_width_px, spacing_px, to_grey
from depthstudio.calibration.detection import Effort, detect_board, find_board_quickly
from depthstudio.calibration.guide import Progress, instruction, measure
from depthstudio.calibration.library import BOARD_FILE
from depthstudio.calibration.pose import BoardPose, board_pose
from depthstudio.calibration.views import BoardView, matched_view, missing_board
from depthstudio.errors import CalibrationError
from depthstudio.frames import StereoFrame
from depthstudio.storage import write_bytes, write_text

_MAX_EDGE_WIDTH_PX = 5.0  # at 640 px image width
_MAX_MOTION = 0.004  # of the image width, in the time between two frames of a usual camera
_USUAL_INTERVAL_S = 1 / 30
_LONGEST_INTERVALS = 4.0  # where frames come slower than this, a board may have stopped and gone on in between
_LOOK_EVERY = 4  # of so many frames without a board, one is searched at full size on the left and one on the right
_MAX_SKEW_MS = 20.0


@dataclass(frozen=True, eq=False)
class Offer:
    """What became of one frame. left, right: what was found in the images, also when the frame was refused.

    reason: why it was refused, or which view it became; a phrase for the window.
    """

    left: Detection | None
    right: Detection | None
    accepted: bool
    reason: str


@dataclass(frozen=True, eq=False)
class CollectedView:
    """An accepted view with its images, (H, W) uint8, so that it can be looked at and solved again."""

    view: BoardView
    left: Grey
    right: Grey
    pose: BoardPose


class ViewCollector:
    """Accepts frames in which both cameras see the board, sharp, still, and unlike the views it has.

    Offer frames from one thread; everything else may be asked from any other. require_still: off for sources whose
    two images are of exactly the same moment, and for single photographs. min_views: with fewer, however different,
    chance has too much to say; it is a floor, and diversity decides when there are enough.
    """

    def __init__(self, board: Board, *, require_still: bool = True, min_views: int = 10) -> None:
        self.board = board
        self.min_views = min_views
        self.left_size: tuple[int, int] | None = None
        self.right_size: tuple[int, int] | None = None
        self._require_still = require_still
        self._collected: list[CollectedView] = []
        self._last: tuple[float, Detection, Detection] | None = None
        self._spacing_px: list[float | None] = [None, None]
        self._blind_frames = 0
        self._last_number = 0
        self._lock = threading.Lock()

    @property
    def collected(self) -> tuple[CollectedView, ...]:
        """The accepted views with images, in the order they were taken."""
        with self._lock:
            return tuple(self._collected)

    @property
    def views(self) -> list[BoardView]:
        """What solve_stereo takes."""
        return [collected.view for collected in self.collected]

    @property
    def progress(self) -> Progress:
        """How much of each image, tilt and distance has been shown."""
        collected = self.collected
        return measure([one.pose for one in collected], *self.coverage_counts(), self.min_views)

    @property
    def enough(self) -> bool:
        """True when another view would add little."""
        return self.progress.is_enough

    @property
    def instruction(self) -> str:
        """One sentence: what to show next."""
        return instruction([one.pose for one in self.collected], self.coverage_counts(), self.progress)

    def coverage_counts(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Views per grid cell of the left and the right image: a heat map for each."""
        views = self.views
        return (
            coverage_counts([view.left_corners for view in views], self.left_size or (1, 1)),
            coverage_counts([view.right_corners for view in views], self.right_size or (1, 1)),
        )

    def offer(self, frame: StereoFrame) -> Offer:
        """Look at a frame, and keep it when it is worth it. About 20 ms at 640x480, more for a frame that is kept."""
        if frame.right is None:
            return Offer(None, None, False, "the source delivers one image only")
        left, right = to_grey(frame.left), to_grey(frame.right)
        sizes = (left.shape[1], left.shape[0]), (right.shape[1], right.shape[0])
        if self._collected and sizes != (self.left_size, self.right_size):
            return Offer(None, None, False, "the image size changed; start again")
        self.left_size, self.right_size = sizes
        found = self._find(left, right)
        if found[0] is None or found[1] is None:
            self._last = None
            return Offer(*found, False, missing_board(*found))
        try:
            view = matched_view(found[0], found[1], self.board)
        except CalibrationError as error:
            return Offer(*found, False, error.what.rstrip("."))
        pose = board_pose(view.left, self.board, sizes[0])
        refusal = self._unsteady(view, frame) or self._blurred(view, left, right) or self._too_similar(pose)
        return Offer(*found, False, refusal) if refusal else self._keep(left, right, pose, view)

    def remove(self, index: int) -> CollectedView:
        """Take a view out again. Returns it, for `restore`."""
        with self._lock:
            return self._collected.pop(index)

    def add(self, view: BoardView, left: Grey, right: Grey) -> None:
        """Put in a view that somebody chose, without asking whether it is new. CalibrationError for another size."""
        sizes = (left.shape[1], left.shape[0]), (right.shape[1], right.shape[0])
        if self.collected and sizes != (self.left_size, self.right_size):
            raise CalibrationError("Another image size than the views before.")
        self.left_size, self.right_size = sizes
        self.restore(CollectedView(view, left, right, board_pose(view.left, self.board, sizes[0])))

    def restore(self, collected: CollectedView) -> None:
        """Put a removed view back, at its place by name."""
        with self._lock:
            self._collected = sorted([*self._collected, collected], key=lambda one: one.view.name)

    def rescaled(self, board: Board) -> ViewCollector:
        """The same views of a board that has the same points in another size."""
        other = ViewCollector(board, require_still=self._require_still, min_views=self.min_views)
        for one in self.collected:
            other.add(one.view, one.left, one.right)
        other._last_number = self._last_number
        return other

    def save_images(self, folder: Path) -> None:
        """Write every view as left_01.png and right_01.png for `load_views`, and the board for `board_of_views`."""
        write_text(folder / BOARD_FILE, json.dumps(self.board.to_json(), indent=1))
        for one in self.collected:
            for side, image in (("left", one.left), ("right", one.right)):
                write_bytes(folder / f"{side}_{one.view.name}.png", cv2.imencode(".png", image)[1].tobytes())

    def _find(self, left: Grey, right: Grey) -> tuple[Detection | None, Detection | None]:
        """Search both images, harder in the one where the last frame or the other image says the board must be."""
        unseen = [Effort.GLANCE, Effort.GLANCE]
        if (turn := self._blind_frames % _LOOK_EVERY) < 2:
            unseen[turn] = Effort.LOOK
        efforts = [
            before if spacing is None else Effort.for_board_at(spacing)
            for before, spacing in zip(unseen, self._spacing_px, strict=True)
        ]
        in_left = find_board_quickly(left, self.board, efforts[0])
        if in_left is not None:
            efforts[1] = max(efforts[1], Effort.for_board_at(spacing_px(in_left, self.board)))
        in_right = find_board_quickly(right, self.board, efforts[1])
        if in_left is None and in_right is not None:
            again = Effort.for_board_at(spacing_px(in_right, self.board))
            in_left = find_board_quickly(left, self.board, again) if again > efforts[0] else None
        found = in_left, in_right
        self._spacing_px = [None if one is None else spacing_px(one, self.board) for one in found]
        self._blind_frames = self._blind_frames + 1 if in_left is None and in_right is None else 0
        return found

    def _unsteady(self, view: BoardView, frame: StereoFrame) -> str:
        """Why the two images may not show the same moment; empty when they do."""
        last, self._last = self._last, (frame.timestamp_s, view.left, view.right)
        if not self._require_still:
            return f"the two images are {frame.skew_ms:.0f} ms apart" if frame.skew_ms > _MAX_SKEW_MS else ""
        if last is None:
            return "hold the board still"
        moved_px = max(_moved_px(now, then) for now, then in zip(self._last[1:], last[1:], strict=True))
        intervals = float(np.clip((frame.timestamp_s - last[0]) / _USUAL_INTERVAL_S, 1.0, _LONGEST_INTERVALS))
        return "hold the board still" if moved_px > _MAX_MOTION * frame.size[0] * intervals else ""

    def _blurred(self, view: BoardView, left: Grey, right: Grey) -> str:
        for name, image, found in (("left", left, view.left), ("right", right, view.right)):
            if edge_width_px(image, found) > _MAX_EDGE_WIDTH_PX * max(1.0, image.shape[1] / 640):
                return f"{name} image blurred"
        return ""

    def _too_similar(self, pose: BoardPose) -> str:
        nearest = min(self.collected, key=lambda one: pose.difference(one.pose), default=None)
        if nearest is None or pose.difference(nearest.pose) >= 1.0:
            return ""
        return f"too similar to view {_spoken(nearest.view.name)}"

    def _keep(self, left: Grey, right: Grey, pose: BoardPose, quick: BoardView) -> Offer:
        name = self._next_name()
        view = BoardView(quick.left_corners, quick.right_corners, name, quick.ids)
        thorough = detect_board(left, self.board), detect_board(right, self.board)
        if thorough[0] is not None and thorough[1] is not None:
            with suppress(CalibrationError):  # they share fewer points than those found quickly, which stay then
                view = matched_view(thorough[0], thorough[1], self.board, name)
        with self._lock:
            self._collected.append(CollectedView(view, left.copy(), right.copy(), pose))
            self._last_number = int(name)
        return Offer(view.left, view.right, True, f"view {_spoken(name)} taken")

    def _next_name(self) -> str:
        """Above all numbers used, those of removed and loaded views included."""
        numbers = [int(one.view.name) for one in self.collected if one.view.name.isdecimal()]
        return f"{max([self._last_number, *numbers]) + 1:02d}"


def _spoken(name: str) -> str:
    return name.lstrip("0") or name


def _moved_px(now: Detection, then: Detection) -> float:
    """Mean way of the points seen both times, px; infinite when there are none."""
    _, i, j = np.intersect1d(now.ids, then.ids, assume_unique=True, return_indices=True)
    return float(np.linalg.norm(now.corners[i] - then.corners[j], axis=1).mean()) if len(i) else float("inf")


def collect(frames: Iterable[StereoFrame], collector: ViewCollector, views: int | None = None) -> Iterator[Offer]:
    """Offer frames until there are enough views (or `views` of them); yields what became of each frame."""
    for frame in frames:
        yield collector.offer(frame)
        if len(collector.collected) >= views if views else collector.enough:
            return
