"""Evaluate: how far networks are from the truth, beside SGBM and the camera, and where they are wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame, QGridLayout, QStackedWidget, QWidget

from depthstudio.cancel import CancelToken
from depthstudio.datasets.session import list_sessions
from depthstudio.gui.errors import Notice
from depthstudio.gui.network_chooser import list_networks
from depthstudio.gui.pages.base import Page
from depthstudio.gui.pages.evaluate.setup import EvaluationSetup, EvaluationWish
from depthstudio.gui.pages.evaluate.tables import NumberTable, show_bands, show_comparison, show_frames
from depthstudio.gui.studio import Activity, Studio
from depthstudio.gui.tasks import NewestAnswer, Task, TaskContext
from depthstudio.gui.theme import GRID_PX, mark, theme
from depthstudio.gui.training_worker import validation_folders
from depthstudio.gui.widgets.basics import Segments, button, column, label, row
from depthstudio.gui.widgets.image_view import ImageView
from depthstudio.gui.widgets.status import EmptyState
from depthstudio.workspace import new_folder_name

if TYPE_CHECKING:
    from depthstudio.evaluation.error_map import FramePictures
    from depthstudio.evaluation.evaluate import Evaluation
    from depthstudio.evaluation.jobs import FrameDone, MethodDone


class _Job:
    """One comparison on its thread: what it was asked for, and what it opened."""

    def __init__(self, wish: EvaluationWish, calibration: Any) -> None:
        self.wish = wish
        self.calibration = calibration
        self.methods: Any = {}
        self.samples: Any = None

    def events(self, cancel: CancelToken) -> Iterator[FrameDone | MethodDone]:
        """Load everything, then judge; for TaskRunner.iterate."""
        from depthstudio.datasets.samples import CombinedSamples, open_samples
        from depthstudio.evaluation.jobs import compare, comparison, evenly, network_title
        from depthstudio.inference import Predictor

        sources = [open_samples(path, self.calibration) for path in self.wish.data]
        whole = sources[0] if len(sources) == 1 else CombinedSamples(sources)
        self.samples = evenly(whole, self.wish.limit)
        predictors: dict[str, Predictor] = {}
        for path in self.wish.networks:
            title = network_title(path)
            name = title if title not in predictors else f"{path.parent.name}/{path.name}"
            predictors[name] = Predictor(path)
        self.methods = comparison(predictors, sgbm=self.wish.sgbm, camera=self.wish.camera)
        yield from compare(self.methods, self.samples, self.wish.measure, cancel)


class EvaluatePage(Page):
    """Comparison on top, frames and pictures under it, the setup at the right."""

    name, title, icon = "evaluate", "Evaluate", "chart-column"
    answers: ClassVar = {"evaluation_requested": "evaluate_network"}
    _empty_words = (
        "Choose networks and labelled data at the right. You get the errors of each network beside SGBM's and the "
        "camera's, by distance and by frame, with maps of where they are wrong."
    )

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.evaluations: list[Evaluation] = []
        self.job: _Job | None = None
        self.task: Task | None = None
        self._picture_task: Task | None = None
        self._listed = False
        self._networks, self._sessions = NewestAnswer(studio.tasks), NewestAnswer(studio.tasks)
        self.comparison_table = NumberTable("Comparison")
        self.frames_table = NumberTable("Frames, worst first")
        self.bands_table = NumberTable("By distance")
        self._build_stage()
        self._build_panel()
        studio.library_changed.connect(self.list_choices)
        self._show_state()

    # ---- building

    def _build_stage(self) -> None:
        self.conventions = label("", "small", wrap=True)
        card = self._card(column(label("Comparison", "section"), self.comparison_table, self.conventions))
        self.comparison_table.picked.connect(self.choose_method)
        self._lists = QStackedWidget()
        self._lists.addWidget(self.frames_table)
        self._lists.addWidget(self.bands_table)
        self.which = Segments({"frames": "Frames", "bands": "By distance"})
        self.which.chosen.connect(lambda key: self._lists.setCurrentIndex(0 if key == "frames" else 1))
        self.which_method = label("", "small")
        lists = self._card(column(row(self.which, 1, self.which_method), self._lists))
        self.frames_table.picked.connect(self.choose_frame)
        self.views = {
            "left": ImageView("Left", "Choose a frame"),
            "truth": ImageView("Truth, px"),
            "predicted": ImageView("Prediction, px"),
            "error": ImageView("Error: blue good, red bad"),
        }
        pictures = QGridLayout()
        pictures.setSpacing(GRID_PX)
        for i, view in enumerate(self.views.values()):
            pictures.addWidget(view, i // 2, i % 2)
        below = row(lists)
        below.addLayout(pictures)
        below.setStretch(0, 1)
        below.setStretch(1, 1)
        results = QWidget()
        layout = column(card, spacing=GRID_PX)
        layout.addLayout(below, 1)
        results.setLayout(layout)
        self._empty = EmptyState("chart-column", "Nothing compared yet", self._empty_words)
        self._stage = QStackedWidget()
        self._stage.addWidget(self._empty)
        self._stage.addWidget(results)
        self.stage.addWidget(self._stage, 1)

    def _card(self, layout: Any) -> QFrame:
        card = QFrame()
        mark(card, surface="card")
        layout.setContentsMargins(12, 8, 12, 8)
        card.setLayout(layout)
        return card

    def _build_panel(self) -> None:
        self.setup = EvaluationSetup()
        self.setup.changed.connect(self._show_state)
        self.panel.add(self.setup)
        self.why = label("", "small", wrap=True)
        self.start_button = button("Evaluate", self.toggle, "play", "primary")
        self.save_button = button("Save report", self.save_report, "download")
        self.save_button.setToolTip("HTML page with pictures, JSON and CSV, in the workspace's folder 'evaluations'")
        self.panel.add_footer(column(self.why, self.start_button, self.save_button))

    # ---- life

    def on_shown(self) -> None:
        """List what can be chosen."""
        if not self._listed:
            self._listed = True
            self.list_choices()

    def list_choices(self) -> None:
        """Look for networks and recordings in the background."""
        workspace = self.studio.workspace
        self._networks.run(lambda _: list_networks(workspace), "List networks", self.setup.set_networks_known)
        self._sessions.run(lambda _: list_sessions(workspace.sessions), "List recordings", self.setup.set_sessions)

    def evaluate_network(self, what: object) -> None:
        """A run's folder, or a network's file, that somebody wants to see compared; it joins those chosen.

        A run brings the recordings that it was judged by, where the user has chosen no others.
        """
        path = Path(str(what))
        self.setup.add_network(path / "best.safetensors" if path.is_dir() else path)
        if path.is_dir():
            self.studio.tasks.run(lambda _: validation_folders(path), "Find the run's data", self.setup.offer_data)

    def shut_down(self) -> None:
        """Stop."""
        if self.task is not None:
            self.task.cancel()

    # ---- the work

    @property
    def is_running(self) -> bool:
        """True while a comparison goes on."""
        return self.task is not None and self.task.is_running

    def toggle(self) -> None:
        """Start, or stop and keep what there is."""
        if self.task is not None and self.task.is_running:
            self.task.cancel()
            return
        self.evaluations = []
        if self._picture_task is not None:
            self._picture_task.cancel()
            self._picture_task = None  # it is of the comparison before
        for view in self.views.values():
            view.set_image(None)
        chosen = self.studio.chosen_calibration
        self.job = _Job(self.setup.wish, chosen.calibration if chosen is not None else None)
        self.task = self.studio.tasks.iterate(
            self.job.events, "Evaluate", self._on_event, failed=self.studio.report, shown=True
        )
        self.task.ended.connect(self._on_ended)
        self.studio.set_activity(self.name, Activity("An evaluation is running.", "The evaluation stops."))
        self._show_results()

    def _on_event(self, event: FrameDone | MethodDone) -> None:
        from depthstudio.evaluation.jobs import FrameDone

        if isinstance(event, FrameDone):
            if self.task is not None:
                self.task.set_progress(event.share, f"{event.method}: {event.frame.name}")
            return
        self.evaluations.append(event.evaluation)
        self._show_results()

    def _on_ended(self) -> None:
        self.studio.set_activity(self.name, None)
        self._show_results()

    def save_report(self) -> None:
        """Write the report into the workspace, in the background."""
        job, evaluations = self.job, list(self.evaluations)
        if job is None or not evaluations:
            return
        parent = self.studio.workspace.root / "evaluations"

        def write(context: TaskContext) -> Path:
            from depthstudio.evaluation.jobs import save_comparison

            folder = parent / new_folder_name(parent, evaluations[0].method)
            progress = lambda share: context.progress(share, "pictures")  # noqa: E731
            return save_comparison(
                folder, job.methods, job.samples, evaluations, progress=progress, cancel=context.cancel
            )

        self.studio.tasks.run(write, "Save the report", self._on_saved, shown=True)

    def _on_saved(self, page: Path) -> None:
        def show() -> None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(page)))

        self.studio.notify(Notice("Report saved.", f"{page}", tone="good", action=("Open it", show)))

    # ---- showing

    @property
    def method(self) -> int:
        """Row of the method whose frames are shown."""
        rows = self.comparison_table.selectionModel().selectedRows()
        return rows[0].row() if rows else 0

    def choose_method(self, row: int) -> None:
        """Show a method's frames, worst first, and its worst picture."""
        evaluation = self.evaluations[row]
        self.which_method.setText(evaluation.method)
        show_bands(self.bands_table, evaluation)
        show_frames(self.frames_table, evaluation.worst_first)
        if evaluation.frames and not self.is_running:
            self.frames_table.pick(0)

    def choose_frame(self, row: int) -> None:
        """Predict a frame again and show where it is wrong."""
        job = self.job
        if job is None or job.samples is None or self.is_running:
            return
        evaluation = self.evaluations[self.method]
        frame = evaluation.worst_first[row]
        method, how, samples = job.methods[evaluation.method], evaluation.measured, job.samples
        if self._picture_task is not None:
            self._picture_task.cancel()

        def make(context: TaskContext) -> FramePictures | None:
            from depthstudio.evaluation.error_map import frame_pictures

            return None if context.cancel.is_cancelled else frame_pictures(method, samples, frame.index, how)

        def made(pictures: FramePictures | None) -> None:
            if self._picture_task is task:  # else another frame was chosen meanwhile, or another comparison began
                self._show_pictures(pictures, evaluation.method)

        task = self._picture_task = self.studio.tasks.run(make, "Predict the frame", made)

    def _show_pictures(self, pictures: FramePictures | None, method: str) -> None:
        if pictures is None:
            return
        limits = pictures.limits_px if pictures.limits_px[0] < pictures.limits_px[1] else None
        self.views["left"].set_image(pictures.left)
        self.views["truth"].set_map(pictures.truth_px, limits)
        self.views["predicted"].set_caption(f"{method}, px")
        self.views["predicted"].set_map(pictures.predicted_px, limits)
        self.views["error"].set_image(pictures.error_colours)

    def _show_results(self) -> None:
        self._stage.setCurrentIndex(1 if self.evaluations else 0)
        if self.evaluations:
            show_comparison(self.comparison_table, self.evaluations)
            first = self.evaluations[0]
            how = first.measured
            words = self.job.wish.words if self.job is not None else ""
            cut_short = [each.cut_short for each in self.evaluations if each.cut_short]
            told = f"{first.data}; {words}. EPE and RMSE in px, time in ms, all else in %."
            self.conventions.setText(" ".join([*cut_short, told]))
            mark(self.conventions, tone="warning" if cut_short else "")
            self.conventions.setToolTip(how.conventions)
            self.comparison_table.fit_height()
            self.comparison_table.pick(0)
        self._show_state()

    def _show_state(self) -> None:
        wish = self.setup.wish
        missing = "" if wish.networks or wish.sgbm or wish.camera else "Choose a network first."
        missing = missing or ("" if wish.data else "Choose data first.")
        self.setup.setEnabled(not self.is_running)
        self.start_button.setText("Stop, keep what there is" if self.is_running else "Evaluate")
        theme().set_icon(self.start_button, "square" if self.is_running else "play", "on_accent", 16)
        self.start_button.setEnabled(self.is_running or not missing)
        self.why.setText(missing)
        self.why.setVisible(bool(missing) and not self.is_running)
        self.save_button.setEnabled(bool(self.evaluations) and not self.is_running)
        words = "Measuring the first method…" if self.is_running else self._empty_words
        self._empty.set_text("Comparing" if self.is_running else "Nothing compared yet", words)
