"""Saving a board as PDF, to print."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from depthstudio.calibration import Board
from depthstudio.calibration.printing import board_pdf
from depthstudio.errors import UserError
from depthstudio.gui.errors import Notice
from depthstudio.gui.studio import Studio
from depthstudio.storage import write_bytes


def ask_to_print(parent: QWidget, studio: Studio, board: Board, paper: str) -> None:
    """Ask where the PDF shall go, and write it. A board too large for the paper is said at once."""
    try:
        page = board_pdf(board, paper)
    except UserError as error:
        studio.report(error)
        return
    suggested = Path.home() / f"board-{board.kind}-{board.columns}x{board.rows}-{paper}.pdf"
    dialog = QFileDialog(parent, "Save the board", str(suggested), "PDF (*.pdf)")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix("pdf")
    dialog.selectFile(str(suggested))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda name: save_page(studio, Path(name), page, paper))
    dialog.open()


def save_page(studio: Studio, path: Path, page: bytes, paper: str) -> None:
    """Write the PDF in the background and say how to print it."""

    def saved(_: None) -> None:
        studio.notify(
            Notice(
                f"{path.name} is saved.",
                f"Print it at 100 % on {paper} and measure the ruler.",
                tone="good",
                action=("Open", lambda: _open(path)),
            )
        )

    studio.tasks.run(lambda _: write_bytes(path, page), "Save the board", saved)


def _open(path: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
