"""folder:///dir: a folder of image pairs played as if it were a camera."""

from __future__ import annotations

import math
from dataclasses import replace

from depthstudio.cameras.recorded import RECORDED_OPTIONS, RecordedSource
from depthstudio.cameras.source import EndOfStream
from depthstudio.cameras.urls import SourceUrl
from depthstudio.datasets.image_pairs import PairFolder
from depthstudio.errors import CalibrationError, DatasetError, SourceError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

_DEFAULT_FPS = 10.0
_ROUNDING = 1e-6


class FolderSource(RecordedSource):
    """Image pairs of a folder, at ``fps`` (10) pictures per second. A calibration beside them is used."""

    def __init__(self, url: SourceUrl) -> None:
        url.check_options(RECORDED_OPTIONS | {"fps"})
        if not url.path.is_dir():
            raise SourceError(f"There is no folder {url.path}.", "It was moved or deleted.")
        super().__init__(url, url.path.name)
        self._folder = url.path
        self._interval_s = 1.0 / url.number("fps", _DEFAULT_FPS, 0.1, 1000)
        self._pairs: PairFolder | None = None
        self._calibration: StereoCalibration | None = None
        self._next = 0

    def open(self) -> None:
        """List the pairs. SourceError when there are none, or the calibration beside them is damaged."""
        try:
            self._pairs = PairFolder(self._folder)
        except CalibrationError as error:
            raise SourceError(error.what, error.why, "Repair or remove that file.") from error
        except DatasetError as error:
            raise SourceError(error.what, error.why, error.next_step) from error
        self._next = 0
        self.frame_count = len(self._pairs.pairs)
        self.duration_s = (self.frame_count - 1) * self._interval_s
        self._calibration = _common_calibration(self._pairs)

    def close(self) -> None:
        """Nothing is kept open between frames."""
        self._pairs = None

    @property
    def calibration(self) -> StereoCalibration | None:
        """What lies beside the images; None when there is nothing, or not the same for all pairs."""
        return self._calibration

    def next_frame(self, timeout_s: float) -> StereoFrame:
        """The next pair from disk."""
        if self._pairs is None:
            raise SourceError(f"{self.title} is not open.")
        if self._next >= len(self._pairs.pairs):
            raise EndOfStream
        number = self._next
        self._next += 1
        try:
            frame = self._pairs.pair(number).frame()
        except DatasetError as error:
            raise SourceError(error.what, error.why, error.next_step) from error
        if frame.right is not None and frame.left.shape[:2] != frame.right.shape[:2]:
            raise SourceError(f"The two images of {self._pairs.name(number)} differ in size.", "A pair has one size.")
        return replace(frame, timestamp_s=number * self._interval_s)

    def rewind(self) -> None:
        """Begin again at the first pair."""
        self._next = 0

    def jump(self, position_s: float) -> None:
        """Go on at the pair that stands there."""
        self._next = math.ceil(position_s / self._interval_s - _ROUNDING)

    @property
    def fetched_index(self) -> int:
        """Index of the one read last."""
        return self._next - 1

    @property
    def first_timestamp_s(self) -> float:
        """Pairs of a folder have no times but those we give them."""
        return 0.0


def _common_calibration(folder: PairFolder) -> StereoCalibration | None:
    one_of_each_group = {group: i for i, group in enumerate(folder.groups)}
    found = [folder.calibration_of(i) for i in one_of_each_group.values()]
    same = len({one.id if one is not None else "" for one in found}) == 1
    return found[0] if same else None
