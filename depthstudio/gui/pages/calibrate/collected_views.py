"""The views that are being collected: where they come from, what was taken out of them, whether a file holds them."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

from depthstudio.calibration import Board, CollectedView, ViewCollector
from depthstudio.gui.errors import Notice
from depthstudio.gui.studio import Activity, Studio

FILES = "files"
_PAGE = "calibrate"
_TOPIC = "views put away"


@dataclass
class _Collection:
    """origin: the source's URL, or FILES. is_unsaved: no file holds its views yet."""

    collector: ViewCollector
    origin: str
    removed: list[CollectedView] = field(default_factory=list)
    is_unsaved: bool = False


class CollectedViews(QObject):
    """One collection at a time. One that another takes the place of can be brought back from a notice.

    Closing asks about views that were taken from a source and are in no file yet.
    came_back(Board): the collection is one from before again, of this board.
    """

    came_back = Signal(object)

    def __init__(self, studio: Studio, board: Board, parent: QObject) -> None:
        super().__init__(parent)
        self._studio = studio
        self._now = _Collection(ViewCollector(board), "")

    @property
    def collector(self) -> ViewCollector:
        """What views are offered to; another one after every `begin` and change of the board."""
        return self._now.collector

    @property
    def count(self) -> int:
        """Views collected."""
        return len(self.collector.collected)

    @property
    def removed_count(self) -> int:
        """Views that `restore` can bring back."""
        return len(self._now.removed)

    def belongs_to(self, url: str) -> bool:
        """Views of this source can join: there are none yet, or they are of the same one."""
        return not self.count or self._now.origin == url

    def begin(self, board: Board, origin: str, why: str = "", *, require_still: bool = True) -> None:
        """Start a collection. why: what became of the one before, for the notice that can bring it back."""
        self._put(_Collection(ViewCollector(board, require_still=require_still), origin), why)

    def change_board(self, board: Board) -> None:
        """Views of the same points stay, whatever their size; of another board they begin anew."""
        before = self.collector
        if board == before.board:
            return
        if board.has_points_of(before.board):
            self._now.collector = before.rescaled(board)
        else:
            self._put(_Collection(ViewCollector(board), self._now.origin), "They show another board.")

    def remove(self, name: str) -> None:
        """Take a view out."""
        index = [one.view.name for one in self.collector.collected].index(name)
        self._now.removed.append(self.collector.remove(index))
        self._tell()

    def restore(self) -> None:
        """Bring back the view removed last."""
        if self._now.removed:
            one = self._now.removed.pop()
            self.collector.add(one.view, one.left, one.right)
            self._tell()

    def note_taken(self, url: str) -> None:
        """The source gave another view."""
        self._now.origin, self._now.is_unsaved = url, True
        self._tell()

    def note_saved(self, collector: ViewCollector) -> None:
        """A file holds all of its views; nothing when others were brought back meanwhile."""
        if collector is self.collector:
            self._now.is_unsaved = False
            self._tell()

    def _put(self, collection: _Collection, why: str) -> None:
        before, self._now = self._now, collection
        self._tell()
        count = len(before.collector.collected)
        if not count:
            return
        self._studio.resolved.emit(_TOPIC)
        what = f"{count} {'view is' if count == 1 else 'views are'} put away."
        bring_back = ("Bring back", lambda: self._bring_back(before))
        self._studio.notify(Notice(what, why, tone="info", action=bring_back, topic=_TOPIC))

    def _bring_back(self, collection: _Collection) -> None:
        self._studio.resolved.emit(_TOPIC)
        self._put(collection, "Those from before are back.")
        self.came_back.emit(collection.collector.board)

    def _tell(self) -> None:
        words = (
            f"{self.count} {'view' if self.count == 1 else 'views'} of the board: no calibration is saved from them."
        )
        unsaved = self._now.is_unsaved and self.count
        self._studio.set_activity(_PAGE, Activity(words, words, runs=False) if unsaved else None)
