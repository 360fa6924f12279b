"""What can be done with a run: end it while it goes on, and go on from it when it is over."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from depthstudio.gui.pages.train.job import TrainingJob
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.studio import Studio
from depthstudio.gui.theme import GRID_PX, theme
from depthstudio.gui.widgets.basics import button, column, icon_button, row
from depthstudio.gui.widgets.sheet import QuestionSheet

_FINISH, _STOP = "Finish epoch and keep best", "Stop now and keep best"


class LiveExits(QWidget):
    """The ways to hold or end the running run; all but one keep the best network."""

    save_asked = Signal()

    def __init__(self, job: TrainingJob) -> None:
        super().__init__()
        self._job = job
        self.question: QuestionSheet | None = None
        self.pause = button("Pause", self._toggle_pause, "pause")
        self.discard = button("Discard…", self.ask_discard, "trash-2", tip="Ends it and removes the whole run")
        self.save = icon_button("download", "Save the curves as PNG and CSV in the run's folder", self.save_asked.emit)
        self.finish = button(_FINISH, job.finish_epoch, "flag", tip="Ends when the running epoch is measured")
        self.stop = button(
            _STOP, job.stop, "square", "danger", "Ends at the next step; the unfinished epoch is dropped"
        )
        first = row(self.pause, self.discard, self.save)
        first.setStretch(0, 1)
        first.setStretch(1, 1)
        self.setLayout(column(first, self.finish, self.stop, spacing=GRID_PX))
        self.refresh()

    def refresh(self) -> None:
        """The buttons say what is happening."""
        job, story = self._job, self._job.story
        stopping, finishing, discarding = job.is_stopping, job.is_finishing_epoch, job.is_discarding
        has_begun = story is not None and story.started is not None
        self.pause.setEnabled(has_begun and not stopping)
        stands_still = job.is_paused and story is not None and story.is_paused
        self.pause.setText("Resume" if stands_still else "Pausing…" if job.is_paused else "Pause")
        tip = "Go on with the next step" if job.is_paused else "Stand still after this step; memory stays in use"
        self.pause.setToolTip(tip)
        theme().set_icon(self.pause, "play" if job.is_paused else "pause", "text_muted", 16)
        self.discard.setEnabled(not stopping)
        self.discard.setText("Discarding…" if discarding else "Discard…")
        self.save.setEnabled(story is not None and bool(story.epochs))
        self.finish.setEnabled(has_begun and not stopping and not finishing)
        self.finish.setText("Finishing this epoch…" if finishing else _FINISH)
        self.stop.setEnabled(not stopping)
        self.stop.setText("Stopping…" if stopping and not discarding else _STOP)

    def ask_discard(self) -> None:
        """Ask, then end the running run and remove it."""
        text = "Its curves, pictures and networks are removed for good, those of its earlier epochs too."
        answers = [("Keep it", lambda: None, ""), ("Discard the run", self._job.discard, "danger")]
        self.question = QuestionSheet(self.window(), "Discard this run?", text, answers)

    def _toggle_pause(self) -> None:
        self._job.set_paused(not self._job.is_paused)


class AfterExits(QWidget):
    """Where a run that is over leads. The signals are for the page; preview and folder need nobody else.

    further_asked(folder): set up a run that starts from this one's result.
    """

    resume_asked = Signal()
    further_asked = Signal(object)
    new_asked = Signal()
    back_asked = Signal()
    save_asked = Signal()

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self._studio = studio
        self._story: RunStory | None = None
        self.back = button("Back to the running one", self.back_asked.emit, "undo-2", "link")
        self.preview = button("Preview it live", self.preview_live, "eye", "primary", "Open its network on Live")
        self.resume = button("Resume", self.resume_asked.emit, "play", tip="Go on after the last finished epoch")
        self.further = button("Fine-tune further", self.ask_further, "graduation-cap")
        self.further.setToolTip("Set up a new run that starts from this network")
        self.evaluate = button("Evaluate", self.ask_evaluation, "gauge", tip="Measure its network thoroughly")
        self.export = button("Export…", self.ask_export, "package", tip="For other programs and machines")
        self.folder = icon_button("folder-open", "Open the run's folder", self.open_folder)
        self.new = button("New run", self.new_asked.emit, "plus")
        save_tip = "Save the curves as PNG and CSV in the run's folder"
        self.save = icon_button("download", save_tip, self.save_asked.emit)
        onwards = row(self.further, self.evaluate)
        last = row(self.export, self.new, self.folder, self.save)
        for place in range(2):
            last.setStretch(place, 1)
        self.setLayout(column(self.back, self.preview, self.resume, onwards, last, spacing=GRID_PX))

    def show_story(self, story: RunStory, another_runs: bool) -> None:
        """another_runs: a run is going on meanwhile."""
        self._story = story
        has_folder, has_epochs = story.folder is not None, bool(story.epochs)
        has_result = story.folder is not None and (story.folder / "best.safetensors").exists()
        self.preview.setVisible(has_result and has_epochs)
        self.further.setVisible(has_result and has_epochs)
        self.export.setVisible(has_result)
        self.evaluate.setVisible(has_result)
        self.resume.setVisible(story.can_resume)
        self.resume.setEnabled(not another_runs)
        self.folder.setEnabled(has_folder)
        self.save.setEnabled(has_folder and has_epochs)
        self.back.setVisible(another_runs)

    def preview_live(self) -> None:
        """Show this run's network on live images."""
        if self._story is not None and self._story.folder is not None:
            self._studio.preview_requested.emit(self._story.folder)
            self._studio.show_page("live")

    def ask_further(self) -> None:
        """Set up a run that starts from this one's result."""
        if self._story is not None and self._story.folder is not None:
            self.further_asked.emit(self._story.folder)

    def ask_evaluation(self) -> None:
        """Measure this run's network on the Evaluate page."""
        if self._story is not None and self._story.folder is not None:
            self._studio.show_page("evaluate")
            self._studio.evaluation_requested.emit(self._story.folder)

    def ask_export(self) -> None:
        """Ask how to export this run's network."""
        from depthstudio.gui.export_sheet import open_export

        if self._story is not None and self._story.folder is not None:
            open_export(self._studio, self._story.folder)

    def open_folder(self) -> None:
        """Show the run's folder in the file manager."""
        if self._story is not None and self._story.folder is not None:
            open_folder(self._story.folder)


def open_folder(folder: Path) -> None:
    """Show a folder in the file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
