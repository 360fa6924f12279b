"""What can be done with a run: end it while it goes on, and go on from it when it is over."""

from __future__ import annotations

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from depthstudio.gui.pages.train.job import TrainingJob
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.studio import Studio
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import button, column, icon_button, row

_FINISH, _STOP = "Finish epoch and keep best", "Stop now and keep best"


class LiveExits(QWidget):
    """Both ways to end the running run; either keeps the best network."""

    def __init__(self, job: TrainingJob) -> None:
        super().__init__()
        self._job = job
        self.finish = button(_FINISH, job.finish_epoch, "flag", tip="Ends when the running epoch is measured")
        self.stop = button(
            _STOP, job.stop, "square", "danger", "Ends at the next step; the unfinished epoch is dropped"
        )
        self.setLayout(column(self.finish, self.stop, spacing=GRID_PX))
        self.refresh()

    def refresh(self) -> None:
        """The buttons say what is happening."""
        stopping, finishing = self._job.is_stopping, self._job.is_finishing_epoch
        has_begun = self._job.story is not None and self._job.story.started is not None
        self.finish.setEnabled(has_begun and not stopping and not finishing)
        self.finish.setText("Finishing this epoch…" if finishing else _FINISH)
        self.stop.setEnabled(not stopping)
        self.stop.setText("Stopping…" if stopping else _STOP)


class AfterExits(QWidget):
    """Where a run that is over leads. The signals are for the page; preview and folder need nobody else."""

    resume_asked = Signal()
    further_asked = Signal()
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
        self.further = button("Fine-tune further", self.further_asked.emit, "graduation-cap")
        self.further.setToolTip("Set up a new run that starts from this network")
        self.folder = button("Open folder", self.open_folder, "folder-open")
        self.new = button("New run", self.new_asked.emit, "plus")
        save_tip = "Save the curves as PNG and CSV in the run's folder"
        self.save = icon_button("download", save_tip, self.save_asked.emit)
        last = row(self.folder, self.new, self.save)
        self.setLayout(column(self.back, self.preview, self.resume, self.further, last, spacing=GRID_PX))

    def show_story(self, story: RunStory, another_runs: bool) -> None:
        """another_runs: a run is going on meanwhile."""
        self._story = story
        has_folder, has_epochs = story.folder is not None, bool(story.epochs)
        has_result = story.folder is not None and (story.folder / "best.safetensors").exists()
        self.preview.setVisible(has_result and has_epochs)
        self.further.setVisible(has_result and has_epochs)
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

    def open_folder(self) -> None:
        """Show the run's folder in the file manager."""
        if self._story is not None and self._story.folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._story.folder)))
