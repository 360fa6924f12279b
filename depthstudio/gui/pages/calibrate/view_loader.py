"""ViewLoader: views from image pairs or a recording take the place of those that are there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from depthstudio.calibration import ViewCollector
from depthstudio.calibration.library import board_of_views
from depthstudio.cancel import CancelToken
from depthstudio.errors import CalibrationError
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.calibrate.board_section import BoardSection
from depthstudio.gui.pages.calibrate.collected_views import FILES, CollectedViews
from depthstudio.gui.pages.calibrate.folder_views import add_folder, add_recording, ask_folder, ask_recording
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext

Run = Callable[[Callable[[TaskContext], Any], str, Callable[[Any], None]], None]
Add = Callable[[ViewCollector, Callable[[float, str], None], CancelToken], list[str]]


class ViewLoader(QObject):
    """began(): an empty collection is there to be filled. loaded(): it is filled.

    run: does work in the background, one at a time; see CalibratePage.
    """

    began = Signal()
    loaded = Signal()

    def __init__(self, studio: Studio, kept: CollectedViews, board: BoardSection, run: Run, parent: QWidget) -> None:
        super().__init__(parent)
        self._studio = studio
        self._kept = kept
        self._board = board
        self._run = run
        self._page = parent
        self.is_allowed = True

    def ask_folder(self) -> None:
        """Ask for a folder of image pairs."""
        ask_folder(self._page.window(), self._studio.workspace.root, self.load_folder)

    def ask_recording(self) -> None:
        """Ask for a camera recording."""
        ask_recording(self._page.window(), self._studio.workspace.root, self.load_recording)

    def load_folder(self, folder: Path) -> None:
        """The pairs of a folder, with the board they were saved with."""
        try:
            known = board_of_views(folder)
        except CalibrationError as error:
            self._studio.report(error)
            return
        if known is not None and self.is_allowed:
            self._board.use(known)
        self._load(lambda *rest: add_folder(rest[0], folder, *rest[1:]))

    def load_recording(self, url: str) -> None:
        """Those that a recording shows."""
        self._load(lambda *rest: add_recording(rest[0], url, *rest[1:]))

    def _load(self, add: Add) -> None:
        board = self._board.board
        if board is None or not self.is_allowed:
            return
        self._kept.begin(board, FILES, "Others are loaded.", require_still=False)
        self.began.emit()
        collector = self._kept.collector
        self._run(lambda context: add(collector, context.progress, context.cancel), "Find the board", self._on_loaded)

    def _on_loaded(self, skipped: list[str]) -> None:
        self.loaded.emit()
        if skipped:
            self._studio.notify(Notice(f"{len(skipped)} pairs gave no view.", "; ".join(skipped[:4]), tone="warning"))
