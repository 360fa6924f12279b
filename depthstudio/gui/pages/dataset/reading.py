"""One frame of a recording as the viewer shows it: rectified, with label and mask. Runs in tasks."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from depthstudio.datasets.labels import LabelMaskSettings, MaskStatistics, mask_label
from depthstudio.datasets.rule_map import rule_map
from depthstudio.datasets.session import Session
from depthstudio.errors import CalibrationError
from depthstudio.frames import FloatMap, Image
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.geometry.disparity import disparity_to_depth
from depthstudio.gui.tasks import TaskRunner

_CACHED_FRAMES = 16
Key = tuple[str, int, str]


@dataclass(frozen=True, eq=False)
class FramePicture:
    """left: rectified, or as recorded without `rules`. Maps are (H, W) float32 with NaN = none; None when unknown.

    rules: see rule_map. statistics: shares of the pixels that each rule removed. mask_note: why there are none.
    """

    key: Key
    left: Image
    disparity_px: FloatMap | None
    depth_m: FloatMap | None
    rules: NDArray[np.uint8] | None
    statistics: MaskStatistics | None
    mask_note: str = ""


def read_picture(
    session: Session, position: int, calibration: StereoCalibration | None, settings: LabelMaskSettings, key: Key
) -> FramePicture:
    """Read, rectify and mask. DatasetError when a file is damaged; a calibration that does not fit is no error."""
    frame = session.frame(position)
    raw_m = None if frame.depth_mm is None else _metres(frame.depth_mm)
    if calibration is None:
        return FramePicture(key, frame.left, None, raw_m, None, None, "What is left out shows with a calibration.")
    try:
        rectifier = Rectifier(calibration, frame.size)
    except CalibrationError as error:
        return FramePicture(key, frame.left, None, raw_m, None, None, error.what)
    left = rectifier.rectify_left(frame.left)
    if frame.depth_mm is None:
        return FramePicture(key, left, None, None, None, None, "This frame has no depth.")
    disparity_px = rectifier.label_disparity(frame.depth_mm)
    return FramePicture(
        key,
        left,
        disparity_px,
        disparity_to_depth(disparity_px, rectifier.geometry),
        rule_map(disparity_px, rectifier.geometry, settings),
        mask_label(disparity_px, rectifier.geometry, settings).statistics,
    )


def _metres(depth_mm: NDArray[np.uint16]) -> FloatMap:
    return np.where(depth_mm > 0, depth_mm / np.float32(1000), np.float32(np.nan)).astype(np.float32)


class FrameLoader(QObject):
    """Reads frames in the background, one at a time; of several wishes the newest wins. loaded(FramePicture)."""

    loaded = Signal(object)
    failed = Signal(object)

    def __init__(self, tasks: TaskRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._cache: OrderedDict[Key, FramePicture] = OrderedDict()
        self._wish: tuple[Session, int, StereoCalibration | None] | None = None
        self._reading = False
        self._settings = LabelMaskSettings()

    def show(self, session: Session, position: int, calibration: StereoCalibration | None) -> None:
        """Load one frame; at once when it was shown lately."""
        known = self._cache.get(self._key(session, position, calibration))
        if known is not None:
            self._wish = None
            self._cache.move_to_end(known.key)
            self.loaded.emit(known)
            return
        self._wish = (session, position, calibration)
        if not self._reading:
            self._read_next()

    def cancel(self) -> None:
        """Nothing is wanted any more."""
        self._wish = None

    def _read_next(self) -> None:
        wish, self._wish = self._wish, None
        if wish is None:
            return
        self._reading = True
        key = self._key(*wish)
        self._tasks.run(
            lambda _: read_picture(*wish, self._settings, key), "Read a frame", self._on_read, self._on_failed
        )

    def _on_read(self, picture: FramePicture) -> None:
        self._reading = False
        self._cache[picture.key] = picture
        while len(self._cache) > _CACHED_FRAMES:
            self._cache.popitem(last=False)
        if self._wish is None:
            self.loaded.emit(picture)
        self._read_next()

    def _on_failed(self, error: BaseException) -> None:
        self._reading = False
        self.failed.emit(error)
        self._read_next()

    @staticmethod
    def _key(session: Session, position: int, calibration: StereoCalibration | None) -> Key:
        return str(session.folder), position, calibration.id if calibration is not None else ""
