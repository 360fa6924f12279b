"""Calibrate: show the board to both cameras, solve, judge, save and use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFileDialog, QLineEdit, QStackedWidget, QWidget

from depthstudio.calibration import Board, CollectedView, Offer, ViewCollector, solve_stereo
from depthstudio.calibration.library import board_of_views
from depthstudio.cancel import CancelToken
from depthstudio.errors import CalibrationError
from depthstudio.frames import StereoFrame
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.base import Page
from depthstudio.gui.pages.calibrate.board_pair import BoardPair
from depthstudio.gui.pages.calibrate.board_printing import ask_to_print
from depthstudio.gui.pages.calibrate.board_section import BoardSection
from depthstudio.gui.pages.calibrate.board_watcher import BoardWatcher
from depthstudio.gui.pages.calibrate.check_view import CheckView
from depthstudio.gui.pages.calibrate.compare_view import CompareView
from depthstudio.gui.pages.calibrate.folder_views import add_folder, add_recording
from depthstudio.gui.pages.calibrate.projector import ProjectorPause
from depthstudio.gui.pages.calibrate.report import CalibrationReport, SolvedCalibration
from depthstudio.gui.pages.calibrate.saving import ask_export_file, ask_report_file
from depthstudio.gui.pages.calibrate.self_calibration_section import SelfCalibrationSection
from depthstudio.gui.pages.calibrate.solve_section import SolveSection
from depthstudio.gui.pages.calibrate.views_section import ViewsSection
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import ActiveCalibration, Studio
from depthstudio.gui.tasks import Task, TaskContext
from depthstudio.gui.widgets.basics import Segments, button, column, label, row
from depthstudio.gui.widgets.status import EmptyState
from depthstudio.gui.widgets.view_strip import StripItem, ViewStrip
from depthstudio.workspace import new_folder_name

_MIN_VIEWS = 3
_TABS = ("views", "report", "check", "compare")
_DEFAULT_BOARD = Board(9, 6, 0.025)


class CalibratePage(Page):
    """Collecting views, then the report. The collector and the solver know nothing of the window."""

    name, title, icon = "calibrate", "Calibrate", "grid-3x3"

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._watcher: BoardWatcher | None = None
        self._task: Task | None = None
        self._projector = ProjectorPause()
        self._removed: list[CollectedView] = []
        self._inspected = ""
        self.solved: SolvedCalibration | None = None
        self._build_stage()
        self._build_panel()
        self._build_empty()
        self.collector = self._new_collector()
        studio.sources.state_changed.connect(self._on_source_state)
        studio.sources.opened.connect(self._on_opened)
        self.shortcut("Space", self.take_view)
        self.shortcut("Ctrl+S", self.save_and_use)
        self._show_views()

    # ---- building

    def _build_stage(self) -> None:
        self.pair = BoardPair()
        self.instruction = label("", "instruction", wrap=True)
        self.reason = label("", "muted")
        self.strip = ViewStrip()
        self.strip.removed.connect(self._remove_view)
        self.strip.chosen.connect(self.inspect)
        self.back_button = button("Back to live", self.stop_inspecting, "undo-2", "link", "Leave the view (Esc)")
        policy = self.back_button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # so that the pictures do not jump
        self.back_button.setSizePolicy(policy)
        self.back_button.hide()
        collecting = QWidget()
        layout = column(self.instruction, row(self.reason, 1, self.back_button), self.pair, self.strip)
        layout.setStretch(2, 1)
        collecting.setLayout(layout)
        self.report = CalibrationReport()
        self._stack = QStackedWidget()
        self._stack.addWidget(collecting)
        self.report.report_requested.connect(self.ask_report)
        self.report.export_requested.connect(self.ask_export)
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
        self.board.changed.connect(self.clear)
        self.board.print_requested.connect(self._print_board)
        self.views = ViewsSection()
        self.views.take_requested.connect(self.take_view)
        self.views.load_requested.connect(
            lambda what: self.ask_recording() if what == "recording" else self.ask_folder()
        )
        self.views.clear_requested.connect(self.clear)
        self.views.restore_requested.connect(self.restore_view)
        self.views.auto.toggled.connect(self._on_auto)
        self.views.heat.toggled.connect(self._show_views)
        self.panel.add(self.board)
        self.panel.add(self.views)
        self.solving = SolveSection()
        self.panel.add(self.solving)
        self.self_calibration = SelfCalibrationSection(self.studio)
        self.self_calibration.hide()
        self.panel.add(self.self_calibration)
        self.name_field = QLineEdit()
        self.name_field.setPlaceholderText("Name of the calibration")
        self.name_field.setAccessibleName("Name of the calibration")
        self.solve_button = button("Solve", self.solve, "play", "primary")
        self.save_button = button("Save and use", self.save_and_use, "save", "primary", "Save to workspace (Ctrl+S)")
        self.use_button = button("Use without saving", self.use)
        for item in (self.name_field, self.save_button, self.use_button, self.solve_button):
            self.panel.add_footer(item)

    def _build_empty(self) -> None:
        sources = self.studio.sources
        self.empty = EmptyState(
            "grid-3x3",
            "Calibrating needs a source",
            "Open the camera and show a printed board to it, or load pairs of board images from a folder.",
            [
                ("Choose a source", lambda: self.studio.show_page("capture"), "camera"),
                ("Try the simulated board", lambda: sources.open("sim://hybrid?scene=board"), "box"),
                ("Load pairs…", self.ask_folder, "folder-open"),
                ("Compare calibrations", lambda: self.open_tab("compare"), "git-compare"),
            ],
        )

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
        self.check.stop(wait_ms=2000)
        watcher = self._stop_watching()
        if watcher is not None:
            watcher.wait(2000)

    def on_frame(self, frame: StereoFrame) -> None:
        """Live frames are shown by `_on_seen`, together with their corners; a held picture is shown as it is."""
        held = self.studio.sources.state in (SourceState.PAUSED, SourceState.ENDED)
        if self._watcher is None and held and not self._inspected:
            self.pair.show_frame(frame, self.collector.board)

    def take_view(self) -> None:
        """Take the view that is shown, when it is fit for it."""
        if self._watcher is not None:
            self._watcher.take_view()

    def _on_opened(self) -> None:
        source = self.studio.sources.source
        if not self.collector.collected:
            self.collector = self._new_collector(require_still=source is not None and source.is_live)
        self.solving.set_factory(source.calibration if source is not None else None)
        if self.isVisible():
            self._start_watching()

    def _on_source_state(self) -> None:
        state = self.studio.sources.state
        if state is SourceState.PAUSED:
            self._stop_watching()
        elif state is SourceState.STREAMING and self._watcher is None and self.isVisible():
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
        # Once solved, only a view that the user takes himself may put the result in question.
        auto = self.views.auto.isChecked() and self.solved is None
        self._watcher = BoardWatcher(sources.capture.newest("calibration"), self.collector, auto)
        self._watcher.seen.connect(self._on_seen)
        self._watcher.start()

    def _stop_watching(self) -> BoardWatcher | None:
        watcher, self._watcher = self._watcher, None
        self._projector.end()
        self.check.stop()
        if watcher is not None:
            watcher.stop()
            watcher.finished.connect(watcher.deleteLater)
            watcher.setParent(self)
        return watcher

    @Slot(object, object)
    def _on_seen(self, frame: StereoFrame, offer: Offer) -> None:
        watcher = self._watcher
        if watcher is None or self.sender() not in (watcher, None):
            return
        capture = self.studio.sources.capture
        if capture is not None:
            self._projector.begin(capture, frame)
        self.pair.set_note("projector off" if self._projector.is_active else "")
        self.pair.show_frame(frame, self.collector.board, offer)
        self.reason.setText(offer.reason[:1].upper() + offer.reason[1:])
        if offer.accepted:
            self._invalidate()
            self._show_views()
            self.strip.scroll_to_end()
        watcher.shown()

    def _on_auto(self, auto: bool) -> None:
        if self._watcher is not None:
            self._watcher.auto = auto

    # ---- views

    def clear(self) -> None:
        """Forget all views and the result."""
        self._stop_watching()
        self.collector = self._new_collector()
        self.solving.set_factory(self.studio.sources.calibration)
        self._removed.clear()
        self._inspected = ""
        self._invalidate()
        self._show_views()
        if self.isVisible():
            self._start_watching()

    def ask_folder(self) -> None:
        """Ask for a folder of image pairs."""
        dialog = QFileDialog(self.window(), "Load board images", str(self.studio.workspace.root))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.load_folder(Path(path)))
        dialog.open()

    def ask_recording(self) -> None:
        """Ask for a camera recording."""
        dialog = QFileDialog(self.window(), "Load a recording", str(self.studio.workspace.root))
        dialog.setNameFilter("Recordings (*.db3 *.bag)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.load_recording(f"{Path(path).as_uri()}?realtime=0"))
        dialog.open()

    def load_folder(self, folder: Path) -> None:
        """Replace the views by those found in a folder, in the background; with the board they were saved with."""
        try:
            known = board_of_views(folder)
        except CalibrationError as error:
            self.studio.report(error)
            return
        if known is not None and self._task is None:
            self.board.use(known)
        self._load(lambda *rest: add_folder(rest[0], folder, *rest[1:]))

    def load_recording(self, url: str) -> None:
        """Replace the views by those that a recording shows, in the background."""
        self._load(lambda *rest: add_recording(rest[0], url, *rest[1:]))

    def _load(self, add: Callable[[ViewCollector, Callable[[float, str], None], CancelToken], list[str]]) -> None:
        board = self.board.board
        if board is None or self._task is not None:
            return
        self.clear()
        self._stop_watching()
        self.solving.set_factory(None)  # nobody knows which cameras took these views
        collector = self.collector = ViewCollector(board, require_still=False)
        self._run(lambda context: add(collector, context.progress, context.cancel), "Find the board", self._on_loaded)

    def _on_loaded(self, skipped: list[str]) -> None:
        self._invalidate()
        if self.collector.collected:
            self.pair.show_view(self.collector.collected[-1], self.collector.board)
        if skipped:
            self.studio.notify(Notice(f"{len(skipped)} pairs gave no view.", "; ".join(skipped[:4]), tone="warning"))

    def _remove_view(self, name: str) -> None:
        self._removed.append(self.collector.remove([one.view.name for one in self.collector.collected].index(name)))
        if self._inspected == name:
            self.stop_inspecting()
        self._invalidate()
        self._show_views()

    def restore_view(self) -> None:
        """Bring back the view removed last."""
        if self._removed:
            self.collector.restore(self._removed.pop())
            self._invalidate()
            self._show_views()

    def inspect(self, name: str) -> None:
        """Show a view that was taken, large, until `stop_inspecting`."""
        one = next((one for one in self.collector.collected if one.view.name == name), None)
        if one is None:
            return
        self._inspected = name
        self._stop_watching()
        self.pair.show_coverage(None)
        self.pair.show_view(one, self.collector.board)
        pose, count = one.pose, len(one.view.left_corners)
        tilt = f"tilted by {pose.tilt_deg:.0f}°, its {pose.tilt_sector} nearest" if pose.tilt_deg >= 5 else "upright"
        self.reason.setText(f"View {name}: {count} {self.collector.board.point_name}, {tilt}")
        self.strip.select(name)
        self._show_state()

    def stop_inspecting(self) -> None:
        """Back to the live picture."""
        self._inspected = ""
        self.reason.setText("")
        self._show_views()
        self._start_watching()

    def _print_board(self, paper: str) -> None:
        board = self.board.board
        if board is not None:
            ask_to_print(self.window(), self.studio, board, paper)

    def _new_collector(self, require_still: bool = True) -> ViewCollector:
        return ViewCollector(self.board.board or _DEFAULT_BOARD, require_still=require_still)

    def _show_views(self) -> None:
        collector = self.collector
        self.views.show_progress(collector, len(self._removed))
        self.instruction.setText(collector.instruction)
        errors_px = self.solved.solution.per_view_errors_px if self.solved is not None else {}
        left_out = self.solved.solution.outliers if self.solved is not None else ()
        items = []
        for one in collector.collected:
            name = one.view.name
            caption = f"{name}  {errors_px[name]:.2f} px" if name in errors_px else name
            items.append(StripItem(name, caption, one.left, "bad" if name in left_out else ""))
        self.strip.set_items(items)
        self.strip.select(self._inspected)
        shaded = self.views.heat.isChecked() and bool(collector.collected) and not self._inspected
        self.pair.show_coverage(collector.coverage_counts() if shaded else None)
        self._show_state()

    # ---- solving

    def solve(self) -> None:
        """Solve in the background; then show the report."""
        collector = self.collector
        views, left_size, right_size = collector.views, collector.left_size, collector.right_size
        if self._task is not None or left_size is None:
            return
        self._stop_watching()
        options = self.solving.options()

        def work(context: TaskContext) -> SolvedCalibration:
            return SolvedCalibration.of(
                solve_stereo(
                    views,
                    collector.board,
                    left_size,
                    right_size,
                    options=options,
                    progress=context.progress,
                    cancel=context.cancel,
                )
            )

        self._run(work, "Solve the calibration", self._on_solved)

    def _on_solved(self, solved: SolvedCalibration) -> None:
        self.solved = solved
        self.report.show_solution(solved)
        self.comparison.set_solved(solved.solution.calibration)
        if not self.name_field.text():
            self.name_field.setText(new_folder_name(self.studio.workspace.calibrations, "stereo"))
        self.open_tab("report")

    def ask_report(self) -> None:
        """Ask where the report goes."""
        if self.solved is not None:
            collected = self.collector.collected
            images = (collected[0].left, collected[0].right) if collected else None
            ask_report_file(self.window(), self.studio, self.solved, self.name_field.text() or "calibration", images)

    def ask_export(self) -> None:
        """Ask where the calibration goes, and in which format."""
        if self.solved is not None:
            calibration, name = self.solved.solution.calibration, self.name_field.text() or "calibration"
            ask_export_file(self.window(), self.studio, calibration, name)

    def use(self) -> None:
        """Put the solved calibration in force for every page."""
        if self.solved is not None:
            name = self.name_field.text().strip() or "calibration"
            self.studio.use_calibration(ActiveCalibration(self.solved.solution.calibration, f"{name} (not saved)"))

    def save_and_use(self) -> None:
        """Write the calibration to the workspace and put it in force."""
        if self.solved is None or self._task is not None:
            return
        folder = self.studio.workspace.calibrations
        name = Path(self.name_field.text().strip()).name or new_folder_name(folder, "stereo")
        path = folder / f"{name}.npz"
        calibration, collector = self.solved.solution.calibration, self.collector

        def write(_: TaskContext) -> ActiveCalibration:
            if path.exists():
                raise CalibrationError(f"There is a calibration {path.stem} already.", "", "Choose another name.")
            calibration.save(path)
            collector.save_images(folder / name / "views")
            return ActiveCalibration(calibration, path.stem, path)

        self._run(write, "Save the calibration", self._on_saved)

    def _on_saved(self, saved: ActiveCalibration) -> None:
        self.studio.use_calibration(saved)
        self.studio.save_settings()
        self.studio.library_changed.emit()
        self.studio.notify(Notice(f"Calibration {saved.name} is saved and in use.", tone="good"))

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
        self._on_auto(self.views.auto.isChecked())

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
        count, busy, solved = len(self.collector.collected), self._task is not None, self.solved is not None
        nothing = state in (SourceState.NONE, SourceState.FAILED) and not count and not busy and self.tab != "compare"
        self.show_empty(self.empty if nothing else None)
        self.tabs.set_choice_enabled("report", solved)
        collecting = self.tab in ("views", "report")
        self.solve_button.setVisible(not solved and collecting)
        self.solve_button.setEnabled(not busy and count >= _MIN_VIEWS)
        self.solve_button.setText("Working…" if busy else f"Solve with {count} view{'' if count == 1 else 's'}")
        for item in (self.name_field, self.save_button, self.use_button):
            item.setVisible(solved and collecting)
            item.setEnabled(not busy)
        self.back_button.setVisible(bool(self._inspected))
        self.back_button.setText("Back to live" if state is SourceState.STREAMING else "Back")
        self.views.take.setEnabled(state is SourceState.STREAMING and not busy and not self._inspected)
        self.views.clear.setEnabled(count > 0 and not busy)
        self.views.load.setEnabled(not busy)
