"""Saves the stations as a table or a report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from depthstudio.evaluation.quality_report import Station, write_quality_csv, write_quality_pdf
from depthstudio.gui.errors import Notice
from depthstudio.gui.studio import Activity, Studio
from depthstudio.gui.widgets.basics import button, row


class SaveButtons(QWidget):
    """CSV and PDF, of the stations that it was told last. Those that no file holds yet are asked about when closing."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self._studio = studio
        self._stations: list[Station] = []
        self._saved: list[Station] = []
        csv = button("CSV", lambda: self.ask("csv"), "download", tip="Save the stations as a table")
        pdf = button("PDF", lambda: self.ask("pdf"), "file-text", tip="Save tables and curves")
        line = row(csv, pdf)
        line.setStretch(0, 1)
        line.setStretch(1, 1)
        self.setLayout(line)
        self.set_stations([])

    def set_stations(self, stations: Sequence[Station]) -> None:
        """What there is to save."""
        self._stations = list(stations)
        self.setEnabled(bool(stations))
        self._say_what_is_unsaved()

    def ask(self, kind: str) -> None:
        """Ask where, then save."""
        folder = self._studio.workspace.root
        dialog = QFileDialog(self.window(), "Save depth quality", str(folder / f"depth_quality.{kind}"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(kind)
        dialog.setNameFilter(f"*.{kind}")
        dialog.fileSelected.connect(lambda name: self.save(Path(name)))
        dialog.open()

    def save(self, path: Path) -> None:
        """Write .csv or .pdf in the background."""
        stations = list(self._stations)
        write = write_quality_pdf if path.suffix.lower() == ".pdf" else write_quality_csv

        def saved(_: object) -> None:
            self._saved += stations
            self._say_what_is_unsaved()
            self._studio.notify(Notice("Depth quality saved.", f"{path}", tone="good"))

        self._studio.tasks.run(lambda _: write(path, stations), "Save depth quality", saved)

    def _say_what_is_unsaved(self) -> None:
        saved = {id(station) for station in self._saved}
        count = sum(id(station) not in saved for station in self._stations)
        what = "1 station of depth quality is not saved." if count == 1 else f"{count} stations are not saved."
        self._studio.set_activity("quality", Activity(what, what, runs=False) if count else None)
