"""Which frames train and which validate, and what speaks against starting with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QWidget

from depthstudio.datasets.session import Session, list_sessions
from depthstudio.errors import DatasetError, UserError
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.gui.training_worker import DataChoice
from depthstudio.gui.widgets.basics import (
    ElidedLabel,
    Section,
    Segments,
    button,
    clear_layout,
    label,
    number_label,
    row,
)
from depthstudio.training.checks.finding import Finding
from depthstudio.training.data import TrainingData
from depthstudio.training.preflight import DataReport, check_data
from depthstudio.training.settings import TrainingSettings

_ROWS = 7
_RECORD = "Record one scene to train on and one to validate on, or choose a folder."
_SIDE_WORDS = {"train": ("train", "train"), "validation": ("validate", "accent"), "": ("ignored", "")}


@dataclass(frozen=True)
class Recording:
    """A recording and the side it is on: train, validation, or empty when it is left out."""

    name: str
    side: str
    frames: int


@dataclass(frozen=True)
class DataLook:
    """What was found: a report, or the error that stands in the way."""

    recordings: tuple[Recording, ...]
    report: DataReport | None = None
    data: TrainingData | None = None
    error: UserError | None = None


def look_at(
    choice: DataChoice, settings: TrainingSettings, sessions: Path | None, reach_px: float | None = None
) -> DataLook:
    """Open the data and check it; reads frames, so not on the GUI thread. sessions: whose recordings are listed.

    reach_px: largest disparity that the start network searches.
    """
    found = list_sessions(sessions) if sessions is not None else []
    if sessions is not None and not found:
        return DataLook((), error=DatasetError("There are no recordings yet.", next_step=_RECORD))
    try:
        data = choice.open(settings)
        report = check_data(data, settings, reach_px, choice.loaded_calibration())
    except UserError as error:
        return DataLook(tuple(_recording(session, session.role) for session in found), None, None, error)
    sides = {**dict.fromkeys(report.train, "train"), **dict.fromkeys(report.validation, "validation")}
    recordings = [_recording(session, sides.get(session.folder.name, "")) for session in found]
    if sessions is None:
        recordings = [Recording(name, sides[name], report.train[name] + report.validation[name]) for name in sides]
    return DataLook(tuple(recordings), report, data)


def _recording(session: Session, side: str) -> Recording:
    return Recording(session.name, side if side in ("train", "validation") else "", len(session.included))


class DataSection(Section):
    """The workspace's recordings, or a folder of another layout. changed(): another choice. looked(): see `look`."""

    changed = Signal()
    looked = Signal()

    def __init__(self, studio: Studio) -> None:
        super().__init__("Data")
        self._studio = studio
        self._folder: Path | None = None
        self.look: DataLook | None = None
        self._busy = False
        self._again: tuple[TrainingSettings, float | None] | None = None
        self.kind = Segments({"recordings": "Recordings", "folder": "Folder"})
        self.kind.setAccessibleName("Where the frames come from")
        self._path = ElidedLabel("No folder chosen", "muted")
        self._choose = button("Choose…", self.ask_folder, "folder-open")
        self._folder_row = QWidget()
        folder_row = row(self._path, self._choose)
        folder_row.setStretch(0, 1)
        self._folder_row.setLayout(folder_row)
        self._table = QWidget()
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)
        self.summary = label("", "small", wrap=True)
        to_dataset = lambda: studio.show_page("dataset")  # noqa: E731
        self._roles = button("Change roles", to_dataset, kind="link", tip="Open the Dataset page")
        self.heading_row.addWidget(self._roles)
        for item in (self.kind, self._folder_row, self._table, self.summary):
            self.add(item)
        self.kind.chosen.connect(self._on_kind)
        self._folder_row.hide()

    @property
    def choice(self) -> DataChoice | None:
        """What to train on; None while no folder is chosen."""
        if self.kind.current == "recordings":
            return DataChoice((str(self._studio.workspace.sessions),))
        if self._folder is None:
            return None
        chosen = self._studio.chosen_calibration
        return DataChoice((str(self._folder),), chosen.path if chosen is not None else None)

    @property
    def is_usable(self) -> bool:
        """The data was looked at and nothing forbids to start."""
        return self.look is not None and self.look.report is not None and self.look.report.is_usable

    def set_folder(self, folder: Path) -> None:
        """Train on a folder of any known layout."""
        self._folder = folder
        self._path.set_full_text(str(folder))
        self.kind.set_current("folder")
        self._on_kind("folder")

    def ask_folder(self) -> None:
        """Let the user choose a folder."""
        dialog = QFileDialog(self.window(), "Folder with frames to learn from")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(lambda path: self.set_folder(Path(path)))
        dialog.open()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the data itself gives away, or why it cannot be used."""
        look = self.look
        if look is None:
            return ()
        if look.report is not None:
            return look.report.findings
        if look.error is None:
            step = "Choose one, or train on the recordings of this workspace."
            return (Finding("No folder chosen.", step, blocks=True),)
        words = " ".join(part for part in (look.error.what, look.error.why) if part)
        return (Finding(words, look.error.next_step, "bad", blocks=True),)

    def refresh(self, settings: TrainingSettings, reach_px: float | None = None) -> None:
        """Look at the data in the background; `looked` follows. reach_px: how far the start network searches."""
        choice = self.choice
        if self._busy:
            self._again = (settings, reach_px)
        if choice is None:
            self._take(DataLook(()))
        if choice is None or self._busy:
            return
        self._busy = True
        sessions = self._studio.workspace.sessions if self.kind.current == "recordings" else None

        def work(_: TaskContext) -> DataLook:
            return look_at(choice, settings, sessions, reach_px)

        self._studio.tasks.run(work, "Look at the data", self._on_look, self._on_fault)

    def _on_kind(self, kind: str) -> None:
        self._folder_row.setVisible(kind == "folder")
        self.look = None
        self.changed.emit()

    def _on_fault(self, error: BaseException) -> None:
        self._studio.report(error)
        self._looks_again()

    def _on_look(self, look: DataLook) -> None:
        if not self._looks_again():
            self._take(look)

    def _looks_again(self) -> bool:
        """Something else was chosen meanwhile: what was found is of no use."""
        self._busy = False
        again, self._again = self._again, None
        if again is not None:
            self.refresh(*again)
        return again is not None

    def _take(self, look: DataLook) -> None:
        self.look = look
        self._show_recordings(look.recordings)
        self._show_summary(look)
        self.looked.emit()

    def _show_recordings(self, recordings: tuple[Recording, ...]) -> None:
        clear_layout(self._grid)
        for line, recording in enumerate(recordings[:_ROWS]):
            word, tone = _SIDE_WORDS[recording.side]
            self._grid.addWidget(ElidedLabel(recording.name), line, 0)
            self._grid.addWidget(number_label(str(recording.frames), "muted"), line, 1)
            side = label(word, "small", tone=tone)
            side.setFixedWidth(56)
            self._grid.addWidget(side, line, 2)
        if len(recordings) > _ROWS:
            self._grid.addWidget(label(f"and {len(recordings) - _ROWS} more", "faint"), _ROWS, 0)
        self._table.setVisible(bool(recordings))
        self._roles.setVisible(bool(recordings) and self.kind.current == "recordings")

    def _show_summary(self, look: DataLook) -> None:
        report = look.report
        self.summary.setVisible(report is not None)
        if report is not None:
            width, height = report.image_size
            self.summary.setText(
                f"{report.train_frames} frames train, {report.validation_frames} validate. {width} × {height} px, "
                f"{report.valid_share:.0%} labelled, up to {report.largest_disparity_px:.0f} px."
            )
