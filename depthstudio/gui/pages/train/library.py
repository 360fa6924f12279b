"""The runs of the workspace: read in the background, opened, compared and thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from depthstudio.errors import UserError
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.dataset.trash import restore, throw_away
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import NewestAnswer, TaskContext
from depthstudio.gui.widgets.sheet import QuestionSheet
from depthstudio.training.run import Run, RunSummary, list_runs


@dataclass(frozen=True)
class RunEntry:
    """A run with its one-line summary, read in the background."""

    run: Run
    summary: RunSummary

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.run.folder


def read_runs(folder: Path) -> list[RunEntry]:
    """All readable runs, newest first. Reads every history, so not on the GUI thread."""
    return [RunEntry(run, run.summary()) for run in list_runs(folder)]


class RunLibrary(QObject):
    """changed(): `entries` are new. opened(story), compared(story or None), several_read(stories): read.

    trashed(folder): it is gone.
    """

    changed = Signal()
    opened = Signal(object)
    compared = Signal(object)
    several_read = Signal(object)
    trashed = Signal(object)

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self.entries: list[RunEntry] = []
        self.question: QuestionSheet | None = None
        self._list, self._one, self._other, self._several = (NewestAnswer(studio.tasks) for _ in range(4))

    def reload(self) -> None:
        """Read all runs; `changed` follows."""
        folder = self._studio.workspace.runs

        def work(_: TaskContext) -> list[RunEntry]:
            return read_runs(folder)

        self._list.run(work, "List runs", self._on_entries)

    def open(self, folder: Path) -> None:
        """Read a run with its curves; `opened` follows."""
        self._one.run(lambda _: RunStory.of(Run.open(folder)), "Read a run", self.opened.emit)

    def read_several(self, folders: list[Path]) -> None:
        """Read runs to lay over each other; `several_read` follows, for those that were asked for last."""

        def work(_: TaskContext) -> list[RunStory]:
            return [RunStory.of(Run.open(folder)) for folder in folders]

        self._several.run(work, "Read runs", self.several_read.emit)

    def describe(self, entry: RunEntry, name: str, notes: str) -> None:
        """Give a run another name or note."""
        try:
            Run.open(entry.folder).describe(name=name, notes=notes)
        except (UserError, OSError) as error:
            self._studio.report(error)
        self._studio.library_changed.emit()

    def compare(self, folder: Path | None) -> None:
        """Read a run to compare with; `compared` follows."""
        if folder is None:
            self._other.forget()
            self.compared.emit(None)
        else:
            self._other.run(lambda _: RunStory.of(Run.open(folder)), "Read a run", self.compared.emit)

    def ask_trash(self, entry: RunEntry, window: QWidget) -> None:
        """Ask, then move a run to the workspace's trash."""
        text = "Its curves, pictures and networks go to the trash folder of the workspace."
        answers = [("Keep it", lambda: None, ""), ("Move to trash", lambda: self._trash(entry), "danger")]
        self.question = QuestionSheet(window, f"Move the run '{entry.run.name}' to the trash?", text, answers)

    def _on_entries(self, entries: list[RunEntry]) -> None:
        self.entries = entries
        self.changed.emit()

    def _trash(self, entry: RunEntry) -> None:
        workspace = self._studio.workspace
        try:
            there = throw_away(entry.folder, workspace.root)
        except UserError as error:
            self._studio.report(error)
            return
        undo = ("Undo", lambda: self._restore(there))
        what = f"The run '{entry.run.name}' is in the trash."
        self._studio.notify(Notice(what, f"{there}.", tone="info", action=undo, topic=str(there)))
        self.trashed.emit(entry.folder)
        self._studio.library_changed.emit()

    def _restore(self, trashed: Path) -> None:
        self._studio.resolved.emit(str(trashed))
        try:
            restore(trashed, self._studio.workspace.runs)
        except UserError as error:
            self._studio.report(error)
        self._studio.library_changed.emit()
