"""OpenSource: what the GUI thread asks of the source that is open, and tells it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from PySide6.QtCore import QObject, Signal

from depthstudio.cameras import (
    CameraMemory,
    CaptureThread,
    Control,
    FrameSource,
    PlaybackState,
    SourceMode,
    SourceStatus,
)
from depthstudio.cameras.recorded import RecordedSource
from depthstudio.errors import SourceError
from depthstudio.geometry import StereoCalibration


class OpenSource(QObject):
    """Nothing here blocks: commands run on the thread that reads the source.

    settings_changed(): the camera took a change of its settings, or refused it; settings_refused(error) before that.
    """

    settings_changed = Signal()
    settings_refused = Signal(object)
    _answered = Signal(object)

    def __init__(self, memory: CameraMemory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._memory = memory
        self._capture: CaptureThread | None = None
        self._answered.connect(self._on_answered)

    @property
    def capture(self) -> CaptureThread | None:
        """For consumers of their own: recorder, detection, inference."""
        return self._capture

    @property
    def source(self) -> FrameSource | None:
        """The open source, for its controls."""
        return self._capture.source if self._capture is not None else None

    @property
    def calibration(self) -> StereoCalibration | None:
        """What the source knows about its own cameras; None before it streams."""
        return self._capture.calibration if self._capture is not None else None

    @property
    def controls(self) -> tuple[Control, ...]:
        """What can be set on the open source."""
        return self._capture.controls if self._capture is not None else ()

    @property
    def modes(self) -> tuple[SourceMode, ...]:
        """Sizes and rates that the open camera offers."""
        return self._capture.modes if self._capture is not None else ()

    @property
    def status(self) -> SourceStatus:
        """Warnings, synchronisation and playback of the open source."""
        return self._capture.status if self._capture is not None else SourceStatus()

    @property
    def playback(self) -> PlaybackState | None:
        """Where the open recording stands, after its end too; None for everything else."""
        return self.status.playback

    def set_loop(self, loop: bool) -> None:
        """Begin again at the end, or end there."""

        def change(source: RecordedSource) -> None:
            source.loop = loop

        self._command(change)

    def set_speed(self, speed: float) -> None:
        """Play `speed` times as fast as it was recorded."""
        self._command(lambda source: source.set_speed(speed))

    def _command(self, command: Callable[[RecordedSource], None]) -> None:
        if self._capture is not None and isinstance(self._capture.source, RecordedSource):
            self._capture.call(command)

    def set_control(self, name: str, value: float) -> None:
        """Change a setting of the camera and remember it; `settings_changed` or `settings_refused` follows."""
        self._change_settings(lambda source: source.set_control(name, value))

    def import_settings(self, text: str) -> None:
        """Load a settings file of the camera's maker and remember it."""
        self._change_settings(lambda source: source.import_settings(text), text)

    def _change_settings(self, change: Callable[[FrameSource], None], advanced: str | None = None) -> None:
        if self._capture is None:
            return
        memory = self._memory

        def change_and_remember(source: FrameSource) -> None:
            change(source)
            if source.settings_key:
                try:
                    memory.save(source.settings_key, source.controls(), advanced)
                except OSError as error:
                    raise SourceError("The setting is made, but not remembered.", f"{error}.") from error

        self._capture.call(change_and_remember).add_done_callback(self._answered.emit)

    def _on_answered(self, future: Future[None]) -> None:
        refusal = future.exception()
        if refusal is not None:
            self.settings_refused.emit(refusal)
        self.settings_changed.emit()
