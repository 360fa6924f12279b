"""Calibrate: show the board to both cameras, solve, judge, save and use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFileDialog, QLineEdit, QStackedWidget, QWidget

from depthstudio.calibration import Board, Offer, ViewCollector, solve_stereo
from depthstudio.errors import CalibrationError
from depthstudio.frames import StereoFrame
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.base import Page
from depthstudio.gui.pages.calibrate.board_pair import BoardPair
from depthstudio.gui.pages.calibrate.board_section import BoardSection
from depthstudio.gui.pages.calibrate.board_watcher import BoardWatcher
from depthstudio.gui.pages.calibrate.folder_views import add_folder
from depthstudio.gui.pages.calibrate.report import CalibrationReport, SolvedCalibration
from depthstudio.gui.pages.calibrate.views_section import ViewsSection
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import ActiveCalibration, Studio
from depthstudio.gui.tasks import Task, TaskContext
from depthstudio.gui.widgets.basics import Segments, button, column, label, row
from depthstudio.gui.widgets.status import EmptyState
from depthstudio.gui.widgets.view_strip import StripItem, ViewStrip
from depthstudio.workspace import new_folder_name

_MIN_VIEWS = 3
_DEFAULT_BOARD = Board(9, 6, 0.025)


class CalibratePage(Page):
    """Collecting views, then the report. The collector and the solver know nothing of the window."""

    name, title, icon = "calibrate", "Calibrate", "grid-3x3"

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._watcher: BoardWatcher | None = None
        self._task: Task | None = None
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
        collecting = QWidget()
        layout = column(self.instruction, self.reason, self.pair, self.strip)
        layout.setStretch(2, 1)
        collecting.setLayout(layout)
        self.report = CalibrationReport()
        self._stack = QStackedWidget()
        self._stack.addWidget(collecting)
        self._stack.addWidget(self.report)
        self.tabs = Segments({"views": "Views", "report": "Report"})
        self.tabs.setFixedWidth(200)
        self.tabs.chosen.connect(self._show_tab)
        self.stage.addLayout(row(self.tabs, 1))
        self.stage.addWidget(self._stack, 1)

    def _build_panel(self) -> None:
        self.board = BoardSection(self.studio.settings)
        self.board.changed.connect(self.clear)
        self.views = ViewsSection()
        self.views.take_requested.connect(self.take_view)
        self.views.load_requested.connect(self.ask_folder)
        self.views.clear_requested.connect(self.clear)
        self.views.auto.toggled.connect(self._on_auto)
        self.views.heat.toggled.connect(self._show_views)
        self.panel.add(self.board)
        self.panel.add(self.views)
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
            "Open the camera and show a chessboard to it, or load pairs of board images from a folder.",
            [
                ("Choose a source", lambda: self.studio.show_page("capture"), "camera"),
                ("Try the simulated board", lambda: sources.open("sim://hybrid?scene=board"), "box"),
                ("Load pairs…", self.ask_folder, "folder-open"),
            ],
        )

    # ---- watching the board

    def on_shown(self) -> None:
        """Look for the board while the page is visible."""
        self._start_watching()

    def on_hidden(self) -> None:
        """Nobody looks: save the processor."""
        self._stop_watching()

    def shut_down(self) -> None:
        """Wait for the watching thread."""
        watcher = self._stop_watching()
        if watcher is not None:
            watcher.wait(2000)

    def on_frame(self, frame: StereoFrame) -> None:
        """Live frames are shown by `_on_seen`, together with their corners; a held picture is shown as it is."""
        if self._watcher is None and self.studio.sources.state in (SourceState.PAUSED, SourceState.ENDED):
            self.pair.show_frame(frame, self.collector.board)

    def take_view(self) -> None:
        """Take the view that is shown, when it is fit for it."""
        if self._watcher is not None:
            self._watcher.take_view()

    def _on_opened(self) -> None:
        source = self.studio.sources.source
        if not self.collector.collected:
            self.collector = self._new_collector(require_still=source is not None and source.is_live)
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
        sources = self.studio.sources
        if sources.capture is None or sources.state is not SourceState.STREAMING:
            return
        if self._task is not None or self._stack.currentIndex() != 0 or self.board.board is None:
            return
        # Once solved, only a view that the user takes himself may put the result in question.
        auto = self.views.auto.isChecked() and self.solved is None
        self._watcher = BoardWatcher(sources.capture.newest("calibration"), self.collector, auto)
        self._watcher.seen.connect(self._on_seen)
        self._watcher.start()

    def _stop_watching(self) -> BoardWatcher | None:
        watcher, self._watcher = self._watcher, None
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

    def load_folder(self, folder: Path) -> None:
        """Replace the views by those found in a folder, in the background."""
        board = self.board.board
        if board is None or self._task is not None:
            return
        self._stop_watching()
        collector = self.collector = ViewCollector(board, require_still=False)

        def load(context: TaskContext) -> list[str]:
            return add_folder(collector, folder, context.progress, context.cancel)

        self._run(load, "Find the board", self._on_loaded)

    def _on_loaded(self, skipped: list[str]) -> None:
        self._invalidate()
        if self.collector.collected:
            self.pair.show_view(self.collector.collected[-1], self.collector.board)
        if skipped:
            self.studio.notify(Notice(f"{len(skipped)} pairs gave no view.", "; ".join(skipped[:4]), tone="warning"))

    def _remove_view(self, name: str) -> None:
        self.collector.remove([one.view.name for one in self.collector.collected].index(name))
        self._invalidate()
        self._show_views()

    def _new_collector(self, require_still: bool = True) -> ViewCollector:
        return ViewCollector(self.board.board or _DEFAULT_BOARD, require_still=require_still)

    def _show_views(self) -> None:
        collector = self.collector
        self.views.show_progress(collector)
        self.instruction.setText(collector.instruction)
        errors_px = self.solved.solution.per_view_errors_px if self.solved is not None else {}
        left_out = self.solved.solution.outliers if self.solved is not None else ()
        items = []
        for one in collector.collected:
            name = one.view.name
            caption = f"{name}  {errors_px[name]:.2f} px" if name in errors_px else name
            items.append(StripItem(name, caption, one.left, "bad" if name in left_out else ""))
        self.strip.set_items(items)
        shaded = self.views.heat.isChecked() and bool(collector.collected)
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

        def work(context: TaskContext) -> SolvedCalibration:
            return SolvedCalibration.of(
                solve_stereo(
                    views, collector.board, left_size, right_size, progress=context.progress, cancel=context.cancel
                )
            )

        self._run(work, "Solve the calibration", self._on_solved)

    def _on_solved(self, solved: SolvedCalibration) -> None:
        self.solved = solved
        self.report.show_solution(solved)
        if not self.name_field.text():
            self.name_field.setText(new_folder_name(self.studio.workspace.calibrations, "stereo"))
        self.tabs.set_current("report")
        self._show_tab("report")

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
        self.tabs.set_current("views")
        self._stack.setCurrentIndex(0)
        self._on_auto(self.views.auto.isChecked())

    def _show_tab(self, key: str) -> None:
        self._stack.setCurrentIndex(1 if key == "report" and self.solved is not None else 0)
        if self._stack.currentIndex() == 0:
            self.tabs.set_current("views")
            self._start_watching()
        else:
            self._stop_watching()
        self._show_state()

    def _show_state(self) -> None:
        state = self.studio.sources.state
        count, busy, solved = len(self.collector.collected), self._task is not None, self.solved is not None
        nothing = state in (SourceState.NONE, SourceState.FAILED) and not count and not busy
        self.show_empty(self.empty if nothing else None)
        self.tabs.setEnabled(solved)
        self.solve_button.setVisible(not solved)
        self.solve_button.setEnabled(not busy and count >= _MIN_VIEWS)
        self.solve_button.setText("Working…" if busy else f"Solve with {count} views")
        for item in (self.name_field, self.save_button, self.use_button):
            item.setVisible(solved)
            item.setEnabled(not busy)
        self.views.take.setEnabled(state is SourceState.STREAMING and not busy)
        self.views.clear.setEnabled(count > 0 and not busy)
        self.views.load.setEnabled(not busy)
