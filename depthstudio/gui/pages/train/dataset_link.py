"""From a frame that is learned from or judged by to the same frame on the Dataset page."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QWidget

from depthstudio.datasets.session import Session
from depthstudio.datasets.session_format import SESSION_FILE
from depthstudio.errors import DatasetError
from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.basics import icon_button, row


class DatasetLink(QWidget):
    """A small button; shown only for frames of the workspace's recordings."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self._studio = studio
        self._frame = ("", "")
        self.button = icon_button("database", "Open this frame on the Dataset page", self.open, size_px=14)
        self.setLayout(row(self.button))
        self.hide()

    def set_frame(self, group: str, name: str) -> None:
        """The frame that is shown beside it; empty for none. group, name: as in StereoSample."""
        self._frame = (group, name)
        self.setVisible(bool(group) and (self._studio.workspace.sessions / group / SESSION_FILE).exists())

    def open(self) -> None:
        """Go there. A recording that is gone by now becomes a notice."""
        folder = self._studio.workspace.sessions / self._frame[0]
        try:
            position = frame_position(folder, self._frame[1])
        except DatasetError as error:
            self._studio.report(error)
            return
        self._studio.show_page("dataset")
        self._studio.frame_requested.emit(folder, position)


def frame_position(session: Path, name: str) -> int:
    """Where in a recording the frame lies that samples call by this name. DatasetError when it is not there."""
    number = name.rsplit(" ", 1)[-1]
    for position, record in enumerate(Session.open(session).records):
        if f"{record['index']:06d}" == number:
            return position
    raise DatasetError(f"The frame {name} is not in its recording any more.")
