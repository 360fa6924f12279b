"""Studio: what every page shares. State with signals; what to do with it is the pages' business."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from depthstudio.cameras import CameraMemory
from depthstudio.geometry import StereoCalibration
from depthstudio.gui.errors import Notice, notice_of
from depthstudio.gui.settings import WindowSettings, save_settings
from depthstudio.gui.sources import SourceController
from depthstudio.gui.tasks import NewestAnswer, TaskContext, TaskRunner
from depthstudio.workspace import Workspace

# Topic of notices about the source: they go when it is opened again, and when it is left.
SOURCE_TOPIC = "source"


@dataclass(frozen=True)
class ActiveCalibration:
    """The calibration in force and where it comes from. path is None for the source's own."""

    calibration: StereoCalibration
    name: str
    path: Path | None = None


@dataclass(frozen=True)
class Activity:
    """Something that must not be lost: shown as a dot in the side bar and asked about when closing.

    runs: a task that closing stops; else something that is not saved.
    """

    text: str
    question: str
    runs: bool = True


class Studio(QObject):
    """Workspace, settings, the open source, the calibration in force, tasks and notices.

    resolved(topic): what notices of this topic say is no longer so. Topics are SOURCE_TOPIC, names of pages whose
    loop failed, and what a chooser says about its choice.
    """

    calibration_changed = Signal()
    library_changed = Signal()
    activity_changed = Signal()
    page_requested = Signal(str)
    camera_requested = Signal()
    recording_requested = Signal()
    preview_requested = Signal(object)
    evaluation_requested = Signal(object)
    frame_requested = Signal(object, int)
    device_changed = Signal(str)
    noticed = Signal(object)
    resolved = Signal(str)

    def __init__(self, workspace: Workspace, settings: WindowSettings) -> None:
        super().__init__()
        self.workspace = workspace
        self.settings = settings
        self.tasks = TaskRunner(self)
        self.sources = SourceController(self.tasks, CameraMemory(workspace.cameras), self)
        self.activities: dict[str, Activity] = {}
        self._reading = NewestAnswer(self.tasks)
        self._chosen: ActiveCalibration | None = None
        self.tasks.unhandled.connect(self.report)
        self.sources.failed.connect(lambda error: self.report(error, SOURCE_TOPIC))
        for resolving in (self.sources.opened, self.sources.left):
            resolving.connect(lambda: self.resolved.emit(SOURCE_TOPIC))
        self.sources.settings_refused.connect(lambda error: self.report(error, SOURCE_TOPIC))
        self.sources.returned.connect(lambda title: self.notify(Notice(f"{title} is back.", tone="good")))
        self.sources.state_changed.connect(self.calibration_changed)

    @property
    def calibration(self) -> ActiveCalibration | None:
        """The one the user chose, else the source's own, else None."""
        if self._chosen is not None:
            return self._chosen
        own = self.sources.calibration
        return ActiveCalibration(own, "from the source") if own is not None else None

    @property
    def chosen_calibration(self) -> ActiveCalibration | None:
        """The one the user chose; None while the source's own is followed."""
        return self._chosen

    def use_calibration(self, chosen: ActiveCalibration | None) -> None:
        """Put a calibration in force for every page; None goes back to the source's own."""
        self._reading.forget()
        self._chosen = chosen
        inside = chosen is not None and chosen.path is not None and chosen.path.parent == self.workspace.calibrations
        self.settings.calibration = chosen.path.name if inside and chosen and chosen.path else ""
        self.calibration_changed.emit()

    def load_calibration(self, path: Path) -> None:
        """Read a calibration file in the background and put it in force; a wrong file becomes a notice."""

        def load(_: TaskContext) -> ActiveCalibration:
            return ActiveCalibration(StereoCalibration.load(path), path.stem, path)

        self._reading.run(load, f"Load {path.name}", self.use_calibration)

    def calibration_files(self) -> list[Path]:
        """Calibrations of the workspace, newest first."""
        folder = self.workspace.calibrations
        if not folder.is_dir():
            return []
        return sorted(folder.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)

    def set_activity(self, page: str, activity: Activity | None) -> None:
        """Say that a page is busy with something worth asking about, or no longer."""
        if activity is None:
            self.activities.pop(page, None)
        else:
            self.activities[page] = activity
        self.activity_changed.emit()

    def notify(self, notice: Notice) -> None:
        """Show a notice above the page."""
        self.noticed.emit(notice)

    def report(self, error: BaseException, topic: str = "") -> None:
        """Show an exception as a notice; with a topic it goes when that is resolved."""
        self.noticed.emit(replace(notice_of(error), topic=topic))

    def show_page(self, name: str) -> None:
        """Ask the window to show a page."""
        self.page_requested.emit(name)

    def save_settings(self) -> None:
        """Write the window's settings; a read-only workspace is no reason to fail."""
        try:
            save_settings(self.settings, self.workspace.settings_file)
        except OSError as error:
            self.notify(Notice("The settings were not saved.", f"{error}.", tone="warning"))
