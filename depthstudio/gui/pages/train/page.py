"""Train: set up a fine-tuning, watch its curves tell the truth, and go on from its result."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QStackedWidget, QWidget

from depthstudio.frames import Image
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.base import Page
from depthstudio.gui.pages.train.checks_section import question_before
from depthstudio.gui.pages.train.curves import CurvesView
from depthstudio.gui.pages.train.exits import AfterExits, LiveExits, open_folder
from depthstudio.gui.pages.train.job import TrainingJob
from depthstudio.gui.pages.train.library import RunEntry, RunLibrary
from depthstudio.gui.pages.train.preview import SetupPreview
from depthstudio.gui.pages.train.run_details import RunDetails
from depthstudio.gui.pages.train.run_panel import RunPanel
from depthstudio.gui.pages.train.runs_view import MOST_COMPARED, RunsView
from depthstudio.gui.pages.train.samples import SampleStrip
from depthstudio.gui.pages.train.setup_panel import SetupPanel
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.pages.train.verdict import LIVE, RunState, closing_verdict, state_of
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.gui.theme import GRID_PX, mark
from depthstudio.gui.training_worker import frame_picture, scored_frames
from depthstudio.gui.widgets.basics import Segments, button, column, label, row
from depthstudio.gui.widgets.sheet import QuestionSheet
from depthstudio.gui.widgets.status import EmptyState
from depthstudio.training.checks.finding import FrameRef
from depthstudio.training.events import Failed, FrameScore
from depthstudio.training.presets import load_presets

_TABS = {"setup": "Set up", "run": "Run", "runs": "All runs"}


class TrainPage(Page):
    """Curves and sample pictures on the stage; set-up, the shown run or all runs in the panel."""

    name, title, icon = "train", "Train", "graduation-cap"

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.shown: RunStory | None = None
        self.question: QuestionSheet | None = None
        self._live: RunStory | None = None
        self._measuring: Path | None = None
        self.job = TrainingJob(studio, self)
        self.library = RunLibrary(studio, self)
        self.curves = CurvesView()
        self.samples = SampleStrip(studio.tasks)
        self.setup = SetupPanel(studio)
        self._build_stage()
        self._build_panel()
        self._connect()
        self._show_all()
        self.library.reload()

    # ---- building

    def _build_stage(self) -> None:
        work = QWidget()
        layout = column(self.curves, self.samples, spacing=2 * GRID_PX)
        layout.setStretch(0, 5)
        layout.setStretch(1, 3)
        work.setLayout(layout)
        self._no_data = EmptyState(
            "database",
            "Nothing to learn from yet",
            "Record two scenes with depth on the Capture page: one to train on, one to validate on. "
            "Or choose a folder with another data set.",
            [
                ("Record scenes", lambda: self.studio.show_page("capture"), "camera"),
                ("Choose a folder", self.setup.data.ask_folder, "folder-open"),
            ],
        )
        self.preview_view = SetupPreview(self.studio.tasks)
        self.runs_view = RunsView()
        self._stage_views = QStackedWidget()
        for view in (work, self._no_data, self.preview_view, self.runs_view):
            self._stage_views.addWidget(view)
        self.stage.addWidget(self._stage_views)

    def _build_panel(self) -> None:
        self.tabs = Segments(_TABS)
        self.run_panel = RunPanel()
        self.runs = RunDetails()
        self._tab_widgets: dict[str, QWidget] = {"setup": self.setup, "run": self.run_panel, "runs": self.runs}
        for item in (self.tabs, *self._tab_widgets.values()):
            self.panel.add(item)
        self.start_button = button("Start", self.start, "play", "primary", "Start fine-tuning (Ctrl+Return)")
        self.start_problem = label("", "small", wrap=True)
        self._start_footer = QWidget()
        self._start_footer.setLayout(column(self.start_problem, row(self.setup.run_name, self.start_button)))
        self.live_exits = LiveExits(self.job)
        self.exits = AfterExits(self.studio)
        for footer in (self._start_footer, self.live_exits, self.exits):
            self.panel.add_footer(footer)

    def _connect(self) -> None:
        self.tabs.chosen.connect(lambda _: self._show_all())
        self.setup.changed.connect(self._show_start)
        self.setup.checks.frame_asked.connect(self.show_frame)
        self.job.changed.connect(self._on_job_changed)
        self.job.advanced.connect(self._on_advanced)
        self.job.pictures_made.connect(self._on_pictures)
        self.job.ended.connect(self._on_ended)
        self.studio.library_changed.connect(self._on_library)
        self.studio.calibration_changed.connect(self._on_calibration)
        self.run_panel.compare.chosen.connect(self.library.compare)
        self.library.changed.connect(self._on_runs)
        self.library.opened.connect(self._on_opened)
        self.library.compared.connect(self._on_compared)
        self.library.trashed.connect(self._on_trashed)
        self.library.several_read.connect(self.runs_view.show_stories)
        self.runs_view.table.chosen.connect(self._on_chosen)
        self.runs_view.table.opened.connect(self.open_run)
        self.runs.asked.connect(self._on_run_asked)
        self.runs.described.connect(self.library.describe)
        self.run_panel.frames.frame_asked.connect(self.show_scored_frame)
        self.run_panel.frames.scores_asked.connect(self.measure_frames)
        self.exits.resume_asked.connect(self.resume)
        self.exits.further_asked.connect(self.fine_tune_further)
        self.exits.new_asked.connect(self.new_run)
        self.exits.back_asked.connect(self.show_live)
        self.exits.save_asked.connect(self.save_curves)
        self.live_exits.save_asked.connect(self.save_curves)
        self.live_exits.discard_asked.connect(self.ask_discard)
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
        self._show_all()

    def show_story(self, story: RunStory | None) -> None:
        """Put a run on the stage."""
        self.shown = story
        self.run_panel.compare.show_other(None, None)
        self.curves.show_compared(None)
        self.curves.show_story(story)
        self.samples.show_folder(story.folder if story is not None else None)
        self._offer_comparison()
        self._show_all()

    def show_live(self) -> None:
        """Put the running run on the stage."""
        self.show_story(self.job.story)
        self.show_tab("run")

    def on_shown(self) -> None:
        """Roles and recordings may have changed on other pages."""
        self.setup.look()
        self._show_curves()
        self._show_all()

    def on_escape(self) -> None:
        """From a stored run back to the running one, or to the set-up."""
        if self.tabs.current != "setup":
            self.show_tab("setup")

    def _show_all(self) -> None:
        tab, state = self.tabs.current, self.state
        for key, widget in self._tab_widgets.items():
            widget.setVisible(key == tab)
        live = state in LIVE
        self._start_footer.setVisible(tab == "setup")
        self.live_exits.setVisible(tab == "run" and live)
        self.exits.setVisible(tab == "run" and self.shown is not None and not live)
        self._show_run()
        self._show_start()

    def _show_stage(self) -> None:
        if self.tabs.current == "runs":
            self._stage_views.setCurrentWidget(self.runs_view)
            return
        setting_up = self.tabs.current == "setup" and not self.job.is_running
        if self.shown is not None and not setting_up:
            self._stage_views.setCurrentIndex(0)
            return
        look = self.setup.data.look
        nothing = look is not None and look.report is None and not look.recordings
        self._stage_views.setCurrentWidget(self._no_data if nothing else self.preview_view)
        if self.isVisible() and look is not None and look.data is not None:
            self.preview_view.show_data(look.data, self.setup.settings)

    def _show_run(self) -> None:
        story, state = self.shown, self.state
        if story is None or state is None:
            self.run_panel.show_nothing()
            return
        measuring = self._measuring is not None and self._measuring == story.folder
        self.run_panel.show_story(story, state, is_measuring=measuring)
        if state in LIVE:
            self.live_exits.refresh()
        else:
            self.exits.show_story(story, self.job.is_running)

    def _show_start(self) -> None:
        problem = "A run is going on already." if self.job.is_running else self.setup.problem
        self.start_button.setEnabled(not problem)
        findings = self.setup.checks.findings
        critical = any(finding.tone == "bad" for finding in findings)
        self.start_button.setText("Start anyway" if critical and not problem else "Start")
        first = next((finding.what for finding in findings if finding.tone != "good"), "")
        words = problem or first
        mark(self.start_problem, tone="" if problem else "bad" if critical else "warning")
        self.start_problem.setText(words)
        self.start_problem.setVisible(bool(words))
        self._show_stage()

    def _show_curves(self) -> None:
        if self.isVisible():
            self.curves.show_story(self.shown)

    # ---- the running run

    def start(self) -> None:
        """Begin a run with what is set up."""
        settings, choice = self.setup.settings, self.setup.data.choice
        if settings is None or choice is None or not self.start_button.isEnabled():
            return
        name = self.setup.run_name.text().strip()

        def begin() -> None:
            self.job.start(name, settings, choice)
            self.show_live()

        doubts = question_before(self.setup.findings)
        if not doubts:
            begin()
            return
        answers = [("Back", lambda: None, ""), ("Start anyway", begin, "danger")]
        self.question = QuestionSheet(self.window(), "Start in spite of this?", doubts, answers)

    def resume(self) -> None:
        """Go on with the shown run."""
        if self.shown is not None and self.shown.can_resume and not self.job.is_running:
            self.job.resume(self.shown)
            self.show_live()

    def ask_discard(self) -> None:
        """Ask, then end the running run and remove it."""
        text = "Its curves, pictures and networks are removed for good, those of its earlier epochs too."
        answers = [("Keep it", lambda: None, ""), ("Discard the run", self.job.discard, "danger")]
        self.question = QuestionSheet(self.window(), "Discard this run?", text, answers)

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
        if self.shown is self.job.story:
            self._show_curves()
            if self.isVisible() and self.tabs.current == "run":
                self._show_run()

    def _on_pictures(self) -> None:
        if self.shown is not None and self.shown is self.job.story:
            self.samples.show_folder(self.shown.folder)

    def _on_ended(self, story: RunStory) -> None:
        self.setup.run_name.clear()
        if self.shown is story:
            self.show_story(story)
        if not self.isVisible() and not isinstance(story.end, Failed):
            verdict = closing_verdict(story)[0]
            words = f"{verdict.word}. {verdict.evidence}"
            show = ("Show it", lambda: self.studio.show_page(self.name))
            self.studio.notify(Notice(f"The run '{story.name}' has ended.", words, tone="info", action=show))

    # ---- stored runs

    def fine_tune_further(self) -> None:
        """Set up a run that starts from this one's result."""
        if self.shown is not None and self.shown.folder is not None:
            self.setup.network.choose(str(self.shown.folder))
            self.show_tab("setup")

    def new_run(self) -> None:
        """Clear the stage for the next run."""
        self.show_story(None)
        self.show_tab("setup")

    def save_curves(self) -> None:
        """Write curves.png and history.csv into the run's folder."""
        story = self.shown
        if story is not None and story.folder is not None and self._write_csv(story):
            self.curves.grab().save(str(story.folder / "curves.png"))

    def show_frame(self, ref: FrameRef) -> None:
        """Show a frame of the set-up's data in the pictures on the stage."""
        self.show_tab("setup")
        self._stage_views.setCurrentWidget(self.preview_view)
        self.preview_view.show_frame(ref)

    def open_run(self, folder: Path) -> None:
        """Show a run with its curves and verdict."""
        if self.job.is_live(folder):
            self.show_live()
        else:
            self.library.open(folder)

    def _on_chosen(self, folders: list[Path]) -> None:
        entries = [entry for entry in self.library.entries if entry.folder in folders]
        is_live = len(entries) == 1 and self.job.is_live(entries[0].folder)
        self.runs.show_chosen(entries, any_runs=bool(self.library.entries), is_live=is_live)
        self.library.read_several(folders[:MOST_COMPARED])

    def _on_run_asked(self, what: str, entry: RunEntry) -> None:
        match what:
            case "show":
                self.open_run(entry.folder)
            case "further":
                self.setup.network.choose(str(entry.folder))
                self.show_tab("setup")
            case "settings":
                self.setup.use_settings(entry.run.settings)
                self.show_tab("setup")
            case "folder":
                open_folder(entry.folder)
            case "csv":
                self._write_csv(RunStory.of(entry.run))
            case "trash":
                self.library.ask_trash(entry, self.window())

    def _write_csv(self, story: RunStory) -> bool:
        """history.csv beside history.jsonl; says so."""
        assert story.folder is not None
        target = story.folder / "history.csv"
        try:
            story.write_csv(target)
        except OSError as error:
            self.studio.report(error)
            return False
        action = ("Open folder", lambda: open_folder(target.parent))
        self.studio.notify(Notice("The history is saved.", f"{target}.", tone="good", action=action))
        return True

    # ---- single frames

    def measure_frames(self) -> None:
        """Let the shown run's network predict its validation frames."""
        story = self.shown
        if story is None or story.folder is None or self._measuring is not None:
            return
        self._measuring = folder = story.folder

        def work(context: TaskContext) -> tuple[FrameScore, ...]:
            return scored_frames(folder, context.cancel, lambda share: context.progress(share, ""))

        self.studio.tasks.run(work, "Measure frames", self._on_scores, self._on_scores_fault, shown=True)
        self._show_run()

    def show_scored_frame(self, frame: FrameScore) -> None:
        """Show what the shown run's network makes of a validation frame, under the curves."""
        story = self.shown
        if story is None or story.folder is None:
            return
        folder = story.folder

        def work(_: TaskContext) -> tuple[Path, FrameScore, Image]:
            return folder, frame, frame_picture(folder, frame)

        self.studio.tasks.run(work, "Predict a frame", self._on_frame_picture)

    def _on_frame_picture(self, result: tuple[Path, FrameScore, Image]) -> None:
        folder, frame, picture = result
        if self.shown is not None and self.shown.folder == folder:
            self.samples.show_picture(picture, f"{frame.name}: {frame.epe_px:.3g} px")

    def _on_scores(self, frames: tuple[FrameScore, ...]) -> None:
        folder, self._measuring = self._measuring, None
        if self.shown is not None and self.shown.folder == folder:
            self.shown.frames = frames
        self._show_run()

    def _on_scores_fault(self, error: BaseException) -> None:
        self._measuring = None
        self.studio.report(error)
        self._show_run()

    def _on_opened(self, story: RunStory) -> None:
        self.show_story(story)
        self.show_tab("run")
        self._show_run_table()

    def _on_compared(self, other: RunStory | None) -> None:
        self.run_panel.compare.show_other(self.shown, other)
        self.curves.show_compared(other)

    def _on_trashed(self, folder: Path) -> None:
        if self.shown is not None and self.shown.folder == folder:
            self.show_story(None)

    def _on_runs(self) -> None:
        self._show_run_table()
        self.setup.network.offer(self.library.entries)
        self._offer_comparison()

    def _offer_comparison(self) -> None:
        self.run_panel.compare.offer(self.library.entries, self.shown.folder if self.shown is not None else None)

    def _show_run_table(self) -> None:
        live = self.job.story.folder if self.job.is_running and self.job.story is not None else None
        self.runs_view.table.show_runs(self.library.entries, load_presets(self.studio.workspace), live)

    def _on_library(self) -> None:
        self.library.reload()
        self.setup.closer.forget()
        if self.isVisible():
            self.setup.look()

    def _on_calibration(self) -> None:
        if self.isVisible() and self.setup.data.kind.current == "folder":
            self.setup.look()
