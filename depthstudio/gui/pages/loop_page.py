"""LoopPage: a page that shows what a loop makes of the source's frames: networks, polling, showing and hiding."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from PySide6.QtCore import QTimer

from depthstudio.frames import StereoFrame
from depthstudio.gui.loop_engine import EngineState, LoopEngine
from depthstudio.gui.network_chooser import NetworkItem, list_networks
from depthstudio.gui.pages.base import Page
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import NewestAnswer


class LoopPage(Page):
    """Polls the engine's loop while the page is visible. Subclasses call `refresh` when anything it depends on changes.

    networks_listed: whether the list of networks was read at least once.
    """

    def __init__(self, studio: Studio, engine: LoopEngine[Any, Any], poll_ms: int) -> None:
        super().__init__(studio)
        self.networks_listed = False
        self._loops = engine
        self._listing = NewestAnswer(studio.tasks)
        self._frame_kind: tuple[object, ...] = ()
        self._polling = QTimer(self, interval=poll_ms)
        self._polling.timeout.connect(self._poll)
        studio.library_changed.connect(self.list_networks)
        engine.changed.connect(self._on_engine)
        studio.sources.left.connect(self._resolve)

    @abstractmethod
    def refresh(self) -> None:
        """Work out from what there is whether something is missing and what the engine has to run."""

    @abstractmethod
    def show_networks(self, items: list[NetworkItem]) -> None:
        """Networks were looked for; `refresh` follows."""

    @abstractmethod
    def show_result(self, result: Any) -> None:
        """The loop's newest result."""

    def on_shown(self) -> None:
        """Go on."""
        self._polling.start()
        if not self.networks_listed:
            self.list_networks()
        self.refresh()

    def on_hidden(self) -> None:
        """Nobody looks."""
        self._polling.stop()

    def on_frame(self, frame: StereoFrame) -> None:
        """The loop takes frames by itself; the first one tells what it needs to know."""
        kind = (self.studio.sources.capture, frame.size, frame.right is None)
        if kind != self._frame_kind:
            self._frame_kind = kind
            self.refresh()

    def shut_down(self) -> None:
        """Stop the thread; the source that closes after it starts nothing again."""
        self._polling.stop()
        self._loops.stop_now()

    def list_networks(self) -> None:
        """Look for networks in the background."""
        workspace = self.studio.workspace
        self._listing.run(lambda _: list_networks(workspace), "List networks", self._on_networks)

    def _on_networks(self, items: list[NetworkItem]) -> None:
        self.networks_listed = True
        self.show_networks(items)
        self.refresh()

    def _on_engine(self) -> None:
        if self._loops.state in (EngineState.LOADING, EngineState.RUNNING):
            self._resolve()  # something else is asked for than what failed

    def _resolve(self) -> None:
        self.studio.resolved.emit(self.name)

    def _poll(self) -> None:
        loop = self._loops.loop
        if loop is None:
            return
        if loop.error is not None:
            self._loops.fail(loop.error)
            return
        result = loop.take()
        if result is not None:
            self.show_result(result)
