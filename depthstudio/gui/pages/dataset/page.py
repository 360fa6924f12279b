"""Dataset: the recordings of the workspace, what is in them, and which side of the training they are for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLineEdit, QMenu, QScrollArea

from depthstudio.datasets.session import Session
from depthstudio.errors import CalibrationError
from depthstudio.geometry import StereoCalibration
from depthstudio.gui.pages.base import Page
from depthstudio.gui.pages.dataset.actions import LibraryActions
from depthstudio.gui.pages.dataset.library import Recording, SplitTotals, read_library, split_totals
from depthstudio.gui.pages.dataset.reading import FrameLoader, FramePicture
from depthstudio.gui.pages.dataset.viewer import FrameViewer
from depthstudio.gui.studio import Studio
from depthstudio.gui.theme import GRID_PX, mark
from depthstudio.gui.widgets.basics import ElidedLabel, Section, Segments, button, icon_button, label, row
from depthstudio.gui.widgets.cards import CardList, MediaCard
from depthstudio.gui.widgets.facts import Facts
from depthstudio.gui.widgets.status import EmptyState

ROLES = {"": "Automatic", "train": "Training", "validation": "Validation", "ignored": "Ignored"}
_ROLE_TONES = {"train": "train", "validation": "accent", "ignored": ""}


class DatasetPage(Page):
    """Recordings at the right, the chosen one's frames on the stage. Everything edited is on disk at once."""

    name, title, icon = "dataset", "Dataset", "database"

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.recordings: list[Recording] = []
        self.totals: SplitTotals | None = None
        self._chosen: Path | None = None
        self.library = LibraryActions(studio, self)
        self._loader = FrameLoader(studio.tasks, self)
        self._build_stage()
        self._build_panel()
        self._build_empty()
        self._loader.loaded.connect(self._on_picture)
        self._loader.failed.connect(self._on_unreadable)
        self.library.imported.connect(self._on_imported)
        studio.library_changed.connect(self.reload)
        studio.calibration_changed.connect(self._show_frame)
        for keys, by in (("Left", -1), ("Right", 1), ("Shift+Left", -10), ("Shift+Right", 10)):
            self.shortcut(keys, lambda by=by: self.viewer.step(by))
        self.shortcut("PgUp", lambda: self.choose_neighbour(-1))
        self.shortcut("PgDown", lambda: self.choose_neighbour(1))
        self.shortcut("X", self.toggle_mark)
        self.reload()

    # ---- building

    def _build_stage(self) -> None:
        self.name_field = QLineEdit()
        self.name_field.setAccessibleName("Name of the recording")
        self.name_field.setToolTip("The name; the folder keeps its own.")
        self.name_field.setFixedWidth(200)
        self.name_field.editingFinished.connect(self._rename)
        self.notes_field = QLineEdit()
        self.notes_field.setPlaceholderText("Notes")
        self.notes_field.setAccessibleName("Notes")
        self.notes_field.editingFinished.connect(self._write_notes)
        self.role = Segments(ROLES)
        self.role.setFixedWidth(352)
        self.role.setToolTip("Automatic: trains, and the last recordings validate when none is marked for it.")
        self.role.chosen.connect(self.set_role)
        first = row(self.name_field, self.notes_field, self.role)
        first.setStretch(1, 1)
        self.stage.addLayout(first)
        self.facts = ElidedLabel("", "muted")
        self.play_button = button("Play", self.play, "play", tip="Open this recording as the source")
        self.trash_button = icon_button("trash-2", "Move this recording to the trash", self.throw_away)
        second = row(self.facts, self.play_button, self.trash_button)
        second.setStretch(0, 1)
        self.stage.addLayout(second)
        self.viewer = FrameViewer()
        self.viewer.position_changed.connect(self._show_frame)
        self.viewer.mark_toggled.connect(self.toggle_mark)
        self.stage.addWidget(self.viewer, 1)

    def _build_panel(self) -> None:
        self.split_facts = Facts("Split")
        self.split_warning = label("", "small", wrap=True, tone="warning")
        self.split_note = label("", "small", wrap=True)
        split = Section("Split")
        for item in (self.split_facts, self.split_note, self.split_warning):
            split.add(item)
        self.panel.add(split)
        self.list_section = Section("Recordings")
        self.cards = CardList()
        self.list_section.add(self.cards)
        self.panel.add(self.list_section)
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
        self.studio.tasks.run(lambda _: read_library(folder), "List recordings", self._on_library)

    def choose(self, folder: Path) -> None:
        """Show a recording, from its first frame."""
        if folder != self._chosen:
            self._chosen = folder
            self.viewer.go_to(0)
            self.viewer.set_picture(None)
            self.viewer.set_placeholder("")
        self._show_chosen()

    def choose_neighbour(self, by: int) -> None:
        """The recording above or below in the list."""
        folders = [r.folder for r in self.recordings]
        if self._chosen in folders:
            self.choose(folders[max(0, min(len(folders) - 1, folders.index(self._chosen) + by))])

    def _on_library(self, found: list[Recording]) -> None:
        self.recordings = found
        self.totals = split_totals(found)
        self.show_empty(None if found else self.empty)
        self.cards.set_cards([self._card(recording) for recording in found])
        self._show_totals()
        if self.chosen is None and found:
            self.choose(found[0].folder)
        else:
            self._show_chosen()

    def _on_imported(self, folder: Path) -> None:
        self._chosen = folder
        self.viewer.go_to(0)
        self.viewer.set_picture(None)

    def _card(self, recording: Recording) -> MediaCard:
        session = recording.session
        frames = f"{session.frame_count} {'frame' if session.frame_count == 1 else 'frames'}"
        fill = f", depth {recording.fill:.0%}" if recording.fill is not None else ", no depth"
        calibrated = "" if recording.calibrated else ", not calibrated"
        card = MediaCard(session.name, (frames + fill, recording.when + calibrated), recording.thumbnail)
        if session.role:
            card.add_badge(ROLES[session.role], _ROLE_TONES[session.role])
        card.setCursor(Qt.CursorShape.PointingHandCursor)
        card.setProperty("folder", str(recording.folder))
        card.clicked.connect(lambda: self.choose(recording.folder))
        card.activated.connect(self.play)
        card.set_menu(self._card_menu(recording))
        return card

    def _card_menu(self, recording: Recording) -> list[tuple[str, Callable[[], object]]]:
        edit, folder = self.library.edit, recording.folder
        return [
            ("Use by itself", lambda: edit(folder, lambda session: session.set_role(""))),
            ("Use for training", lambda: edit(folder, lambda session: session.set_role("train"))),
            ("Use for validation", lambda: edit(folder, lambda session: session.set_role("validation"))),
            ("Ignore", lambda: edit(folder, lambda session: session.set_role("ignored"))),
            ("Move to the trash", lambda: self.library.throw_away(folder, recording.session.name)),
        ]

    def _show_totals(self) -> None:
        totals = self.totals
        if totals is None:
            return
        facts = [("Training", str(totals.train)), ("Validation", str(totals.validation))]
        if totals.ignored:
            facts.append(("Ignored", f"{totals.ignored} {'recording' if totals.ignored == 1 else 'recordings'}"))
        self.split_facts.set_facts(facts)
        self.split_note.setText(f"Validates automatically: {', '.join(totals.automatic)}." if totals.automatic else "")
        self.split_note.setVisible(bool(totals.automatic))
        self.split_warning.setText(f"{totals.problem} {totals.next_step}".strip())
        self.split_warning.setVisible(bool(totals.problem))
        self.list_section.setAccessibleName(f"Recordings: {len(self.recordings)}")

    # ---- the recording on the stage

    def _show_chosen(self) -> None:
        for card in self.cards.cards:
            mark(card, selected=card.property("folder") == str(self._chosen))
        QTimer.singleShot(0, self._show_chosen_card)
        recording = self.chosen
        if recording is None:
            self._loader.cancel()
            return
        session = recording.session
        for editor, text in ((self.name_field, session.name), (self.notes_field, session.notes)):
            if not editor.hasFocus():
                editor.setText(text)
                editor.setCursorPosition(0)  # a long name shows its beginning
        self.role.set_current(session.role)
        self.facts.set_full_text(self._facts(recording))
        self.viewer.set_frames(len(session), session.excluded)
        self._show_frame()

    def _show_chosen_card(self) -> None:
        """Scroll to it, once the list is laid out."""
        area = self.panel.findChild(QScrollArea)
        for card in self.cards.cards:
            if card.property("folder") == str(self._chosen) and isinstance(area, QScrollArea):
                area.ensureWidgetVisible(card, 0, GRID_PX)

    def _facts(self, recording: Recording) -> str:
        session = recording.session
        parts = ["x".join(str(side) for side in session.image_size or ()), recording.when]
        if recording.usable != session.frame_count:
            parts.insert(0, f"{recording.usable} of {session.frame_count} frames usable")
        if recording.problem:
            parts.append(recording.problem)
        elif recording.calibrated and session.calibration is not None:
            parts.append(f"baseline {session.calibration.baseline_m * 1000:.1f} mm")
        else:
            parts.append("no calibration of its own")
        return "  ·  ".join(part for part in (*parts, session.source_url) if part)

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

    def _on_unreadable(self, error: BaseException) -> None:
        self.viewer.set_picture(None)
        self.viewer.set_placeholder("This frame cannot be read")
        self.studio.report(error)

    def on_shown(self) -> None:
        """Frames are read only while somebody looks."""
        self._show_frame()

    def on_escape(self) -> None:
        """Back to all tiles."""
        self.viewer.enlarge(None)

    # ---- editing

    def set_role(self, role: str) -> None:
        """What the recording on the stage is used for."""
        if self._chosen is not None:
            self.library.edit(self._chosen, lambda session: session.set_role(role))

    def toggle_mark(self) -> None:
        """Mark the frame on the stage out, or take it back."""
        position = self.viewer.position
        if self._chosen is not None:
            self.library.edit(self._chosen, lambda session: session.set_excluded(session.excluded ^ {position}))

    def play(self) -> None:
        """Open the recording as the source and show it."""
        if self._chosen is not None:
            self.studio.sources.open(f"session://{self._chosen}")
            self.studio.show_page("capture")

    def throw_away(self) -> None:
        """Move the recording on the stage to the workspace's trash."""
        if self.chosen is not None:
            self.library.throw_away(self.chosen.folder, self.chosen.session.name)

    def _rename(self) -> None:
        name = self.name_field.text().strip()
        if self.chosen is not None and name and name != self.chosen.session.name:
            self.library.edit(self.chosen.folder, lambda session: session.rename(name))

    def _write_notes(self) -> None:
        notes = self.notes_field.text()
        if self.chosen is not None and notes != self.chosen.session.notes:
            self.library.edit(self.chosen.folder, lambda session: session.set_notes(notes))
