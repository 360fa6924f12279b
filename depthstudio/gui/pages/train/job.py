"""TrainingJob: the one fine-tuning that may run, followed from its worker thread and told to the page at leisure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from depthstudio.cancel import CancelToken
from depthstudio.errors import UserError
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.train.notices import discarded_notice
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.studio import Activity, Studio
from depthstudio.gui.tasks import Task
from depthstudio.gui.training_worker import DataChoice, Prepared, new_run, resumed_run
from depthstudio.training.control import RunControl
from depthstudio.training.events import Continued, Failed, Paused, SampleImages
from depthstudio.training.settings import TrainingSettings

_TELL_INTERVAL_MS = 400  # curves are repainted two or three times a second, however fast the steps are
_ACTIVITY = Activity(
    "Fine-tuning is running.",
    "A fine-tuning is running. Its best network so far is kept, and it can be resumed later.",
)


class TrainingJob(QObject):
    """Starts, follows and ends a run.

    changed(): it began, has its folder, is stopping or ended. advanced(): the story grew, two or three times a second.
    pictures_made(): new sample pictures lie in the run's folder. ended(story): it is over and has a folder.
    """

    changed = Signal()
    advanced = Signal()
    pictures_made = Signal()
    ended = Signal(object)

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._task: Task | None = None
        self._control = RunControl()
        self._said_stopping = False
        self.story: RunStory | None = None
        self._timer = QTimer(self, interval=_TELL_INTERVAL_MS, singleShot=True)
        self._timer.timeout.connect(self._tell)

    @property
    def is_running(self) -> bool:
        """True from the start until the worker thread is over."""
        return self._task is not None

    @property
    def is_stopping(self) -> bool:
        """True when the next safe point ends it."""
        return self._task is not None and self._task.cancel_token.is_cancelled

    @property
    def is_finishing_epoch(self) -> bool:
        """True when the running epoch is the last one."""
        return self._task is not None and self._control.is_finishing

    @property
    def is_paused(self) -> bool:
        """True from the wish to pause until the wish to go on; the story says when it really stands still."""
        return self._task is not None and self._control.is_paused

    @property
    def is_discarding(self) -> bool:
        """True when it is about to be thrown away."""
        return self._task is not None and self._control.is_discarded

    def start(self, name: str, settings: TrainingSettings, data: DataChoice) -> None:
        """Begin a new run."""
        workspace, control = self._studio.workspace, RunControl()
        story = RunStory(name or "New run", settings)
        self._begin(story, control, lambda: new_run(workspace, name, settings, data, control))

    def resume(self, story: RunStory) -> None:
        """Go on with an interrupted run."""
        folder, control = story.folder, RunControl()
        assert folder is not None, "only a run with a folder can be resumed"
        story.end = None
        self._begin(story, control, lambda: resumed_run(self._studio.workspace, folder, control))

    def stop(self) -> None:
        """End it at the next step; the best network stays."""
        if self._task is not None:
            self._task.cancel()

    def finish_epoch(self) -> None:
        """End it when the running epoch is measured; the best network stays."""
        self._control.finish_epoch()
        self._control.go_on()
        self.changed.emit()

    def discard(self) -> None:
        """End it at the next step and remove everything it wrote."""
        self._control.discard()
        self.stop()

    def set_paused(self, paused: bool) -> None:
        """Stand still after the running step, or go on."""
        if paused:
            self._control.pause()
        else:
            self._control.go_on()
        self.changed.emit()

    def change(self, values: dict[str, float]) -> None:
        """Use other values from the next step on; nonsense becomes a notice."""
        try:
            self._control.change(**values)
        except UserError as error:
            self._studio.report(error)

    def is_live(self, folder: Path | None) -> bool:
        """True when this folder is the running run's."""
        return self.is_running and self.story is not None and folder is not None and self.story.folder == folder

    def _begin(self, story: RunStory, control: RunControl, events: Callable[[], Iterator[Any]]) -> None:
        def follow(cancel: CancelToken) -> Iterator[Any]:
            control.cancel = cancel  # the status strip's stop button ends it, too
            return events()

        self.story, self._control = story, control
        self._task = self._studio.tasks.iterate(follow, "Fine-tune", self._on_event)
        self._task.set_progress(-1.0, "reading the data")
        self._said_stopping = False
        self._task.progressed.connect(self._on_progressed)
        self._task.ended.connect(self._on_ended)
        self._studio.set_activity("train", _ACTIVITY)
        self.changed.emit()

    def _on_progressed(self) -> None:
        """The status strip has a stop button too."""
        if self.is_stopping and not self._said_stopping:
            self._said_stopping = True
            self.changed.emit()

    def _on_event(self, event: object) -> None:
        story = self.story
        if story is None:
            return
        if isinstance(event, Prepared):
            run = event.run
            self.story = RunStory(run.name, run.settings, run.folder, created=run.about.created, loaded=event.lines)
            for past in event.past:
                self.story.take(past)
            self.changed.emit()
        elif isinstance(event, SampleImages):
            self.pictures_made.emit()
        else:
            story.take(event)  # type: ignore[arg-type]
            if isinstance(event, Failed):
                self._studio.notify(Notice(event.message, event.why, event.next_step))
            if isinstance(event, Paused | Continued):
                if self._task is not None:
                    self._task.set_paused(story.is_paused)
                self.changed.emit()
            if not self._timer.isActive():
                self._timer.start()

    def _tell(self) -> None:
        if self._task is not None and self.story is not None:
            self._task.set_progress(self.story.progress if self.story.started else -1.0, progress_words(self.story))
        self.advanced.emit()

    def _on_ended(self) -> None:
        story, self._task = self.story, None
        self._timer.stop()
        if story is not None and self._control.is_discarded:
            self._studio.notify(discarded_notice(story))
        self._studio.set_activity("train", None)
        if story is not None and (story.folder is None or self._control.is_discarded):
            self.story = None  # it never got as far as a folder, or was thrown away
        self.changed.emit()
        if self.story is not None:
            self.ended.emit(self.story)
        if story is not None and story.folder is not None:
            self._studio.library_changed.emit()


def progress_words(story: RunStory) -> str:
    """ "epoch 12/50  best 8 (2.31 px)  4 of 15 patience" for the status strip."""
    if story.started is None:
        return "reading the data"
    if story.baseline is None and not story.epochs:
        return "measuring the network as it came"
    running = min(story.epoch + 1, story.settings.epochs)
    parts = [f"{'paused in ' if story.is_paused else ''}epoch {running}/{story.settings.epochs}"]
    if story.best_epe_px is not None:
        parts.append(f"best {story.best_epoch} ({story.best_epe_px:.3g} px)")
    if story.epochs and story.settings.early_stop_patience:
        parts.append(f"{story.epochs[-1].epochs_without_improvement} of {story.settings.early_stop_patience} patience")
    return "  ".join(parts)
