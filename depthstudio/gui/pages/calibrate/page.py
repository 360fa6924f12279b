"""Calibrate: show the board to both cameras, solve, judge, save and use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QStackedWidget

from depthstudio.calibration import Board, Offer, ViewCollector
from depthstudio.frames import StereoFrame
from depthstudio.gui.pages.base import Page
from depthstudio.gui.pages.calibrate.board_look import BoardLook
from depthstudio.gui.pages.calibrate.board_printing import ask_to_print
from depthstudio.gui.pages.calibrate.board_section import BoardSection
from depthstudio.gui.pages.calibrate.board_watcher import BoardWatcher
from depthstudio.gui.pages.calibrate.check_view import CheckView
from depthstudio.gui.pages.calibrate.collected_views import CollectedViews
from depthstudio.gui.pages.calibrate.collecting_view import CollectingView
from depthstudio.gui.pages.calibrate.compare_view import CompareView
from depthstudio.gui.pages.calibrate.empty import empty_state
from depthstudio.gui.pages.calibrate.exits import CalibrationExits
from depthstudio.gui.pages.calibrate.report import CalibrationReport, SolvedCalibration
from depthstudio.gui.pages.calibrate.result_footer import ResultFooter
from depthstudio.gui.pages.calibrate.self_calibration_section import SelfCalibrationSection
from depthstudio.gui.pages.calibrate.solve_section import SolveSection
from depthstudio.gui.pages.calibrate.solving import solving
from depthstudio.gui.pages.calibrate.view_loader import ViewLoader
from depthstudio.gui.pages.calibrate.views_section import ViewsSection
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import ActiveCalibration, Studio
from depthstudio.gui.tasks import Task, TaskContext
from depthstudio.gui.widgets.basics import Segments, row

_STOP_TIMEOUT_MS = 2000
_TABS = ("views", "report", "check", "compare")
_DEFAULT_BOARD = Board(9, 6, 0.025)
_OTHER_VIEWS = "These views are not of the open source. Start again to take views of it."


class CalibratePage(Page):
    """Collecting views, then the report. The collector and the solver know nothing of the window."""

    name, title, icon = "calibrate", "Calibrate", "grid-3x3"

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._look = BoardLook(self)
        self._look.seen.connect(self._on_seen)
        self._task: Task | None = None
        self._inspected = ""
        self.solved: SolvedCalibration | None = None
        self.footer = ResultFooter()
        self.exits = CalibrationExits(studio, self.footer, self._run)
        self._build_stage()
        self._build_panel()
        self._kept = CollectedViews(studio, self.board.board or _DEFAULT_BOARD, self)
        self._kept.came_back.connect(self._on_came_back)
        self.loader = ViewLoader(studio, self._kept, self.board, self._run, self)
        self.loader.began.connect(self._on_loading)
        self.loader.loaded.connect(self._on_loaded)
        self.empty = empty_state(studio, self.loader.ask_folder, lambda: self.open_tab("compare"))
        studio.sources.state_changed.connect(self._on_source_state)
        studio.sources.opened.connect(self._on_opened)
        self.shortcut("Space", self._look.take_view)
        self.shortcut("Ctrl+S", self.save_and_use)
        if studio.sources.source is not None:
            self._on_opened()
        self._show_views()

    # ---- building

    def _build_stage(self) -> None:
        self.collecting = CollectingView()
        self.collecting.removed.connect(self._remove_view)
        self.collecting.chosen.connect(self.inspect)
        self.collecting.back_requested.connect(self.stop_inspecting)
        self.report = CalibrationReport()
        self._stack = QStackedWidget()
        self._stack.addWidget(self.collecting)
        self.report.report_requested.connect(lambda: self.exits.report(self.report.solved, self.collector))
        self.report.export_requested.connect(lambda: self.exits.export(self.report.solved))
        self.check = CheckView(self.studio)
        self.comparison = CompareView(self.studio)
        for view in (self.report, self.check, self.comparison):
            self._stack.addWidget(view)
        self.tabs = Segments({"views": "Views", "report": "Report", "check": "Check", "compare": "Compare"})
        self.tabs.setFixedWidth(380)
        self.tabs.chosen.connect(self._show_tab)
        self.stage.addLayout(row(self.tabs, 1))
        self.stage.addWidget(self._stack, 1)

    def _build_panel(self) -> None:
        self.board = BoardSection(self.studio.settings, self.studio.workspace.boards)
        self.board.changed.connect(self._on_board)
        self.board.print_requested.connect(self._print_board)
        self.views = ViewsSection()
        self.views.take_requested.connect(self._look.take_view)
        self.views.load_requested.connect(
            lambda what: self.loader.ask_recording() if what == "recording" else self.loader.ask_folder()
        )
        self.views.clear_requested.connect(self.clear)
        self.views.restore_requested.connect(self.restore_view)
        self.views.auto.toggled.connect(self._look.set_auto)
        self.views.heat.toggled.connect(self._show_views)
        self.panel.add(self.board)
        self.panel.add(self.views)
        self.solving = SolveSection()
        self.panel.add(self.solving)
        self.self_calibration = SelfCalibrationSection(self.studio)
        self.self_calibration.hide()
        self.panel.add(self.self_calibration)
        self.footer.solve_requested.connect(self.solve)
        self.footer.save_requested.connect(self.save_and_use)
        self.footer.use_requested.connect(lambda: self.exits.use(self.report.solved))
        self.panel.add_footer(self.footer)

    @property
    def collector(self) -> ViewCollector:
        """What views are offered to."""
        return self._kept.collector

    # ---- watching the board

    def on_shown(self) -> None:
        """Look for the board while the page is visible."""
        self._show_tab(self.tab)

    def on_hidden(self) -> None:
        """Nobody looks: save the processor."""
        self._stop_watching()

    def on_escape(self) -> None:
        """Leave the view that is inspected."""
        if self._inspected:
            self.stop_inspecting()

    def shut_down(self) -> None:
        """Wait for the watching threads."""
        self.check.stop()
        self._look.stop()
        BoardWatcher.wait_for_retired(_STOP_TIMEOUT_MS)

    def on_frame(self, frame: StereoFrame) -> None:
        """Live frames are shown by `_on_seen`, together with their corners; a held picture is shown as it is."""
        held = self.studio.sources.state in (SourceState.PAUSED, SourceState.ENDED)
        if not self._look.is_on and held and not self._inspected:
            self.collecting.pair.show_frame(frame, self.collector.board)

    def _on_opened(self) -> None:
        if not self._kept.count:
            self._begin()
        elif not self._is_own:
            self.solving.set_factory(None)
        if self.isVisible():
            self._start_watching()
        self._show_views()

    def _on_source_state(self) -> None:
        state = self.studio.sources.state
        if state is SourceState.PAUSED:
            self._stop_watching()
        elif state is SourceState.STREAMING and not self._look.is_on and self.isVisible():
            self._start_watching()
        self._show_state()

    def _start_watching(self) -> None:
        self._stop_watching()
        if self.tab == "check" and self._task is None:
            self.check.start(self._to_check(), self.board.board)
        sources = self.studio.sources
        if sources.capture is None or sources.state is not SourceState.STREAMING:
            return
        if self._task is not None or self._stack.currentIndex() != 0 or self.board.board is None or self._inspected:
            return
        if not self._is_own:
            return
        # Once solved, only a view that the user takes himself may put the result in question.
        auto = self.views.auto.isChecked() and self.solved is None
        self._look.start(sources.capture, self.collector, auto)

    def _stop_watching(self) -> None:
        self._look.stop()
        self.check.stop()

    def _on_seen(self, frame: StereoFrame, offer: Offer) -> None:
        self.collecting.show_seen(frame, offer, self.collector, self._look.note)
        if offer.accepted:
            self._kept.note_taken(self.studio.sources.url)
            self._invalidate()
            self._show_views()
            self.collecting.strip.scroll_to_end()

    # ---- views

    @property
    def _is_own(self) -> bool:
        """Views of the open source can join those that are there."""
        return self._kept.belongs_to(self.studio.sources.url)

    def clear(self) -> None:
        """Put all views and the result away."""
        self._stop_watching()
        self._begin("You started again.")
        self._on_other_views()

    def _begin(self, why: str = "") -> None:
        """A collection of the open source's views."""
        source, url = self.studio.sources.source, self.studio.sources.url
        live = source is None or source.is_live
        self._kept.begin(self.board.board or _DEFAULT_BOARD, url, why, require_still=live)
        self.solving.set_factory(source.calibration if source is not None else None)

    def _on_board(self) -> None:
        board = self.board.board
        self._stop_watching()
        if board is not None:
            self._kept.change_board(board)
        self._on_other_views()

    def _on_came_back(self, board: Board) -> None:
        self._stop_watching()
        self.board.use(board)
        self.solving.set_factory(self.studio.sources.calibration if self._is_own else None)
        self._on_other_views()

    def _on_other_views(self) -> None:
        self._inspected = ""
        self._invalidate()
        self._show_views()
        if self.isVisible():
            self._start_watching()

    def _on_loading(self) -> None:
        self.solving.set_factory(None)  # nobody knows which cameras took these views
        self._on_other_views()
        self._stop_watching()

    def _on_loaded(self) -> None:
        self._invalidate()
        if self._kept.count:
            self.collecting.pair.show_view(self.collector.collected[-1], self.collector.board)

    def _remove_view(self, name: str) -> None:
        self._kept.remove(name)
        if self._inspected == name:
            self.stop_inspecting()
        self._invalidate()
        self._show_views()

    def restore_view(self) -> None:
        """Bring back the view removed last."""
        self._kept.restore()
        self._invalidate()
        self._show_views()

    def inspect(self, name: str) -> None:
        """Show a view that was taken, large, until `stop_inspecting`."""
        one = next((one for one in self.collector.collected if one.view.name == name), None)
        if one is None:
            return
        self._inspected = name
        self._stop_watching()
        self.collecting.inspect(one, self.collector)
        self._show_state()

    def stop_inspecting(self) -> None:
        """Back to the live picture."""
        self._inspected = ""
        self.collecting.reason.setText("")
        self._show_views()
        self._start_watching()

    def _print_board(self, paper: str) -> None:
        board = self.board.board
        if board is not None:
            ask_to_print(self.window(), self.studio, board, paper)

    def _show_views(self) -> None:
        collector = self.collector
        self.views.show_progress(collector, self._kept.removed_count)
        self.collecting.show_views(collector, self.solved, self._inspected, self.views.heat.isChecked())
        if self.studio.sources.state is SourceState.STREAMING and not self._is_own:
            self.collecting.instruction.setText(_OTHER_VIEWS)
        self._show_state()

    # ---- solving

    def solve(self) -> None:
        """Solve in the background; then show the report."""
        work = solving(self.collector, self.solving.options())
        if self._task is None and work is not None:
            self._stop_watching()
            collector = self.collector
            self._run(work, "Solve the calibration", lambda solved: self._on_solved(solved, collector))

    def _on_solved(self, solved: SolvedCalibration, collector: ViewCollector) -> None:
        if collector is not self.collector:  # others were brought back meanwhile
            return
        self.solved = solved
        self.report.show_solution(solved)
        self.comparison.set_solved(solved.solution.calibration)
        self.exits.suggest_name()
        self.open_tab("report")

    def save_and_use(self) -> None:
        """Write the calibration to the workspace and put it in force."""
        if self.solved is not None and self._task is None:
            collector = self.collector
            self.exits.save_and_use(self.solved, collector, lambda: self._kept.note_saved(collector))

    def _run(self, work: Callable[[TaskContext], Any], title: str, done: Callable[[Any], None]) -> None:
        self._task = self.studio.tasks.run(work, title, done, shown=True)
        self._task.ended.connect(self._on_task_ended)
        self._show_state()

    def _on_task_ended(self) -> None:
        self._task = None
        self._show_views()
        if self.isVisible():
            self._start_watching()

    # ---- state

    def _invalidate(self) -> None:
        """The views changed: the result no longer belongs to them."""
        self.solved = None
        self.comparison.set_solved(None)
        if self.tab != "views":
            self._show_tab("views")
        self._look.set_auto(self.views.auto.isChecked())

    @property
    def tab(self) -> str:
        """views, report, check or compare."""
        return _TABS[self._stack.currentIndex()]

    def open_tab(self, key: str) -> None:
        """Show a tab as if it had been clicked."""
        self.tabs.set_current(key)
        self._show_tab(key)

    def _to_check(self) -> ActiveCalibration | None:
        """What was solved just now, else what is in use."""
        if self.solved is not None:
            return ActiveCalibration(self.solved.solution.calibration, "Solved just now")
        return self.studio.calibration

    def _show_tab(self, key: str) -> None:
        if key == "report" and self.solved is None:
            key = "views"
        self.tabs.set_current(key)
        self._stack.setCurrentIndex(_TABS.index(key))
        collecting = key in ("views", "report")
        self.views.setVisible(collecting)
        self.solving.setVisible(collecting)
        self.self_calibration.setVisible(key == "check")
        if key == "compare":
            self.comparison.refresh()
        self._start_watching()
        self._show_state()

    def _show_state(self) -> None:
        state = self.studio.sources.state
        count, busy, solved = self._kept.count, self._task is not None, self.solved is not None
        nothing = state in (SourceState.NONE, SourceState.FAILED) and not count and not busy and self.tab != "compare"
        self.show_empty(self.empty if nothing else None)
        self.tabs.set_choice_enabled("report", solved)
        collecting = self.tab in ("views", "report")
        self.footer.setVisible(collecting)
        self.footer.show_state(count if self.board.board is not None else 0, busy, solved)
        self.board.setEnabled(not busy)
        self.loader.is_allowed = not busy
        back = self.collecting.back_button
        back.setVisible(bool(self._inspected))
        back.setText("Back to live" if state is SourceState.STREAMING else "Back")
        streaming = state is SourceState.STREAMING
        self.views.take.setEnabled(streaming and not busy and not self._inspected and self._is_own)
        self.views.clear.setEnabled(count > 0 and not busy)
        self.views.load.setEnabled(not busy)
