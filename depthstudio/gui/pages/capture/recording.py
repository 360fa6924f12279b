"""Recording: starts and stops the recorder for the window, and says how it goes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from depthstudio.cameras import CaptureThread, Recorder
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.frames import StereoFrame
from depthstudio.gui.errors import Notice
from depthstudio.gui.studio import Activity, Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.workspace import new_folder_name

_POLL_MS = 200
_PAGE = "capture"


class Recording(QObject):
    """One recording at a time. `changed` on every change of state and five times a second while it runs.

    finished(folder): a session was closed; it holds every frame acknowledged.
    """

    changed = Signal()
    finished = Signal(object)

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._recorder: Recorder | None = None
        self._busy = False
        self._snapshots: Path | None = None
        self._poll = QTimer(self, interval=_POLL_MS)
        self._poll.timeout.connect(self._watch)
        studio.sources.opened.connect(self._forget_snapshots)

    @property
    def is_recording(self) -> bool:
        """True while frames go to disk."""
        return self._recorder is not None

    @property
    def is_busy(self) -> bool:
        """True while the session is being opened or closed."""
        return self._busy

    @property
    def recorded(self) -> int:
        """Frames safely on disk."""
        return self._recorder.recorded if self._recorder is not None else 0

    @property
    def dropped(self) -> int:
        """Frames lost because the disk was too slow."""
        return self._recorder.dropped if self._recorder is not None else 0

    @property
    def waiting(self) -> int:
        """Frames in the recorder's queue."""
        return self._recorder.waiting if self._recorder is not None else 0

    @property
    def megabytes(self) -> float:
        """Written so far."""
        return self._recorder.writer.bytes_written / 1e6 if self._recorder is not None else 0.0

    def toggle(self, name: str) -> None:
        """Start, or stop what runs."""
        if self.is_recording:
            self.stop()
        elif not self._busy:
            self.start(name)

    def start(self, name: str) -> None:
        """Record the open source into a new session."""
        capture = self._studio.sources.capture
        if capture is None or not self._studio.sources.is_streaming:
            self._studio.notify(Notice("Nothing to record.", "No source is streaming.", "Open one.", "warning"))
            return
        self._set_busy(True)

        def create(_: TaskContext) -> Recorder:
            recorder = Recorder(capture, self._new_writer(capture, name))
            recorder.start()
            return recorder

        self._studio.tasks.run(create, "Start recording", self._on_started, self._on_refused)

    def stop(self) -> None:
        """Write what waits and close the session, in the background."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        self._poll.stop()
        self._set_busy(True)

        def close(_: TaskContext) -> Recorder:
            recorder.stop()
            return recorder

        self._studio.tasks.run(close, "Close the recording", self._on_stopped, self._on_refused)

    def stop_now(self) -> None:
        """Close the session and wait; only for leaving the program."""
        if self._recorder is not None:
            self._poll.stop()
            self._recorder.stop()
            self._recorder = None

    def snapshot(self, frame: StereoFrame) -> None:
        """Add one frame to the snapshots of this source."""
        capture = self._studio.sources.capture
        if capture is None or self._busy:
            return
        self._set_busy(True)

        def write(_: TaskContext) -> Path:
            known = self._snapshots
            writer = SessionWriter.reopen(known) if known is not None else self._new_writer(capture, "snapshots")
            with writer:
                writer.append(frame)
            return writer.folder

        self._studio.tasks.run(write, "Snapshot", self._on_snapshot, self._on_refused)

    def _new_writer(self, capture: CaptureThread, name: str) -> SessionWriter:
        parent = self._studio.workspace.sessions
        folder = parent / new_folder_name(parent, name)
        active = self._studio.calibration
        settings = {control.name: control.value for control in capture.controls}
        calibration = active.calibration if active is not None else None
        return SessionWriter(folder, capture.source.url, calibration, settings, name=name.strip())

    def _on_started(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._studio.set_activity(
            _PAGE, Activity("A recording is running.", "A recording is running; it will be stopped and kept.")
        )
        self._poll.start()
        self._set_busy(False)

    def _on_stopped(self, recorder: Recorder) -> None:
        self._studio.set_activity(_PAGE, None)
        self._set_busy(False)
        if recorder.error is not None:
            self._studio.report(recorder.error)
        self.finished.emit(recorder.writer.folder)
        self._studio.library_changed.emit()

    def _on_snapshot(self, folder: Path) -> None:
        self._snapshots = folder
        self._set_busy(False)
        self._studio.library_changed.emit()

    def _on_refused(self, error: BaseException) -> None:
        self._studio.set_activity(_PAGE, None)
        self._set_busy(False)
        self._studio.report(error)

    def _watch(self) -> None:
        if self._recorder is not None and not self._recorder.is_running:
            self.stop()  # the source ended or the disk refused: close and tell
        else:
            self.changed.emit()

    def _forget_snapshots(self) -> None:
        self._snapshots = None

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self.changed.emit()
