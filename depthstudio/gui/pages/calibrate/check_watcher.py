"""CheckWatcher: the newest frame rectified, and what the board in it says of the calibration, in a thread."""

from __future__ import annotations

from dataclasses import dataclass

from depthstudio.calibration import Board, Offer, ViewCollector, find_board_quickly, matched_view
from depthstudio.calibration.check import BoardCheck, check_board
from depthstudio.cameras import NewestFrame
from depthstudio.errors import CalibrationError
from depthstudio.frames import Image, StereoFrame
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.gui.pages.calibrate.board_watcher import BoardWatcher


@dataclass(frozen=True, eq=False)
class Checked:
    """left, right: rectified. check: None where the board is not in both images; reason says why."""

    left: Image
    right: Image
    check: BoardCheck | None
    reason: str


class CheckWatcher(BoardWatcher):
    """As BoardWatcher; `seen` comes with an Offer that holds nothing, and `checked` with the rectified pair."""

    def __init__(self, newest: NewestFrame, board: Board, calibration: StereoCalibration) -> None:
        super().__init__(newest, ViewCollector(board), auto=False)
        self._board = board
        self._calibration = calibration
        self._rectifier: Rectifier | None = None
        self.last: Checked | None = None

    def _look(self, frame: StereoFrame) -> Offer:
        try:
            self.last = self._check(frame)
            return Offer(None, None, False, self.last.reason)
        except CalibrationError as error:
            self.last = None
            return Offer(None, None, False, str(error))

    def _check(self, frame: StereoFrame) -> Checked:
        if frame.right is None:
            raise CalibrationError("The source delivers one image only.")
        if self._rectifier is None:
            self._rectifier = Rectifier(self._calibration, self._calibration.image_size or frame.size)
        pair = self._rectifier.rectify_left(frame.left), self._rectifier.rectify_right(frame.right)
        left, right = (find_board_quickly(image, self._board) for image in (frame.left, frame.right))
        if left is None or right is None:
            return Checked(*pair, None, "")
        try:
            check = check_board(self._calibration, matched_view(left, right, self._board), self._board)
        except CalibrationError as error:
            return Checked(*pair, None, str(error))
        return Checked(*pair, check, "")
