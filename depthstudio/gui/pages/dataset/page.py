"""Dataset: the recordings of the workspace, what is in them, and which side of the training they are for."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from depthstudio.cameras.urls import SourceUrl
from depthstudio.datasets.session import Session
from depthstudio.errors import CalibrationError
from depthstudio.geometry import StereoCalibration
from depthstudio.gui.pages.base import Page
from depthstudio.gui.pages.dataset.actions import LibraryActions
from depthstudio.gui.pages.dataset.checks_section import ChecksSection
from depthstudio.gui.pages.dataset.library import Recording, SplitTotals, read_library, split_totals
from depthstudio.gui.pages.dataset.list_section import ListSection, SplitSection
from depthstudio.gui.pages.dataset.reading import FrameLoader, FramePicture
from depthstudio.gui.pages.dataset.recording_bar import RecordingBar
from depthstudio.gui.pages.dataset.viewer import FrameViewer
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import NewestAnswer
from depthstudio.gui.widgets.basics import button
from depthstudio.gui.widgets.status import EmptyState


class DatasetPage(Page):
    """Recordings at the right, the chosen one's frames on the stage. Everything edited is on disk at once."""

    name, title, icon = "dataset", "Dataset", "database"
    answers: ClassVar = {"frame_requested": "show_frame"}

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.recordings: list[Recording] = []
        self.totals: SplitTotals | None = None
        self._chosen: Path | None = None
        self._wanted = 0
        self.library = LibraryActions(studio, self)
        self._loader = FrameLoader(studio.tasks, self)
        self._listing = NewestAnswer(studio.tasks)
        self._build_stage()
        self._build_panel()
        self._build_empty()
        self._loader.loaded.connect(self._on_picture)
        self._loader.failed.connect(self._on_unreadable)
        self.library.imported.connect(self._on_imported)
        studio.library_changed.connect(self.reload)
        studio.calibration_changed.connect(self._on_calibration)
        for keys, by in (("Left", -1), ("Right", 1), ("Shift+Left", -10), ("Shift+Right", 10)):
            self.shortcut(keys, partial(self.viewer.step, by))
        self.shortcut("PgUp", lambda: self.choose_neighbour(-1))
        self.shortcut("PgDown", lambda: self.choose_neighbour(1))
        self.shortcut("X", self.toggle_mark)
        self.shortcut("Space", self.viewer.toggle_play)
        self.reload()

    # ---- building

    def _build_stage(self) -> None:
        self.bar = RecordingBar(self.library)
        self.bar.open_wanted.connect(self.open_as_source)
        self.stage.addWidget(self.bar)
        self.viewer = FrameViewer()
        self.viewer.position_changed.connect(self._show_frame)
        self.viewer.mark_toggled.connect(self.toggle_mark)
        self.stage.addWidget(self.viewer, 1)

    def _build_panel(self) -> None:
        self.split = SplitSection()
        self.checks = ChecksSection(self.studio, self.library)
        self.checks.frame_wanted.connect(self.viewer.slider.setValue)
        self.list = ListSection(self.library, self.panel)
        self.list.chosen.connect(self.choose)
        self.list.open_wanted.connect(self.open_as_source)
        for section in (self.split, self.checks, self.list):
            self.panel.add(section)
        self.import_button = button("Import…", icon="folder-input", tip="Other layouts and camera recordings")
        menu = QMenu(self.import_button)
        for words, callback in (
            ("A folder of .npy runs or image pairs…", self.library.ask_folder),
            ("A camera recording (.db3, .bag)…", self.library.ask_recording),
        ):
            action = QAction(words, menu)
            action.triggered.connect(lambda _checked=False, callback=callback: callback())
            menu.addAction(action)
        self.import_button.setMenu(menu)
        self.panel.add_footer(self.import_button)

    def _build_empty(self) -> None:
        studio = self.studio

        def rig() -> None:
            studio.sources.open("sim://ir?scene=desk")
            studio.show_page("capture")

        self.empty = EmptyState(
            "database",
            "No recordings yet",
            "A network learns from recordings: pairs of pictures with the depth that the camera measured. Record some "
            "scenes, or import what you have: .npy runs, image pairs with depth, .db3 and .bag files.",
            [
                ("Record with a camera", lambda: studio.show_page("capture"), "camera"),
                ("Try the simulated rig", rig, "box"),
                ("Import a folder", self.library.ask_folder, "folder-input"),
                ("Import a file", self.library.ask_recording, "file-video"),
            ],
        )

    # ---- the list

    @property
    def chosen(self) -> Recording | None:
        """The recording on the stage."""
        return next((r for r in self.recordings if r.folder == self._chosen), None)

    def reload(self) -> None:
        """Read the list again in the background."""
        folder = self.studio.workspace.sessions
        self._listing.run(lambda _: read_library(folder), "List recordings", self._on_library)

    def choose(self, folder: Path) -> None:
        """Show a recording, from its first frame."""
        if folder != self._chosen:
            self._begin(folder)
        self._show_chosen()

    def show_frame(self, folder: Path, position: int) -> None:
        """Show one frame of a recording, from 0; as soon as the list is read when it is not yet."""
        if folder != self._chosen:
            self._begin(folder)
        self._wanted = position
        self._show_chosen()

    def choose_neighbour(self, by: int) -> None:
        """The recording above or below in the list."""
        folders = [r.folder for r in self.recordings]
        if self._chosen in folders:
            self.choose(folders[max(0, min(len(folders) - 1, folders.index(self._chosen) + by))])

    def _begin(self, folder: Path) -> None:
        self._chosen = folder
        self._wanted = 0
        self.viewer.set_playing(False)
        self.viewer.go_to(0)
        self.viewer.set_picture(None)
        self.viewer.set_placeholder("")

    def _on_library(self, found: list[Recording]) -> None:
        self.recordings = found
        self.totals = split_totals(found)
        self.show_empty(None if found else self.empty)
        self.list.set_recordings(found)
        self.split.set_totals(self.totals)
        if self.chosen is None and found:
            self.choose(found[0].folder)
        else:
            self._show_chosen()

    def _on_imported(self, folder: Path) -> None:
        self._begin(folder)

    # ---- the recording on the stage

    def _show_chosen(self) -> None:
        self.list.select(self._chosen)
        recording = self.chosen
        self.bar.show_recording(recording)
        if recording is None:
            self._loader.cancel()
            self.checks.set_session(None, None)
            return
        self._show_checks(recording)
        self.viewer.set_frames(len(recording.session), recording.session.excluded)
        if self._wanted:
            self.viewer.go_to(self._wanted)
            self._wanted = 0
        self._show_frame()

    def _show_checks(self, recording: Recording) -> None:
        self.checks.set_session(recording.session, self._calibration(recording.session))

    def _on_calibration(self) -> None:
        """The one in force counts for recordings without their own."""
        if self.chosen is not None:
            self._show_checks(self.chosen)
        self._show_frame()

    def _calibration(self, session: Session) -> StereoCalibration | None:
        """The recording's own, else the one that the user chose."""
        try:
            own = session.calibration
        except CalibrationError:
            own = None
        chosen = self.studio.chosen_calibration
        return own if own is not None or chosen is None else chosen.calibration

    def _show_frame(self, *_: object) -> None:
        recording = self.chosen
        if recording is None or not self.isVisible():
            return
        if not len(recording.session):
            self.viewer.set_picture(None)
            self.viewer.set_placeholder("This recording holds no frames")
            return
        session = recording.session
        self._loader.show(session, self.viewer.position, self._calibration(session))

    def _on_picture(self, picture: FramePicture) -> None:
        if picture.key[:2] == (str(self._chosen), self.viewer.position):
            self.viewer.set_picture(picture)
            self.viewer.play_on()

    def _on_unreadable(self, error: BaseException) -> None:
        self.viewer.set_playing(False)
        self.viewer.set_picture(None)
        self.viewer.set_placeholder("This frame cannot be read")
        self.studio.report(error)

    def on_shown(self) -> None:
        """Frames are read only while somebody looks."""
        self._show_frame()

    def on_hidden(self) -> None:
        """Nobody looks: nothing plays."""
        self.viewer.set_playing(False)

    def on_escape(self) -> None:
        """Back to all tiles."""
        self.viewer.enlarge(None)

    # ---- editing

    def toggle_mark(self) -> None:
        """Mark the frame on the stage out, or take it back."""
        position = self.viewer.position
        if self._chosen is not None:
            self.library.edit(self._chosen, lambda session: session.set_excluded(session.excluded ^ {position}))

    def open_as_source(self) -> None:
        """Play the recording as if it were a camera, on every page."""
        if self._chosen is not None:
            self.studio.sources.open(str(SourceUrl.for_path("session", self._chosen)))
            self.studio.show_page("capture")
