"""Calibrate: show the board to both cameras, solve, judge, save and use."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QSpinBox,
    QStackedWidget,
    QWidget,
)

from depthstudio.calibration import Board, CalibrationSolution, Offer, ViewCollector, solve_stereo
from depthstudio.errors import CalibrationError
from depthstudio.frames import StereoFrame
from depthstudio.gui.board_watcher import BoardWatcher
from depthstudio.gui.calibration_views import add_folder
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.base import Page
from depthstudio.gui.pages.calibration_report import CalibrationReport, SolvedCalibration
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import ActiveCalibration, Studio
from depthstudio.gui.tasks import Task, TaskContext
from depthstudio.gui.theme import GRID_PX, theme
from depthstudio.gui.widgets.basics import Section, Segments, button, column, field, label, row
from depthstudio.gui.widgets.image_view import ImageView, Overlay
from depthstudio.gui.widgets.status import EmptyState
from depthstudio.gui.widgets.view_strip import StripItem, ViewStrip
from depthstudio.workspace import new_folder_name

_BARS = {"views": "Views", "area": "Image area", "tilt": "Tilt directions", "distance": "Distances"}
_HEAT_ALPHA_STEP = 30
_HEAT_ALPHA_MAX = 120


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
        sources = studio.sources
        sources.state_changed.connect(self._on_source_state)
        sources.opened.connect(self._on_opened)
        self.shortcut("Space", self.take_view)
        self.shortcut("Ctrl+S", self.save_and_use)
        self._show_views()
        self._show_state()

    # ---- building

    def _build_stage(self) -> None:
        self.left, self.right = ImageView("Left"), ImageView("Right")
        self.instruction = label("", "instruction", wrap=True)
        self.reason = label("", "muted")
        self.strip = ViewStrip()
        self.strip.removed.connect(self._remove_view)
        pair = QHBoxLayout()
        pair.setSpacing(GRID_PX)
        pair.addWidget(self.left, 1)
        pair.addWidget(self.right, 1)
        collecting = QWidget()
        layout = column(self.instruction, self.reason, pair, self.strip)
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
        self.panel.add(self._board_section())
        self.panel.add(self._views_section())
        self.name_field = QLineEdit()
        self.name_field.setPlaceholderText("Name of the calibration")
        self.name_field.setAccessibleName("Name of the calibration")
        self.solve_button = button("Solve", self.solve, "play", "primary")
        self.save_button = button("Save and use", self.save_and_use, "save", "primary", "Save to workspace (Ctrl+S)")
        self.use_button = button("Use without saving", self.use)
        for item in (self.name_field, self.save_button, self.use_button, self.solve_button):
            self.panel.add_footer(item)

    def _board_section(self) -> Section:
        settings = self.studio.settings
        self.columns = field(QSpinBox(), "Inner corners across", "Where four squares meet, along the longer side.")
        self.rows = field(QSpinBox(), "Inner corners down", "Where four squares meet, along the shorter side.")
        self.square = field(QDoubleSpinBox(), "Side of a square", "Measure the print: it sets the scale of depth.")
        for box, value in ((self.columns, settings.board_columns), (self.rows, settings.board_rows)):
            box.setRange(3, 40)
            box.setValue(value)
            box.valueChanged.connect(self._on_board_changed)
        self.square.setRange(1.0, 1000.0)
        self.square.setDecimals(2)
        self.square.setSuffix(" mm")
        self.square.setValue(settings.board_square_mm)
        self.square.valueChanged.connect(self._on_board_changed)
        grid = QGridLayout()
        grid.setSpacing(GRID_PX)
        boxes: dict[str, QWidget] = {"Across": self.columns, "Down": self.rows, "Square": self.square}
        for i, (words, editor) in enumerate(boxes.items()):
            grid.addWidget(label(words, "small"), 0, i)
            grid.addWidget(editor, 1, i)
            grid.setColumnStretch(i, 2 if i < 2 else 3)
            editor.setMinimumWidth(64)
        section = Section("Chessboard")
        section.add(grid)
        self.board_problem = label("", "small", wrap=True, tone="bad")
        self.board_problem.hide()
        section.add(self.board_problem)
        section.add(label("Count inner corners: a board of 10 x 7 squares has 9 x 6.", "small", wrap=True))
        return section

    def _views_section(self) -> Section:
        section = Section("Views")
        self.bars: dict[str, QProgressBar] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(GRID_PX)
        grid.setVerticalSpacing(GRID_PX)
        self.bar_words = {key: label("", "small") for key in _BARS}
        for i, (key, words) in enumerate(_BARS.items()):
            bar = QProgressBar(textVisible=False)
            bar.setRange(0, 100)
            bar.setAccessibleName(words)
            self.bars[key] = bar
            grid.addWidget(label(words, "small"), i, 0)
            grid.addWidget(bar, i, 1)
            grid.addWidget(self.bar_words[key], i, 2, Qt.AlignmentFlag.AlignRight)
        grid.setColumnStretch(1, 1)
        section.add(grid)
        self.auto = QCheckBox("Take views by itself")
        self.auto.setChecked(True)
        self.auto.setToolTip("A view is taken when the board is still, sharp and shown in a new way.")
        self.auto.toggled.connect(self._on_auto)
        self.heat = QCheckBox("Show covered area")
        self.heat.setChecked(True)
        self.heat.toggled.connect(self._show_views)
        section.add(self.auto)
        section.add(self.heat)
        self.take_button = button("Take view", self.take_view, "camera", tip="Take the view now (Space)")
        self.load_button = button("Load…", self.ask_folder, "folder-open", tip="Views from a folder of images")
        self.clear_button = button("Start again", self.clear, kind="link", tip="Forget all views")
        section.add(row(self.take_button, self.load_button))
        section.heading_row.addWidget(self.clear_button)
        return section

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

    # ---- life

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

    def _on_opened(self) -> None:
        source = self.studio.sources.source
        still = source is not None and source.is_live
        if not self.collector.collected:
            self.collector = self._new_collector(require_still=still)
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
        if self._task is not None or self._stack.currentIndex() != 0:
            return
        # Once solved, only a view that the user takes himself may put the result in question.
        auto = self.auto.isChecked() and self.solved is None
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

    # ---- the live pair

    def on_frame(self, frame: StereoFrame) -> None:
        """Frames are shown by `_on_seen`, together with their corners; a held picture is shown as it is."""
        if self._watcher is None and self.studio.sources.state in (SourceState.PAUSED, SourceState.ENDED):
            self._show_pair(frame, None)

    @Slot(object, object)
    def _on_seen(self, frame: StereoFrame, offer: Offer) -> None:
        watcher = self._watcher
        if watcher is None or self.sender() not in (watcher, None):
            return
        self._show_pair(frame, offer)
        self.reason.setText(offer.reason[:1].upper() + offer.reason[1:])
        if offer.accepted:
            self._invalidate()
            self._show_views()
            self.strip.scroll_to_end()
        watcher.shown()

    def _show_pair(self, frame: StereoFrame, offer: Offer | None) -> None:
        self.left.set_image(frame.left)
        self.right.set_image(frame.right)
        board = self.collector.board
        corners = (offer.left_corners, offer.right_corners) if offer is not None else (None, None)
        token = "good" if offer is not None and offer.accepted else "accent"
        for view, found in zip((self.left, self.right), corners, strict=True):
            view.set_overlays([] if found is None else [_grid_overlay(found, board, token)])

    # ---- views

    @property
    def board(self) -> Board | None:
        """The board as entered; None, and the reason shown, when it is no usable board."""
        try:
            board = Board(self.columns.value(), self.rows.value(), self.square.value() / 1000)
        except CalibrationError as error:
            self.board_problem.setText(" ".join((error.why or error.what, error.next_step)))
            self.board_problem.show()
            return None
        self.board_problem.hide()
        return board

    def take_view(self) -> None:
        """Take the view that is shown, when it is fit for it."""
        if self._watcher is not None:
            self._watcher.take_view()

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
        board = self.board
        if board is None or self._task is not None:
            return
        self._stop_watching()
        self.collector = ViewCollector(board, require_still=False)
        collector = self.collector

        def load(context: TaskContext) -> list[str]:
            return add_folder(collector, folder, context.progress, context.cancel)

        self._run(load, "Find the board", self._on_loaded)

    def _on_loaded(self, skipped: list[str]) -> None:
        self._invalidate()
        last = self.collector.collected[-1] if self.collector.collected else None
        if last is not None:
            self.left.set_image(last.left)
            self.right.set_image(last.right)
            for view, corners in ((self.left, last.view.left_corners), (self.right, last.view.right_corners)):
                view.set_overlays([_grid_overlay(corners, self.collector.board, "good")])
        if skipped:
            self.studio.notify(Notice(f"{len(skipped)} pairs gave no view.", "; ".join(skipped[:4]), tone="warning"))

    def _remove_view(self, name: str) -> None:
        names = [one.view.name for one in self.collector.collected]
        self.collector.remove(names.index(name))
        self._invalidate()
        self._show_views()

    def _new_collector(self, require_still: bool = True) -> ViewCollector:
        board = self.board or Board(9, 6, 0.025)
        return ViewCollector(board, require_still=require_still)

    def _on_board_changed(self) -> None:
        board = self.board
        settings = self.studio.settings
        if board is None:
            self._stop_watching()
            return
        settings.board_columns, settings.board_rows = board.columns, board.rows
        settings.board_square_mm = self.square.value()
        self.clear()

    def _on_auto(self, auto: bool) -> None:
        if self._watcher is not None:
            self._watcher.auto = auto

    def _show_views(self) -> None:
        collector = self.collector
        progress = collector.progress
        shares = {
            "views": progress.views,
            "area": progress.area,
            "tilt": progress.tilt,
            "distance": progress.distance,
        }
        for key, share in shares.items():
            self.bars[key].setValue(round(share * 100))
            self.bar_words[key].setText(f"{share:.0%}")
        count = len(collector.collected)
        self.bar_words["views"].setText(str(count))
        self.instruction.setText(collector.instruction)
        errors = self.solved.solution.per_view_errors_px if self.solved is not None else {}
        left_out = self.solved.solution.outliers if self.solved is not None else ()
        self.strip.set_items(
            [
                StripItem(
                    one.view.name,
                    f"{one.view.name}  {errors[one.view.name]:.2f} px" if one.view.name in errors else one.view.name,
                    one.left,
                    "bad" if one.view.name in left_out else "",
                )
                for one in collector.collected
            ]
        )
        for view, counts in zip((self.left, self.right), collector.coverage_counts(), strict=True):
            view.set_tint(_heat(counts) if self.heat.isChecked() and count else None)
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
            solution: CalibrationSolution = solve_stereo(
                views, collector.board, left_size, right_size, progress=context.progress, cancel=context.cancel
            )
            return SolvedCalibration.of(solution)

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
            name = self.name_field.text().strip() or "not saved"
            self.studio.use_calibration(ActiveCalibration(self.solved.solution.calibration, f"{name} (not saved)"))

    def save_and_use(self) -> None:
        """Write the calibration to the workspace and put it in force."""
        if self.solved is None or self._task is not None:
            return
        folder = self.studio.workspace.calibrations
        name = self.name_field.text().strip() or new_folder_name(folder, "stereo")
        path = folder / f"{Path(name).name}.npz"
        calibration, collector = self.solved.solution.calibration, self.collector

        def write(_: TaskContext) -> ActiveCalibration:
            if path.exists():
                raise CalibrationError(f"There is a calibration {path.stem} already.", "", "Choose another name.")
            calibration.save(path)
            collector.save_images(path.with_suffix("") / "views")
            return ActiveCalibration(calibration, path.stem, path)

        self._run(write, "Save the calibration", self._on_saved)

    def _on_saved(self, saved: ActiveCalibration) -> None:
        self.studio.use_calibration(saved)
        self.studio.save_settings()
        self.studio.library_changed.emit()
        self.studio.notify(Notice(f"Calibration {saved.name} is saved and in use.", tone="good"))

    def _run(self, work: object, title: str, done: object) -> None:
        self._task = self.studio.tasks.run(work, title, done, shown=True)  # type: ignore[arg-type]
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
        self._on_auto(self.auto.isChecked())

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
        count = len(self.collector.collected)
        nothing = state in (SourceState.NONE, SourceState.FAILED) and not count and self._task is None
        self.show_empty(self.empty if nothing else None)
        busy, solved = self._task is not None, self.solved is not None
        self.tabs.setEnabled(solved)
        self.solve_button.setVisible(not solved)
        self.solve_button.setEnabled(not busy and count >= 3)
        self.solve_button.setText("Working…" if busy else f"Solve with {count} views")
        for item in (self.name_field, self.save_button, self.use_button):
            item.setVisible(solved)
            item.setEnabled(not busy)
        self.take_button.setEnabled(state is SourceState.STREAMING and not busy)
        self.clear_button.setEnabled(count > 0 and not busy)
        self.load_button.setEnabled(not busy)


def _grid_overlay(corners: NDArray[np.float32], board: Board, token: str) -> Overlay:
    grid = np.asarray(corners).reshape(board.rows, board.columns, 2)
    return Overlay(points=corners, lines=list(grid), token=token)


def _heat(counts: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Counts per cell as a see-through layer of the accent colour, BGRA."""
    red, green, blue = theme().rgb("accent")
    alpha = np.clip(counts * _HEAT_ALPHA_STEP, 0, _HEAT_ALPHA_MAX).astype(np.uint8)
    layer = np.empty((*counts.shape, 4), np.uint8)
    layer[..., :3] = (blue, green, red)
    layer[..., 3] = alpha
    return np.asarray(cv2.resize(layer, None, fx=8, fy=8, interpolation=cv2.INTER_LINEAR), np.uint8)
