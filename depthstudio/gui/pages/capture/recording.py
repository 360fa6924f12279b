"""Recording: starts and stops the recorder for the window, and says how it goes."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from depthstudio.cameras import Recorder
from depthstudio.cameras.recording import RecordingProgress, record
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.datasets.views import ViewMemory
from depthstudio.frames import StereoFrame
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.capture.recording_plan import RecordingPlan, finish, new_writer
from depthstudio.gui.studio import SOURCE_TOPIC, Activity, Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.workspace import new_folder_name

_POLL_MS = 200
_RATE_POLLS = 10
_PAGE = "capture"


class Recording(QObject):
    """One recording at a time. `changed` on every change of state and five times a second while it runs.

    finished(folder): a session was closed; it holds every frame acknowledged. taken(): frames were added, in modes that
    do not take every one.
    """

    changed = Signal()
    finished = Signal(object)
    taken = Signal()

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._recorder: Recorder | None = None
        self._plan = RecordingPlan()
        self._busy = False
        self._snapshots: Path | None = None
        self._seen = 0
        self._progress: deque[tuple[float, int, int]] = deque(maxlen=_RATE_POLLS)
        self._poll = QTimer(self, interval=_POLL_MS)
        self._poll.timeout.connect(self._watch)
        studio.sources.opened.connect(self._forget_snapshots)

    # ---- how it goes

    @property
    def is_recording(self) -> bool:
        """True while frames go to disk, or a pause is made."""
        return self._recorder is not None

    @property
    def is_paused(self) -> bool:
        """True while frames are left out because the user wants it."""
        return self._recorder is not None and self._recorder.is_paused

    @property
    def is_busy(self) -> bool:
        """True while the session is being opened or closed, or a recording is being copied."""
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

    @property
    def refused(self) -> dict[str, int]:
        """Why frames were left out, and how many."""
        return self._recorder.refused if self._recorder is not None else {}

    @property
    def hint(self) -> str:
        """What the person at the camera should do; empty when nothing."""
        return self._recorder.hint if self._recorder is not None else ""

    @property
    def views(self) -> ViewMemory | None:
        """What was recorded so far; None when nothing is."""
        return self._recorder.views if self._recorder is not None else None

    @property
    def rate_hz(self) -> float:
        """Frames written per second, over two seconds."""
        return self._per_second(1)

    @property
    def bytes_per_s(self) -> float:
        """Written per second, over two seconds."""
        return self._per_second(2)

    # ---- what can be done

    def start(self, plan: RecordingPlan) -> None:
        """Record the open source into a new session."""
        capture = self._studio.sources.capture
        if self._busy or self.is_recording:
            return
        if capture is None or not self._studio.sources.is_streaming:
            missing = Notice(
                "Nothing to record.", "No source is streaming.", "Open one.", "warning", topic=SOURCE_TOPIC
            )
            self._studio.notify(missing)
            return
        self._plan = plan
        self._set_busy(True)

        def create(_: TaskContext) -> Recorder:
            views = ViewMemory()
            stage = plan.mode.stage(capture, views)
            recorder = Recorder(capture, new_writer(self._studio, capture, plan), stage=stage, views=views)
            recorder.start()
            return recorder

        self._studio.tasks.run(create, "Start recording", self._on_started, self._on_refused)

    def copy(self, url: str, plan: RecordingPlan) -> None:
        """Record a source that has ended again, from its first frame on, every frame, in the background."""
        if self._busy or self.is_recording:
            return
        parent = self._studio.workspace.sessions
        chosen = self._studio.chosen_calibration
        self._set_busy(True)

        def work(context: TaskContext) -> Path:
            def show(progress: RecordingProgress) -> None:
                share = progress.recorded / progress.expected if progress.expected else -1.0
                context.progress(share, f"{progress.recorded} frames")

            session = record(
                url,
                parent / new_folder_name(parent, plan.name),
                mode=plan.mode,
                name=plan.name.strip(),
                notes=plan.notes,
                tags=plan.tags,
                role=plan.role,
                calibration=chosen.calibration if chosen is not None else None,
                on_progress=show,
                cancel=context.cancel,
            )
            return session.folder

        task = self._studio.tasks.run(work, "Record from the start", self._on_closed, self._on_refused, shown=True)
        task.ended.connect(self._on_copy_ended)

    def set_paused(self, paused: bool) -> None:
        """Leave frames out for a while, or go on."""
        if self._recorder is not None:
            if paused:
                self._recorder.pause()
            else:
                self._recorder.resume()
            self.changed.emit()

    def stop(self) -> None:
        """Write what waits and close the session, in the background."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        self._poll.stop()
        self._set_busy(True)
        plan = self._plan

        def close(_: TaskContext) -> Recorder:
            recorder.stop()
            finish(recorder, plan)
            return recorder

        self._studio.tasks.run(close, "Close the recording", self._on_stopped, self._on_refused)

    def stop_now(self) -> None:
        """Close the session and wait; only for leaving the program."""
        if self._recorder is not None:
            self._poll.stop()
            self._recorder.stop()
            finish(self._recorder, self._plan)
            self._recorder = None

    def snapshot(self, frame: StereoFrame) -> None:
        """Add one frame to the snapshots of this source."""
        capture = self._studio.sources.capture
        if capture is None or self._busy:
            return
        self._set_busy(True)

        def write(_: TaskContext) -> Path:
            known = self._snapshots
            plan = RecordingPlan("snapshots")
            if known is not None and known.is_dir():  # the user may have thrown it away
                writer = SessionWriter.reopen(known)
            else:
                writer = new_writer(self._studio, capture, plan)
            with writer:
                writer.append(frame)
            return writer.folder

        self._studio.tasks.run(write, "Snapshot", self._on_snapshot, self._on_refused)

    # ---- inside

    def _per_second(self, which: int) -> float:
        if len(self._progress) < 2 or self._recorder is None:
            return 0.0
        first, last = self._progress[0], self._progress[-1]
        return (last[which] - first[which]) / (last[0] - first[0])

    def _on_started(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._seen = 0
        self._progress.clear()
        self._studio.set_activity(
            _PAGE, Activity("A recording is running.", "A recording is running; it will be stopped and kept.")
        )
        self._poll.start()
        self._set_busy(False)

    def _on_stopped(self, recorder: Recorder) -> None:
        if recorder.error is not None:
            self._studio.report(recorder.error)
        if recorder.recorded:
            self._on_closed(recorder.writer.folder)
            return
        self._studio.set_activity(_PAGE, None)
        self._set_busy(False)
        if recorder.error is None:
            refused = ", ".join(f"{count} {reason}" for reason, count in recorder.refused.items())
            why = f"Frames were left out: {refused}." if refused else "No frame came."
            self._studio.notify(Notice("Nothing was recorded.", why, recorder.hint, "warning"))

    def _on_closed(self, folder: Path) -> None:
        self._studio.set_activity(_PAGE, None)
        self._set_busy(False)
        self.finished.emit(folder)
        self._studio.library_changed.emit()

    def _on_snapshot(self, folder: Path) -> None:
        self._snapshots = folder
        self._set_busy(False)
        self._studio.library_changed.emit()

    def _on_refused(self, error: BaseException) -> None:
        if not self.is_recording:  # else a snapshot was refused while the recording goes on
            self._studio.set_activity(_PAGE, None)
        self._set_busy(False)
        self._studio.report(error)

    def _on_copy_ended(self) -> None:
        """Also when it was stopped before its first frame, of which nothing is told."""
        if self._busy:
            self._set_busy(False)

    def _watch(self) -> None:
        recorder = self._recorder
        if recorder is None:
            return
        if not recorder.is_running:
            self.stop()  # the source ended or the disk refused: close and tell
            return
        self._progress.append((time.monotonic(), recorder.recorded, recorder.writer.bytes_written))
        if recorder.recorded != self._seen and recorder.stage is not None:
            self.taken.emit()
        self._seen = recorder.recorded
        self.changed.emit()

    def _forget_snapshots(self) -> None:
        self._snapshots = None

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        self.changed.emit()
