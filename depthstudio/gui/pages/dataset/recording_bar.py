"""The recording on the stage in two lines: its name, notes, tags and use; facts, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QLineEdit, QMenu, QPushButton, QWidget

from depthstudio.cameras.exporting import FORMATS, why_not
from depthstudio.datasets.session import Session
from depthstudio.gui.pages.dataset.actions import LibraryActions
from depthstudio.gui.pages.dataset.library import Recording
from depthstudio.gui.widgets.basics import ElidedLabel, Segments, button, column, icon_button, row

ROLES = {"": "Automatic", "train": "Training", "validation": "Validation", "ignored": "Ignored"}
ROLE_TONES = {"train": "train", "validation": "accent", "ignored": ""}


class RecordingBar(QWidget):
    """Everything edited is on disk at once. open_wanted(): play it as the source."""

    open_wanted = Signal()

    def __init__(self, library: LibraryActions) -> None:
        super().__init__()
        self._library = library
        self._recording: Recording | None = None
        self._shown: Path | None = None
        self.export_actions: dict[str, QAction] = {}
        self.name_field = self._field("Name of the recording", self._rename, width=176)
        self.name_field.setToolTip("The name; the folder keeps its own.")
        self.notes_field = self._field("Notes", self._write_notes)
        self.tags_field = self._field("Tags", self._write_tags, width=112)
        self.tags_field.setToolTip("Separated by commas.")
        self.role = Segments(ROLES)
        self.role.setFixedWidth(356)
        self.role.setToolTip("Automatic: trains, and the last recordings validate when none is marked for it.")
        self.role.chosen.connect(self.set_role)
        first = row(self.name_field, self.notes_field, self.tags_field, self.role)
        first.setStretch(1, 1)
        self.facts = ElidedLabel("", "muted")
        self.open_button = button("Open as source", self.open_wanted.emit, "video", tip="See it on every page")
        self.export_button = self._make_export_button()
        trash = icon_button("trash-2", "Move this recording to the trash", self.throw_away)
        second = row(self.facts, self.open_button, self.export_button, trash)
        second.setStretch(0, 1)
        self.setLayout(column(first, second))

    def show_recording(self, recording: Recording | None) -> None:
        """Fill the fields; one that is being edited stays as it is, and is written when another recording comes."""
        before, self._shown = self._shown, recording.folder if recording is not None else None
        another = self._shown != before
        if another and recording is not None:
            self._write_edits()
        self._recording = recording
        self.setEnabled(recording is not None)
        if recording is None:
            return
        session = recording.session
        texts = (session.name, session.notes, ", ".join(session.tags))
        for editor, text in zip((self.name_field, self.notes_field, self.tags_field), texts, strict=True):
            if another or not editor.hasFocus():
                editor.setText(text)
                editor.setCursorPosition(0)  # a long name shows its beginning
        self.role.set_current(session.role)
        self.facts.set_full_text(facts_of(recording))
        for form, action in self.export_actions.items():
            reason = why_not(session, form)
            action.setEnabled(not reason)
            action.setText(f"{FORMATS[form].title}: {reason or FORMATS[form].help}")

    def set_role(self, role: str) -> None:
        """What the recording is used for."""
        self._edit(lambda session: session.set_role(role))

    def throw_away(self) -> None:
        """Move it to the workspace's trash."""
        if self._recording is not None:
            self._library.throw_away(self._recording.folder, self._recording.session.name)

    def ask_export(self, form: str) -> None:
        """Let the user say where to, then write it in the background."""
        recording = self._recording
        if recording is None:
            return
        suffix, folder = FORMATS[form].suffix, recording.folder
        dialog = QFileDialog(self.window(), f"Export {recording.session.name}")
        if suffix:
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.setDefaultSuffix(suffix.lstrip("."))
            dialog.selectFile(f"{folder.name}{suffix}")
        else:
            dialog.setFileMode(QFileDialog.FileMode.Directory)

        def chosen(name: str) -> None:
            # Images go into a new folder of the recording's name; runs make their own.
            target = Path(name) / folder.name if form == "images" else Path(name)
            self._library.export(folder, target, form)

        dialog.fileSelected.connect(chosen)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _make_export_button(self) -> QPushButton:
        made = button("Export…", icon="download", tip="For other programs; import reads all three back unchanged")
        menu = QMenu(made)
        for form, about in FORMATS.items():
            action = self.export_actions[form] = QAction(f"{about.title}: {about.help}", menu)
            action.triggered.connect(lambda _checked=False, form=form: self.ask_export(form))
            menu.addAction(action)
        made.setMenu(menu)
        return made

    def _field(self, name: str, on_finished: Callable[[], None], width: int = 0) -> QLineEdit:
        made = QLineEdit()
        made.setPlaceholderText(name)
        made.setAccessibleName(name)
        made.editingFinished.connect(on_finished)
        if width:
            made.setFixedWidth(width)
        return made

    def _edit(self, change: Callable[[Session], object]) -> None:
        if self._recording is not None:
            self._library.edit(self._recording.folder, change)

    def _write_edits(self) -> None:
        """A card or a key leads to another recording and leaves the focus in the field that is being edited."""
        fields = {
            self.name_field: self._rename,
            self.notes_field: self._write_notes,
            self.tags_field: self._write_tags,
        }
        is_there = self._recording is not None and self._recording.folder.is_dir()
        for editor, write in fields.items():
            if editor.isModified() and is_there:
                write()

    def _rename(self) -> None:
        name = self.name_field.text().strip()
        if self._recording is not None and name and name != self._recording.session.name:
            self._edit(lambda session: session.rename(name))

    def _write_notes(self) -> None:
        notes = self.notes_field.text()
        if self._recording is not None and notes != self._recording.session.notes:
            self._edit(lambda session: session.set_notes(notes))

    def _write_tags(self) -> None:
        tags = tuple(tag.strip() for tag in self.tags_field.text().split(",") if tag.strip())
        if self._recording is not None and tags != self._recording.session.tags:
            self._edit(lambda session: session.set_tags(tags))


def facts_of(recording: Recording) -> str:
    """Size, date, geometry and origin in one line."""
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
