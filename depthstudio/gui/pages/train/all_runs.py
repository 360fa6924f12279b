"""All runs: which are chosen in the table, what the panel says of them, and what is asked of one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from depthstudio.gui.pages.train.exits import open_folder
from depthstudio.gui.pages.train.job import TrainingJob
from depthstudio.gui.pages.train.library import RunEntry, RunLibrary
from depthstudio.gui.pages.train.run_details import RunDetails
from depthstudio.gui.pages.train.runs_view import MOST_COMPARED, RunsView
from depthstudio.gui.pages.train.saving import save_history
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.studio import Studio
from depthstudio.training.presets import load_presets


class AllRuns(QObject):
    """Ties the library of runs, the table with its curves and the panel together.

    run_asked(folder): show it. further_asked(folder): start from its result. settings_asked(settings): set up the same.
    """

    run_asked = Signal(object)
    further_asked = Signal(object)
    settings_asked = Signal(object)

    def __init__(self, studio: Studio, library: RunLibrary, view: RunsView, job: TrainingJob) -> None:
        super().__init__(view)
        self._studio = studio
        self._library = library
        self._view = view
        self._job = job
        self.details = RunDetails()
        view.table.chosen.connect(self._on_chosen)
        view.table.opened.connect(self.run_asked)
        library.several_read.connect(view.show_stories)
        self.details.asked.connect(self._on_asked)
        self.details.described.connect(library.describe)

    def show_table(self) -> None:
        """List the runs that the library knows."""
        live = self._job.story.folder if self._job.is_running and self._job.story is not None else None
        self._view.table.show_runs(self._library.entries, load_presets(self._studio.workspace), live)

    def choose_one(self) -> None:
        """The newest run, when none is chosen: an empty plot tells nothing."""
        table, entries = self._view.table, self._library.entries
        if entries and not table.folders:
            table.choose({entries[0].folder})
            table.chosen.emit(table.folders)

    def _on_chosen(self, folders: list[Path]) -> None:
        entries = [entry for entry in self._library.entries if entry.folder in folders]
        is_live = len(entries) == 1 and self._job.is_live(entries[0].folder)
        self.details.show_chosen(entries, any_runs=bool(self._library.entries), is_live=is_live)
        self._library.read_several(folders[:MOST_COMPARED])

    def _on_asked(self, what: str, entry: RunEntry) -> None:
        match what:
            case "show":
                self.run_asked.emit(entry.folder)
            case "further":
                self.further_asked.emit(entry.folder)
            case "settings":
                self.settings_asked.emit(entry.run.settings)
            case "folder":
                open_folder(entry.folder)
            case "csv":
                self._studio.tasks.run(
                    lambda _: RunStory.of(entry.run), "Read a run", lambda story: save_history(self._studio, story)
                )
            case "trash":
                self._library.ask_trash(entry, self._view.window())
