"""What changes recordings: edits, the trash, imports. Everything runs in the background and tells the library."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from depthstudio.datasets.exporting import ExportReport
from depthstudio.datasets.session import Session
from depthstudio.datasets.session_format import CALIBRATION_FILE
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.dataset.importing import export, import_sessions
from depthstudio.gui.pages.dataset.trash import restore, throw_away
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext

_FILTER = "RealSense recordings (*.db3 *.bag);;All files (*)"


class LibraryActions(QObject):
    """imported(Path): the first recording of an import, before the library is read again."""

    imported = Signal(object)

    def __init__(self, studio: Studio, page: QWidget) -> None:
        super().__init__(page)
        self._studio = studio
        self._page = page
        self._editing = threading.Lock()

    def edit(self, folder: Path, change: Callable[[Session], object]) -> None:
        """Change a recording's description on disk."""

        def write(_: TaskContext) -> None:
            with self._editing:  # two quick edits must not both start from the same state
                change(Session.open(folder))

        self._studio.tasks.run(write, "Change a recording", self._tell)

    def throw_away(self, folder: Path, name: str) -> None:
        """Move a recording to the workspace's trash; the notice offers to take it back.

        Not while something writes or reads recordings: a fine-tuning whose frames are gone fails.
        """
        busy = next((activity for activity in self._studio.activities.values() if activity.runs), None)
        if busy is not None:
            why = f"{busy.text} Recordings must stay in their place meanwhile."
            self._studio.notify(Notice("Nothing was deleted.", why, "Stop it first, or wait for its end.", "warning"))
            return
        root = self._studio.workspace.root

        def moved(trashed: Path) -> None:
            undo = ("Undo", lambda: self.restore(trashed))
            words = f"{name} is in {trashed.parent} now."
            self._studio.notify(Notice("Moved to the trash.", words, tone="info", action=undo, topic=str(trashed)))
            self._tell()

        self._studio.tasks.run(lambda _: throw_away(folder, root), "Move to the trash", moved)

    def restore(self, trashed: Path) -> None:
        """Take a recording back from the trash; the notice that offers it goes."""
        self._studio.resolved.emit(str(trashed))
        sessions = self._studio.workspace.sessions
        self._studio.tasks.run(lambda _: restore(trashed, sessions), "Take back", self._tell)

    def ask_folder(self) -> None:
        """Let the user pick a folder to import."""
        dialog = QFileDialog(self._page.window(), "Import a folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        self._ask(dialog)

    def ask_recording(self) -> None:
        """Let the user pick a .db3 or .bag file to import."""
        self._ask(QFileDialog(self._page.window(), "Import a camera recording", "", _FILTER))

    def import_path(self, path: Path) -> None:
        """Import a folder or file, seen in the status strip."""
        parent = self._studio.workspace.sessions
        self._studio.tasks.run(
            lambda context: import_sessions(path, parent, context), f"Import {path.name}", self._on_imported, shown=True
        )

    def export(self, folder: Path, target: Path, form: str) -> None:
        """Write a recording for other programs, seen in the status strip."""

        def exported(report: ExportReport) -> None:
            first, *left_out = report.lines()
            self._studio.notify(Notice(f"Exported {first}.", " ".join(f"{line}." for line in left_out), tone="good"))

        self._studio.tasks.run(
            lambda context: export(folder, target, form, context), f"Export {folder.name}", exported, shown=True
        )

    def _ask(self, dialog: QFileDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.import_path(Path(name)))
        dialog.open()

    def _on_imported(self, sessions: list[Session]) -> None:
        frames = sum(len(session) for session in sessions)
        count = f"{len(sessions)} {'recording' if len(sessions) == 1 else 'recordings'}"
        bare = [session.name for session in sessions if not (session.folder / CALIBRATION_FILE).exists()]
        why = f"No calibration came with {', '.join(bare)}; choose one before training." if bare else ""
        what = f"Imported {count}, {frames} {'frame' if frames == 1 else 'frames'}."
        self._studio.notify(Notice(what, why, tone="warning" if bare else "good"))
        if sessions:
            self.imported.emit(sessions[0].folder)
        self._tell()

    def _tell(self, _: object = None) -> None:
        self._studio.library_changed.emit()
