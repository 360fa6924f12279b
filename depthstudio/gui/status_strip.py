"""The status strip: long tasks with progress and their stop button, and the rates, visible from every page."""

from __future__ import annotations

import os

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QWidget

from depthstudio.gui.sources import Rates, SourceState
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import Task, TaskState
from depthstudio.gui.theme import GRID_PX, mark
from depthstudio.gui.widgets.basics import ElidedLabel, icon_button, number_label, row

_REFRESH_MS = 250


def spoken_duration(seconds: float) -> str:
    """ "40 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class TaskLine(QWidget):
    """Title, progress bar, what it says about itself, remaining time, stop."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task
        self._title = number_label(task.title)
        self._bar = QProgressBar(textVisible=False)
        self._bar.setFixedWidth(160)
        self._bar.setAccessibleName(f"{task.title} progress")
        self._text = ElidedLabel("", "muted")
        self._text.setMinimumWidth(200)
        self._stop = icon_button("square", f"Stop: {task.title}", task.cancel, size_px=14)
        line = row(self._title, self._bar, self._text, self._stop)
        line.setStretch(2, 1)
        self.setLayout(line)
        # Progress may come hundreds of times a second; the eye needs four.
        self._refresh = QTimer(self, interval=_REFRESH_MS)
        self._refresh.timeout.connect(self._show)
        self._refresh.start()
        self._show()

    def _show(self) -> None:
        task = self.task
        known = task.share >= 0
        self._bar.setRange(0, 1000 if known else 0)
        self._bar.setValue(round(task.share * 1000) if known else 0)
        eta_s = task.eta_s
        left = f"{spoken_duration(eta_s)} left" if eta_s is not None else ""
        stopping = task.state is TaskState.STOPPING
        self._text.set_full_text("stopping…" if stopping else "  ".join(part for part in (task.text, left) if part))
        self._stop.setEnabled(task.state is TaskState.RUNNING)


class StatusStrip(QFrame):
    """Tasks at the left; camera and display rate, device and workspace at the right."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.studio = studio
        mark(self, surface="strip")
        self.setFixedHeight(32)
        self._lines: dict[Task, TaskLine] = {}
        self._tasks = row(spacing=2 * GRID_PX)
        self._idle = number_label("Ready", "small")
        self._tasks.addWidget(self._idle)
        self._camera = number_label("", "small")
        self._device = number_label(f"CPU, {os.cpu_count()} cores", "small")
        self._device.setToolTip("What computes")
        studio.device_changed.connect(self._device.setText)
        self._workspace = number_label(studio.workspace.root.name, "small")
        self._workspace.setToolTip(f"Workspace: {studio.workspace.root}")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * GRID_PX, 0, 2 * GRID_PX, 0)
        layout.setSpacing(2 * GRID_PX)
        layout.addLayout(self._tasks, 1)
        layout.addWidget(self._camera)
        layout.addWidget(self._device)
        layout.addWidget(self._workspace)
        studio.tasks.started.connect(self._on_started)
        studio.sources.rates_changed.connect(self._show_rates)
        studio.sources.state_changed.connect(lambda: self._show_rates(studio.sources.rates))

    def _on_started(self, task: Task) -> None:
        if not task.shown:
            return
        line = TaskLine(task)
        self._lines[task] = line
        self._tasks.insertWidget(len(self._lines) - 1, line, 1)
        self._idle.hide()
        # A method of this widget, for tasks may end after the window is gone.
        task.ended.connect(self._remove_ended)

    @Slot()
    def _remove_ended(self) -> None:
        for task in [task for task in self._lines if not task.is_running]:
            line = self._lines.pop(task)
            self._tasks.removeWidget(line)
            line.deleteLater()
        self._idle.setVisible(not self._lines)

    def _show_rates(self, rates: Rates) -> None:
        streaming = self.studio.sources.state in (SourceState.STREAMING, SourceState.PAUSED)
        lost = f", {rates.lost} lost" if rates.lost else ""
        self._camera.setText(
            f"camera {rates.camera_hz:.1f}/s{lost}   display {rates.display_hz:.0f}/s" if streaming else ""
        )
