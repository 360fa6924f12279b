"""Which networks predict: the one in use, the one beside it, and whether the calibration in force suits them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal

from depthstudio.gui.calibration_origin import network_conflict
from depthstudio.gui.errors import Notice
from depthstudio.gui.loop_engine import EngineState
from depthstudio.gui.network_chooser import NetworkChooser, NetworkItem, network_used_last
from depthstudio.gui.pages.live.speed_hint import SpeedHint
from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.basics import Section, icon_button, label

if TYPE_CHECKING:
    from depthstudio.inference.live import LiveLoop

_ADVICE = "Its depth may be off. Use that calibration, or fine-tune the network with this one."
_TOPIC = "network conflict"


class NetworkSection(Section):
    """Two lists of networks, what runs, and warnings. chosen(Path), second_chosen(Path | None), reload_requested().

    The choice is remembered in the window's settings.
    """

    chosen = Signal(object)
    second_chosen = Signal(object)
    reload_requested = Signal()

    def __init__(self, studio: Studio) -> None:
        super().__init__("Network")
        self._studio = studio
        self._warned = ""
        self.first = NetworkChooser("Network", "Which network predicts. Runs show their best validation error.")
        self.second = NetworkChooser(
            "Second network",
            "Another network on the same frames, e.g. the one from before a fine-tuning. Computed only while shown.",
            "Compare with no other network",
        )
        self.state = label("", "small", wrap=True)
        self.speed_hint = SpeedHint()
        self.warning = label("", "small", wrap=True, tone="warning")
        again = icon_button("refresh-cw", "Load the network again", self.reload_requested.emit, size_px=14)
        self.heading_row.addWidget(again)
        for widget in (self.first, self.second, self.state, self.speed_hint, self.warning):
            self.add(widget)
        self.warning.hide()
        self.first.chosen.connect(self.chosen)
        self.second.chosen.connect(self.second_chosen)
        studio.calibration_changed.connect(lambda: self._warn(loudly=False))

    @property
    def current(self) -> Path | None:
        """The file of the network in use."""
        return self.first.current

    def choose(self, path: Path) -> None:
        """Use this network, and remember it."""
        self.first.set_current(path)
        self._studio.settings.live_network = str(path)
        self._warn(loudly=True)

    def choose_second(self, path: Path | None) -> None:
        """Compare with this network, or with none."""
        self.second.set_current(path)
        self._warn(loudly=True)

    def set_items(self, items: list[NetworkItem]) -> None:
        """What there is. The first time, the network used last is chosen, else the newest."""
        self.first.set_items(items)
        self.second.set_items(items)
        if self.first.current is None:
            self.first.set_current(network_used_last(self._studio.settings, items))
        self._warn(loudly=False)

    def show_state(self, state: EngineState, loop: LiveLoop | None) -> str:
        """Say what runs; the words are returned."""
        if state is EngineState.LOADING:
            words = "Loading the network…"
        elif state is EngineState.FAILED:
            words = "This network cannot be used; the message above says why."
        elif loop is not None:
            words = loop.predictor.name
        else:
            words = "Waiting for the source" if self.first.current is not None else ""
        self.state.setText(words)
        self.state.setToolTip("\n".join(loop.predictor.notes) if loop is not None else "")
        self.state.setVisible(bool(words))
        return words

    def _warn(self, loudly: bool) -> None:
        """Say whose calibration differs, beside the lists; and, when the user has just chosen, above the page."""
        active = self._studio.calibration
        conflicts = [network_conflict(path, active) for path in (self.first.current, self.second.current) if path]
        words = " ".join(conflict for conflict in conflicts if conflict)
        if words != self._warned:
            self._studio.resolved.emit(_TOPIC)
        if words and loudly and words != self._warned:
            self._studio.notify(Notice(words, next_step=_ADVICE, tone="warning", topic=_TOPIC))
        self._warned = words
        self.warning.setText(words)
        self.warning.setVisible(bool(words))
