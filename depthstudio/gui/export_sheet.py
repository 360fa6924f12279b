"""The export sheet: a network as ONNX, OpenVINO IR or TorchScript, or as a folder that runs without DepthStudio."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from depthstudio.errors import UserError
from depthstudio.gui.errors import Notice
from depthstudio.gui.export_form import ExportForm
from depthstudio.gui.export_job import run_export
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import Task
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import button, label, row
from depthstudio.gui.widgets.sheet import Sheet
from depthstudio.gui.widgets.status import VerdictLabel
from depthstudio.workspace import label_of_folder

_CARD_WIDTH_PX = 560


def open_export(studio: Studio, network_path: Path) -> ExportSheet:
    """Ask how to export a network (a file, or a run's folder), over the studio's window."""
    path = Path(network_path)
    windows = [w for w in QApplication.topLevelWidgets() if getattr(w, "studio", None) is studio]
    return ExportSheet(windows[0], studio, path / "best.safetensors" if path.is_dir() else path)


class ExportSheet(Sheet):
    """A form, then how it went. Esc closes it; a running export goes on."""

    def __init__(self, parent: QWidget, studio: Studio, network: Path) -> None:
        self._name = label_of_folder(network.parent.name) if network.stem == "best" else network.stem
        super().__init__(parent, f"Export {self._name}", _CARD_WIDTH_PX)
        self._studio = studio
        self.task: Task | None = None
        self.content.addWidget(label(f"Export {self._name}", "title", wrap=True))
        self.form = ExportForm(studio, network, self._name)
        self.content.addWidget(self.form)
        self.content.addWidget(self._build_outcome())
        self.content.addSpacing(GRID_PX)
        self.content.addLayout(self._build_buttons())
        self.rise(self.export)

    # ---- building

    def _build_outcome(self) -> QWidget:
        self.outcome = QWidget()
        self.verdict = VerdictLabel()
        self.details = label("", "small", wrap=True)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        lines = QVBoxLayout(self.outcome)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(GRID_PX)
        for part in (self.verdict, self.progress, self.details):
            lines.addWidget(part)
        self.outcome.hide()
        return self.outcome

    def _build_buttons(self) -> QHBoxLayout:
        self.close_button = button("Cancel", self.dismiss)
        self.open_button = button("Open folder", self._open_folder, "folder-open")
        self.open_button.hide()
        self.export = button("Export", self.start, "share-2", "primary")
        return row(1, self.open_button, self.close_button, self.export)

    # ---- the work

    def start(self) -> None:
        """Export in the background."""
        wish = self.form.wish
        self.form.setEnabled(False)
        self.export.setEnabled(False)
        self.close_button.setText("Close")
        self.outcome.show()
        self.progress.show()
        self.verdict.set_verdict("Exporting and checking…", "Takes some seconds.")
        title = f"Export {self._name}"
        self.task = self._studio.tasks.run(
            lambda context: run_export(wish, context), title, self._done, self._failed, shown=True
        )

    def dismiss(self) -> None:
        """Close; a running export goes on and says how it went as a notice."""
        self.hide()
        if self.task is None or not self.task.is_running:
            self.deleteLater()

    def _done(self, lines: list[str]) -> None:
        if self.isHidden():
            self._studio.notify(Notice(f"{self._name} was exported.", lines[0], tone="good"))
            self.deleteLater()
            return
        self.form.hide()
        self.progress.hide()
        self.export.hide()
        self.open_button.show()
        self.close_button.setText("Close")
        self.verdict.set_verdict("Written and checked", lines[0], "good")
        self.details.setText("\n".join(lines[1:]))

    def _failed(self, error: BaseException) -> None:
        if self.isHidden():
            self._studio.report(error)
            self.deleteLater()
            return
        self.form.setEnabled(True)
        self.export.setEnabled(True)
        self.progress.hide()
        if isinstance(error, UserError):
            self.verdict.set_verdict(error.what, f"{error.why} {error.next_step}".strip(), "bad")
        else:
            self.verdict.set_verdict("The export failed", f"{type(error).__name__}: {error}", "bad")

    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.form.folder)))
