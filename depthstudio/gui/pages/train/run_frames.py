"""Single validation frames of a run: measuring them all, and predicting one to look at. In the background."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from depthstudio.frames import Image
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import NewestAnswer, TaskContext
from depthstudio.gui.training_worker import frame_picture, scored_frames
from depthstudio.training.events import FrameScore


class RunFrames(QObject):
    """changed(): measuring began or ended. predicted(folder, frame, picture): a frame's four parts side by side."""

    predicted = Signal(object, object, object)
    changed = Signal()

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._measured: RunStory | None = None
        self._predictions = NewestAnswer(studio.tasks)

    def is_measuring(self, story: RunStory) -> bool:
        """This run's frames are just being measured."""
        return self._measured is not None and self._measured.folder == story.folder

    def measure(self, story: RunStory) -> None:
        """Let a run's network predict its validation frames, which become the story's; one run at a time."""
        folder = story.folder
        if self._measured is not None or folder is None:
            return
        self._measured = story

        def work(context: TaskContext) -> tuple[FrameScore, ...]:
            return scored_frames(folder, context.cancel, lambda share: context.progress(share, ""))

        self._studio.tasks.run(work, "Measure frames", self._on_scores, self._on_fault, shown=True)
        self.changed.emit()

    def predict(self, folder: Path, frame: FrameScore) -> None:
        """Let a run's network predict one of its validation frames; of several asked for, only the last is told."""

        def work(_: TaskContext) -> Image:
            return frame_picture(folder, frame)

        self._predictions.run(work, "Predict a frame", lambda picture: self.predicted.emit(folder, frame, picture))

    def _on_scores(self, frames: tuple[FrameScore, ...]) -> None:
        story, self._measured = self._measured, None
        if story is not None:
            story.frames = frames
        self.changed.emit()

    def _on_fault(self, error: BaseException) -> None:
        self._measured = None
        self._studio.report(error)
        self.changed.emit()
