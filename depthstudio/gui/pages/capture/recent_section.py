"""The newest recordings of the workspace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal

from depthstudio.cameras.urls import SourceUrl
from depthstudio.datasets.session import Session, list_sessions
from depthstudio.gui.pages.dataset.recording_bar import ROLE_TONES, ROLES
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import NewestAnswer, TaskContext
from depthstudio.gui.widgets.basics import Section, button, label
from depthstudio.gui.widgets.cards import CardList, MediaCard

_SHOWN = 12

Found = list[tuple[Session, NDArray[np.uint8]]]


class RecentSection(Section):
    """Reads the recordings in the background, whenever the library changes.

    again(Session): record this one again. deleted(Path): move it to the trash.
    """

    again = Signal(object)
    deleted = Signal(object)

    def __init__(self, studio: Studio) -> None:
        super().__init__("Recordings")
        self._studio = studio
        self._newest: Path | None = None
        self._reading = NewestAnswer(studio.tasks)
        self.heading_row.addWidget(
            button("All", lambda: studio.show_page("dataset"), kind="link", tip="Open the Dataset page")
        )
        self._nothing = label("What you record appears here.", "muted", wrap=True)
        self.list = CardList()
        self.add(self._nothing)
        self.add(self.list)
        studio.library_changed.connect(self.reload)
        self.reload()

    def reload(self) -> None:
        """Read them again."""
        folder = self._studio.workspace.sessions

        def read(_: TaskContext) -> Found:
            newest_first = sorted(list_sessions(folder), key=lambda session: session.created, reverse=True)
            return [(session, session.thumbnail()) for session in newest_first[:_SHOWN]]

        self._reading.run(read, "List recordings", self._show)

    def set_newest(self, folder: Path) -> None:
        """Mark the card of the recording that was just made."""
        self._newest = folder

    def _show(self, found: Found) -> None:
        self._nothing.setVisible(not found)
        self.list.set_cards([self._card(session, thumbnail) for session, thumbnail in found])

    def _card(self, session: Session, thumbnail: NDArray[np.uint8]) -> MediaCard:
        when = session.created[:16].replace("T", " ")
        frames = f"{session.frame_count} {'frame' if session.frame_count == 1 else 'frames'}"
        card = MediaCard(session.name, (frames, when), thumbnail)
        if session.role:
            card.add_badge(ROLES[session.role], ROLE_TONES[session.role])
        card.set_selected(session.folder == self._newest)

        def play() -> None:
            self._studio.sources.open(str(SourceUrl.for_path("session", session.folder)))

        card.activated.connect(play)
        card.setToolTip("Double click plays it; a right click offers more")
        card.setCursor(Qt.CursorShape.PointingHandCursor)
        card.set_menu(
            [
                ("Play", play),
                ("Record again, and delete this one", lambda: self.again.emit(session)),
                ("Show all in Dataset", lambda: self._studio.show_page("dataset")),
                ("Move to the trash", lambda: self.deleted.emit(session)),
            ]
        )
        return card
