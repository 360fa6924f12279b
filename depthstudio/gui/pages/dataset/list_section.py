"""The recordings of the workspace as cards, and how they are split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QScrollArea, QWidget

from depthstudio.gui.pages.dataset.actions import LibraryActions
from depthstudio.gui.pages.dataset.library import Recording, SplitTotals
from depthstudio.gui.pages.dataset.recording_bar import ROLE_TONES, ROLES
from depthstudio.gui.theme import GRID_PX, mark
from depthstudio.gui.widgets.basics import Section, label
from depthstudio.gui.widgets.cards import CardList, MediaCard
from depthstudio.gui.widgets.facts import Facts


class SplitSection(Section):
    """Both sides as a training would take them."""

    def __init__(self) -> None:
        super().__init__("Split")
        self.facts = Facts("Split")
        self.note = label("", "small", wrap=True)
        self.warning = label("", "small", wrap=True, tone="warning")
        for item in (self.facts, self.note, self.warning):
            self.add(item)

    def set_totals(self, totals: SplitTotals) -> None:
        """Show them, and what would stop a training."""
        facts = [("Training", str(totals.train)), ("Validation", str(totals.validation))]
        if totals.ignored:
            facts.append(("Ignored", f"{totals.ignored} {'recording' if totals.ignored == 1 else 'recordings'}"))
        self.facts.set_facts(facts)
        self.note.setText(f"Validates automatically: {', '.join(totals.automatic)}." if totals.automatic else "")
        self.note.setVisible(bool(totals.automatic))
        self.warning.setText(f"{totals.problem} {totals.next_step}".strip())
        self.warning.setVisible(bool(totals.problem))


class ListSection(Section):
    """chosen(Path): a card was clicked. open_wanted(): one was double-clicked."""

    chosen = Signal(object)
    open_wanted = Signal()

    def __init__(self, library: LibraryActions, panel: QWidget) -> None:
        super().__init__("Recordings")
        self._library = library
        self._panel = panel
        self._selected: Path | None = None
        self.list = CardList()
        self.add(self.list)

    @property
    def cards(self) -> list[QWidget]:
        """Those shown, newest first."""
        return self.list.cards

    def set_recordings(self, recordings: Sequence[Recording]) -> None:
        """Show these."""
        self.list.set_cards([self._card(recording) for recording in recordings])
        self.setAccessibleName(f"Recordings: {len(recordings)}")

    def select(self, folder: Path | None) -> None:
        """Mark a recording's card and scroll to it."""
        self._selected = folder
        for card in self.list.cards:
            mark(card, selected=card.property("folder") == str(folder))
        QTimer.singleShot(0, self._scroll_to_selected)  # once the list is laid out

    def _scroll_to_selected(self) -> None:
        area = self._panel.findChild(QScrollArea)
        for card in self.list.cards:
            if card.property("folder") == str(self._selected) and isinstance(area, QScrollArea):
                area.ensureWidgetVisible(card, 0, GRID_PX)

    def _card(self, recording: Recording) -> MediaCard:
        session = recording.session
        frames = f"{session.frame_count} {'frame' if session.frame_count == 1 else 'frames'}"
        fill = f", depth {recording.fill:.0%}" if recording.fill is not None else ", no depth"
        card = MediaCard(session.name, (frames + fill, recording.when), recording.thumbnail)
        if not recording.calibrated:
            card.add_badge("Not calibrated", "warning")
        if session.role:
            card.add_badge(ROLES[session.role], ROLE_TONES[session.role])
        card.setCursor(Qt.CursorShape.PointingHandCursor)
        card.setProperty("folder", str(recording.folder))
        card.clicked.connect(lambda: self.chosen.emit(recording.folder))
        card.activated.connect(self.open_wanted)
        card.set_menu(self._menu(recording))
        return card

    def _menu(self, recording: Recording) -> list[tuple[str, Callable[[], object]]]:
        edit, folder = self._library.edit, recording.folder
        return [
            ("Use automatically", lambda: edit(folder, lambda session: session.set_role(""))),
            ("Use for training", lambda: edit(folder, lambda session: session.set_role("train"))),
            ("Use for validation", lambda: edit(folder, lambda session: session.set_role("validation"))),
            ("Ignore", lambda: edit(folder, lambda session: session.set_role("ignored"))),
            ("Move to the trash", lambda: self._library.throw_away(folder, recording.session.name)),
        ]
