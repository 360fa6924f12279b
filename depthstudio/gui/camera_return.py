"""CameraReturn: looks for a camera that was lost until it is back."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from depthstudio.cameras import SourceInfo, list_cameras
from depthstudio.gui.tasks import TaskRunner

_INTERVAL_MS = 1000
_MOST_RETURNS = 5
_STABLE_AFTER_S = 10.0


class CameraReturn(QObject):
    """found() when every camera that was lost is connected again. One that is lost again and again is given up."""

    found = Signal()

    def __init__(self, tasks: TaskRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._missing: frozenset[str] = frozenset()
        self._looking = False
        self.returns = 0
        self._timer = QTimer(self, interval=_INTERVAL_MS)
        self._timer.timeout.connect(self._look)

    @property
    def is_awaited(self) -> bool:
        """True while a lost camera is looked for."""
        return self._timer.isActive()

    def lost(self, devices: tuple[str, ...], streamed_s: float) -> bool:
        """Begin to look for these, which streamed for so long; False when there is nothing to wait for any more."""
        if streamed_s > _STABLE_AFTER_S:
            self.returns = 0
        if not devices or self.returns >= _MOST_RETURNS:
            return False
        self._missing = frozenset(devices)
        self._timer.start()
        return True

    def stop(self) -> None:
        """Look no more."""
        self._timer.stop()

    def _look(self) -> None:
        if not self._looking:
            self._looking = True
            self._tasks.run(lambda _: list_cameras(), "Look for the lost camera", self._on_list, self._on_failed)

    def _on_list(self, cameras: list[SourceInfo]) -> None:
        self._looking = False
        present = {device for info in cameras for device in info.devices}
        if self.is_awaited and present >= self._missing:
            self.stop()
            self.returns += 1
            self.found.emit()

    def _on_failed(self, _: BaseException) -> None:
        self._looking = False
