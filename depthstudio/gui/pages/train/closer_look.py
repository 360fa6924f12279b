"""Checks that take seconds: the pictures of both sides, and the start network with its memory. In the background."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from depthstudio.errors import UserError
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.training.checks.finding import Finding
from depthstudio.training.checks.pictures import check_pictures
from depthstudio.training.data import TrainingData
from depthstudio.training.preflight import DataReport
from depthstudio.training.settings import TrainingSettings

_Key = tuple[object, ...]


class CloserLook(QObject):
    """changed(): `picture_findings` or `network` are new. Each is looked at once, until data or network change."""

    changed = Signal()

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._pictures_of: _Key = ()
        self._network_of: _Key = ()
        self._wanted: tuple[_Key, TrainingData] | None = None
        self._busy: set[str] = set()
        self.picture_findings: tuple[Finding, ...] = ()
        self.network: object = None

    @property
    def is_busy(self) -> bool:
        """More findings may follow."""
        return bool(self._busy)

    @property
    def reach_px(self) -> float | None:
        """Largest disparity that the start network searches; None while unknown or without limit."""
        return getattr(self.network, "reach_px", None)

    def forget(self) -> None:
        """The recordings changed on the disk: look at them again when asked."""
        self._pictures_of = ()

    def look_at_data(self, data: TrainingData) -> None:
        """Look at the pictures, if these frames were not looked at already. Label masks do not matter here."""
        key = (data.train.title, data.validation.title, tuple(data.train.groups), tuple(data.validation.groups))
        self._wanted = (key, data)
        if key == self._pictures_of or "pictures" in self._busy:
            return
        self._busy.add("pictures")
        self._pictures_of, self.picture_findings = key, ()

        def work(context: TaskContext) -> tuple[_Key, list[Finding]]:
            return key, check_pictures(data, context.cancel)

        # A fault is none to tell: the checks of the data say what cannot be read.
        self._studio.tasks.run(work, "Look at the pictures", self._on_pictures, lambda _: self._go_on(key))

    def look_at_network(self, settings: TrainingSettings) -> None:
        """Load the network and measure it, if it was not already."""
        key = (settings.network, settings.freeze_encoder)
        if key == self._network_of or "network" in self._busy:
            return
        self._busy.add("network")
        self._network_of, self.network = key, None
        workspace = self._studio.workspace

        def work(_: TaskContext) -> object:
            from depthstudio.training.checks.network import look_at_network

            try:
                return look_at_network(settings, workspace)
            except UserError:
                return None  # the network section says why it cannot be loaded

        self._studio.tasks.run(work, "Look at the network", self._on_network, self._on_network_fault)

    def network_findings(self, settings: TrainingSettings, report: DataReport) -> list[Finding]:
        """Memory and dropout, with the settings as they are."""
        if self.network is None:
            return []
        from depthstudio.training.checks.network import NetworkLook, check_dropout, check_memory, memory_mb

        look = self.network
        assert isinstance(look, NetworkLook)
        frames = report.train_frames + report.validation_frames
        needed_mb = memory_mb(look, settings, report.image_size, frames)
        return [*check_memory(needed_mb, settings), *check_dropout(look, settings)]

    def _on_pictures(self, result: tuple[_Key, list[Finding]]) -> None:
        key, findings = result
        if self._wanted is not None and self._wanted[0] == key:
            self.picture_findings = tuple(findings)
        self._go_on(key)

    def _on_network(self, look: object) -> None:
        self.network = look
        self._end("network")

    def _go_on(self, looked_at: _Key) -> None:
        """Look at what was asked for meanwhile."""
        self._busy.discard("pictures")
        if self._wanted is not None and self._wanted[0] != looked_at:
            self.look_at_data(self._wanted[1])
        else:
            self.changed.emit()

    def _on_network_fault(self, error: BaseException) -> None:
        self._end("network")
        self._studio.report(error)

    def _end(self, what: str) -> None:
        self._busy.discard(what)
        self.changed.emit()
