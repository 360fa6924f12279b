"""BoardLook: the board is looked for in the live picture, with the projector off meanwhile."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from depthstudio.calibration import Offer, ViewCollector
from depthstudio.cameras import CaptureThread
from depthstudio.frames import StereoFrame
from depthstudio.gui.pages.calibrate.board_watcher import BoardWatcher
from depthstudio.gui.pages.calibrate.projector import ProjectorPause


class BoardLook(QObject):
    """seen(StereoFrame, Offer) for every frame looked at, as fast as they are shown."""

    seen = Signal(object, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._watcher: BoardWatcher | None = None
        self._capture: CaptureThread | None = None
        self._projector = ProjectorPause()

    @property
    def is_on(self) -> bool:
        """True while it looks."""
        return self._watcher is not None

    @property
    def note(self) -> str:
        """What to know about the pictures."""
        return "projector off" if self._projector.is_active else ""

    def start(self, capture: CaptureThread, collector: ViewCollector, auto: bool) -> None:
        """Look, and offer what is seen to the collector."""
        self.stop()
        self._capture = capture
        self._watcher = BoardWatcher(capture.newest("calibration"), collector, auto)
        self._watcher.seen.connect(self._on_seen)
        self._watcher.start()

    def stop(self) -> None:
        """Look no more, and put the projector back."""
        watcher, self._watcher = self._watcher, None
        self._projector.end()
        if watcher is not None:
            watcher.retire()

    def set_auto(self, auto: bool) -> None:
        """Whether views are taken by themselves."""
        if self._watcher is not None:
            self._watcher.auto = auto

    def take_view(self) -> None:
        """Take the view that is shown, when it is fit for it."""
        if self._watcher is not None:
            self._watcher.take_view()

    @Slot(object, object)
    def _on_seen(self, frame: StereoFrame, offer: Offer) -> None:
        watcher = self._watcher
        if watcher is None or self.sender() not in (watcher, None):
            return
        if self._capture is not None:
            self._projector.begin(self._capture, frame)
        self.seen.emit(frame, offer)
        watcher.shown()
