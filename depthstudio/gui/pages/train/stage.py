"""The Train page's stage: a run's curves and pictures, what a new run would learn from, or all runs."""

from __future__ import annotations

from PySide6.QtWidgets import QStackedWidget, QWidget

from depthstudio.gui.pages.train.curves import CurvesView
from depthstudio.gui.pages.train.data_section import DataSection
from depthstudio.gui.pages.train.preview import SetupPreview
from depthstudio.gui.pages.train.runs_view import RunsView
from depthstudio.gui.pages.train.samples import SampleStrip
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.studio import Studio
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import column
from depthstudio.gui.widgets.status import EmptyState
from depthstudio.training.checks.finding import FrameRef
from depthstudio.training.settings import TrainingSettings


class TrainStage(QStackedWidget):
    """One view at a time; each keeps what it showed."""

    def __init__(self, studio: Studio, data: DataSection) -> None:
        super().__init__()
        self._data = data
        self.curves = CurvesView()
        self.samples = SampleStrip(studio)
        self.preview = SetupPreview(studio)
        self.runs = RunsView()
        self._run = QWidget()
        layout = column(self.curves, self.samples, spacing=2 * GRID_PX)
        layout.setStretch(0, 5)
        layout.setStretch(1, 3)
        self._run.setLayout(layout)
        self._no_data = EmptyState(
            "database",
            "Nothing to learn from yet",
            "Record two scenes with depth on the Capture page: one to train on, one to validate on. "
            "Or choose a folder with another data set.",
            [
                ("Record scenes", lambda: studio.show_page("capture"), "camera"),
                ("Choose a folder", data.ask_folder, "folder-open"),
            ],
        )
        for view in (self._run, self._no_data, self.preview, self.runs):
            self.addWidget(view)

    def show_story(self, story: RunStory | None) -> None:
        """Another run's curves and pictures."""
        self.curves.show_compared(None)
        self.curves.show_story(story)
        self.samples.show_folder(story.folder if story is not None else None)

    def show_runs(self) -> None:
        """All runs."""
        self.setCurrentWidget(self.runs)

    def show_run(self) -> None:
        """Curves and pictures of the run."""
        self.setCurrentWidget(self._run)

    def show_setup(self, settings: TrainingSettings | None) -> None:
        """What would be learned from. settings: as the pictures are to be prepared."""
        look = self._data.look
        nothing = look is not None and look.report is None and not look.recordings
        self.setCurrentWidget(self._no_data if nothing else self.preview)
        if self.isVisible() and look is not None and look.data is not None:
            self.preview.show_data(look.data, settings)

    def show_frame(self, ref: FrameRef) -> None:
        """One frame of what would be learned from."""
        self.setCurrentWidget(self.preview)
        self.preview.show_frame(ref)
