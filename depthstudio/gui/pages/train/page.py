"""Train: set up a fine-tuning, watch its curves tell the truth, and go on from its result."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QWidget

from depthstudio.frames import Image
from depthstudio.gui.pages.base import Page
from depthstudio.gui.pages.train.all_runs import AllRuns
from depthstudio.gui.pages.train.exits import AfterExits, LiveExits
from depthstudio.gui.pages.train.job import TrainingJob
from depthstudio.gui.pages.train.library import RunLibrary
from depthstudio.gui.pages.train.notices import ending_notice
from depthstudio.gui.pages.train.run_frames import RunFrames
from depthstudio.gui.pages.train.run_panel import RunPanel
from depthstudio.gui.pages.train.saving import save_history
from depthstudio.gui.pages.train.setup_panel import SetupPanel
from depthstudio.gui.pages.train.stage import TrainStage
from depthstudio.gui.pages.train.start_footer import StartFooter
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.pages.train.verdict import LIVE, RunState, state_of
from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.basics import Segments
from depthstudio.training.checks.finding import FrameRef
from depthstudio.training.events import Failed, FrameScore
from depthstudio.training.giving_way import begin_imports
from depthstudio.training.settings import TrainingSettings

_TABS = {"setup": "Set up", "run": "Run", "runs": "All runs"}


class TrainPage(Page):
    """Curves and sample pictures on the stage; set-up, the shown run or all runs in the panel."""

    name, title, icon = "train", "Train", "graduation-cap"

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.shown: RunStory | None = None
        self._live: RunStory | None = None
        self.job = TrainingJob(studio, self)
        self.library = RunLibrary(studio, self)
        self.frames = RunFrames(studio, self)
        self.setup = SetupPanel(studio)
        self.views = TrainStage(studio, self.setup.data)
        self.runs = AllRuns(studio, self.library, self.views.runs, self.job)
        self.stage.addWidget(self.views)
        self._build_panel()
        self._connect()
        self._show_all()
        self.library.reload()

    # ---- building

    def _build_panel(self) -> None:
        self.tabs = Segments(_TABS)
        self.run_panel = RunPanel()
        self._tab_widgets: dict[str, QWidget] = {"setup": self.setup, "run": self.run_panel, "runs": self.runs.details}
        for item in (self.tabs, *self._tab_widgets.values()):
            self.panel.add(item)
        self.start_footer = StartFooter(self.start, self.setup.run_name)
        self.live_exits = LiveExits(self.job)
        self.exits = AfterExits(self.studio)
        for footer in (self.start_footer, self.live_exits, self.exits):
            self.panel.add_footer(footer)

    def _connect(self) -> None:
        self.tabs.chosen.connect(self._on_tab)
        self.setup.changed.connect(self._show_start)
        self.setup.checks.frame_asked.connect(self.show_frame)
        self.job.changed.connect(self._on_job_changed)
        self.job.advanced.connect(self._on_advanced)
        self.job.pictures_made.connect(self._on_pictures)
        self.job.ended.connect(self._on_ended)
        self.studio.library_changed.connect(self.library.reload)
        self.run_panel.compare.chosen.connect(self.library.compare)
        self.library.changed.connect(self._on_runs)
        self.library.opened.connect(self._on_opened)
        self.library.compared.connect(self._on_compared)
        self.library.trashed.connect(self._on_trashed)
        self.runs.run_asked.connect(self.open_run)
        self.runs.further_asked.connect(self.set_up_from)
        self.runs.settings_asked.connect(self.set_up_like)
        self.run_panel.frames.frame_asked.connect(self.show_scored_frame)
        self.run_panel.frames.scores_asked.connect(self.measure_frames)
        self.frames.predicted.connect(self._on_predicted)
        self.frames.changed.connect(self._show_run)
        self.exits.resume_asked.connect(self.resume)
        self.exits.further_asked.connect(self.set_up_from)
        self.exits.new_asked.connect(self.new_run)
        self.exits.back_asked.connect(self.show_live)
        self.exits.save_asked.connect(self.save_curves)
        self.live_exits.save_asked.connect(self.save_curves)
        self.run_panel.changes.asked.connect(self.job.change)
        self.shortcut("Ctrl+S", self.setup.save)
        self.shortcut("Ctrl+Return", self.start)

    # ---- showing

    @property
    def state(self) -> RunState | None:
        """How the shown run stands; None when none is shown."""
        if self.shown is None:
            return None
        is_live = self.job.is_running and self.shown is self.job.story
        return state_of(self.shown, is_live=is_live, is_stopping=self.job.is_stopping)

    def show_tab(self, key: str) -> None:
        """setup, run or runs."""
        self.tabs.set_current(key)
        self._on_tab(key)

    def show_story(self, story: RunStory | None) -> None:
        """Put a run on the stage."""
        self.shown = story
        self.run_panel.compare.show_other(None, None)
        self.views.show_story(story)
        self._offer_comparison()
        self._show_all()
        self.panel.scroll_to_top()

    def show_live(self) -> None:
        """Put the running run on the stage."""
        self.show_story(self.job.story)
        self.show_tab("run")

    def on_shown(self) -> None:
        """Roles and recordings may have changed on other pages. Who comes here is going to train."""
        begin_imports()
        self.setup.look()
        self._show_curves()
        self._show_all()

    def on_escape(self) -> None:
        """From a stored run back to the running one; else to the set-up."""
        if self.tabs.current == "run" and self.job.is_running and self.shown is not self.job.story:
            self.show_live()
        elif self.tabs.current != "setup":
            self.show_tab("setup")

    def _on_tab(self, key: str) -> None:
        if key == "runs":
            self.runs.choose_one()
        self._show_all()
        self.panel.scroll_to_top()

    def _show_all(self) -> None:
        tab, state = self.tabs.current, self.state
        for key, widget in self._tab_widgets.items():
            widget.setVisible(key == tab)
        live = state in LIVE
        self.start_footer.setVisible(tab == "setup")
        self.live_exits.setVisible(tab == "run" and live)
        self.exits.setVisible(tab == "run" and self.shown is not None and not live)
        self._show_run()
        self._show_start()

    def _show_stage(self) -> None:
        setting_up = self.tabs.current == "setup" and not self.job.is_running
        if self.tabs.current == "runs":
            self.views.show_runs()
        elif self.shown is not None and not setting_up:
            self.views.show_run()
        else:
            self.views.show_setup(self.setup.settings)

    def _show_run(self) -> None:
        story, state = self.shown, self.state
        if story is None or state is None:
            self.run_panel.show_nothing()
            return
        self.run_panel.show_story(story, state, is_measuring=self.frames.is_measuring(story))
        if state in LIVE:
            self.live_exits.refresh()
        else:
            self.exits.show_story(story, self.job.is_running)

    def _show_start(self) -> None:
        problem = "A run is going on already." if self.job.is_running else self.setup.problem
        self.start_footer.show_state(problem, self.setup.checks.findings)
        self._show_stage()

    def _show_curves(self) -> None:
        if self.isVisible():
            self.views.curves.show_story(self.shown)

    # ---- the running run

    def start(self) -> None:
        """Begin a run with what is set up; only while that is on show."""
        settings, choice = self.setup.settings, self.setup.data.choice
        offered = self.tabs.current == "setup" and self.start_footer.button.isEnabled()
        if settings is None or choice is None or not offered:
            return
        name = self.setup.run_name.text().strip()

        def begin() -> None:
            self.job.start(name, settings, choice)
            self.setup.run_name.clear()
            self.show_live()

        self.setup.when_confirmed(begin)

    def resume(self) -> None:
        """Go on with the shown run."""
        if self.shown is not None and self.shown.can_resume and not self.job.is_running:
            self.job.resume(self.shown)
            self.show_live()

    def _on_job_changed(self) -> None:
        if self.shown is not None and self.job.story is not None and self.shown is not self.job.story:
            follows = self.shown.folder is None or self.shown.folder == self.job.story.folder
            if follows:  # the run has its folder now, or a stored run goes on
                self.show_story(self.job.story)
        if self.job.story is None and self.shown is not None and self.shown is self._live:
            self.show_story(None)  # it failed before it had a folder, and the notice says why, or it was discarded
            self.show_tab("setup")
        self._live = self.job.story
        self._show_all()

    def _on_advanced(self) -> None:
        if self.shown is not None and self.shown is self.job.story:
            if self.isVisible():
                self.views.curves.follow(self.shown)
            if self.isVisible() and self.tabs.current == "run":
                self._show_run()

    def _on_pictures(self) -> None:
        if self.shown is not None and self.shown is self.job.story:
            self.views.samples.show_folder(self.shown.folder)

    def _on_ended(self, story: RunStory) -> None:
        if self.shown is story:
            self.show_story(story)
        if not self.isVisible() and not isinstance(story.end, Failed):
            self.studio.notify(ending_notice(story, lambda: self.studio.show_page(self.name)))

    # ---- stored runs

    def set_up_from(self, run: Path) -> None:
        """Set up a run that starts from this one's result."""
        self.setup.network.choose(str(run))
        self.show_tab("setup")

    def set_up_like(self, settings: TrainingSettings) -> None:
        """Set up a run with these settings."""
        self.setup.use_settings(settings)
        self.show_tab("setup")

    def new_run(self) -> None:
        """Clear the stage for the next run."""
        self.show_story(None)
        self.show_tab("setup")

    def save_curves(self) -> None:
        """Write curves.png and history.csv into the run's folder."""
        if self.shown is not None:
            save_history(self.studio, self.shown, self.views.curves)

    def show_frame(self, ref: FrameRef) -> None:
        """Show a frame of the set-up's data in the pictures on the stage."""
        self.show_tab("setup")
        self.views.show_frame(ref)

    def open_run(self, folder: Path) -> None:
        """Show a run with its curves and verdict."""
        if self.job.is_live(folder):
            self.show_live()
        else:
            self.library.open(folder)

    # ---- single frames

    def measure_frames(self) -> None:
        """Let the shown run's network predict its validation frames."""
        if self.shown is not None:
            self.frames.measure(self.shown)

    def show_scored_frame(self, frame: FrameScore) -> None:
        """Show what the shown run's network makes of a validation frame, under the curves."""
        if self.shown is not None and self.shown.folder is not None:
            self.frames.predict(self.shown.folder, frame)

    def _on_predicted(self, folder: Path, frame: FrameScore, picture: Image) -> None:
        if self.shown is not None and self.shown.folder == folder:
            self.views.samples.show_picture(picture, frame)

    def _on_opened(self, story: RunStory) -> None:
        self.show_story(story)
        self.show_tab("run")
        self.runs.show_table()

    def _on_compared(self, other: RunStory | None) -> None:
        self.run_panel.compare.show_other(self.shown, other)
        self.views.curves.show_compared(other)

    def _on_trashed(self, folder: Path) -> None:
        if self.shown is not None and self.shown.folder == folder:
            self.show_story(None)

    def _on_runs(self) -> None:
        self.runs.show_table()
        self.setup.network.offer(self.library.entries)
        self._offer_comparison()

    def _offer_comparison(self) -> None:
        self.run_panel.compare.offer(self.library.entries, self.shown.folder if self.shown is not None else None)
