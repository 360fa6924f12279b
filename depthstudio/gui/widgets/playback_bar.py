"""PlaybackBar: play, step, seek, speed and loop of the recording that is played; hidden for cameras."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QComboBox, QFrame, QSlider, QStyle, QStyleOptionSlider

from depthstudio.cameras import PlaybackState
from depthstudio.gui.sources import SourceController, SourceState
from depthstudio.gui.theme import GRID_PX, mark, theme
from depthstudio.gui.widgets.basics import field, icon_button, number_label, row

_STEPS = 10_000
_SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)
_POLL_MS = 100
_SHORT_S = 10.0


class PlaybackBar(QFrame):
    """Follows the controller by itself."""

    def __init__(self, sources: SourceController) -> None:
        super().__init__()
        self._sources = sources
        mark(self, surface="header")
        self.setFixedHeight(40)
        self.back = icon_button("step-back", "One frame back (,)", lambda: sources.step(-1))
        self.play = icon_button("play", "Play or pause (P)", sources.toggle_pause)
        self.on = icon_button("step-forward", "One frame on (.)", lambda: sources.step(1))
        self.position = number_label("", "muted")
        self.line = _TimeLine()
        self.line.asked.connect(self._seek)
        self.speed = field(QComboBox(), "Speed", "Speed of playing")
        self.speed.addItems([f"{speed:g}×" for speed in _SPEEDS])
        self.speed.setFixedWidth(72)
        self.speed.activated.connect(lambda index: sources.set_speed(_SPEEDS[index]))
        self.loop = icon_button("repeat", "Begin again at the end", self._set_loop, checkable=True)
        layout = row(self.back, self.play, self.on, self.line, self.position, self.speed, self.loop)
        layout.setStretchFactor(self.line, 1)
        layout.setContentsMargins(2 * GRID_PX, 0, 2 * GRID_PX, 0)
        self.setLayout(layout)
        self._poll = QTimer(self, interval=_POLL_MS)
        self._poll.timeout.connect(self._show)
        sources.state_changed.connect(self._show_state)
        self._show_state()

    def _seek(self, share: float) -> None:
        state = self._sources.playback
        if state is not None and state.duration_s:
            self._sources.seek(share * state.duration_s)

    def _set_loop(self) -> None:
        self._sources.set_loop(self.loop.isChecked())

    def _show_state(self) -> None:
        state = self._sources.state
        plays = self._sources.playback is not None and state is not SourceState.FAILED
        self.setVisible(plays)
        self._poll.start() if plays else self._poll.stop()
        if not plays:
            return
        moving = state is SourceState.STREAMING
        theme().set_icon(self.play, "pause" if moving else "play", "text_muted", 16)
        for step in (self.back, self.on):
            step.setEnabled(self._sources.is_streaming)
        self._show()

    def _show(self) -> None:
        state = self._sources.playback
        if state is None:
            return
        self.line.setEnabled(bool(state.duration_s))
        self.line.show_share(state.position_s / state.duration_s if state.duration_s else 0.0)
        self.position.setText(words_of(state))
        self.loop.setChecked(state.loop)
        if state.speed in _SPEEDS:
            self.speed.setCurrentIndex(_SPEEDS.index(state.speed))


class _TimeLine(QSlider):
    """asked(share): the user clicked or dragged to this share of the recording; a click goes to where it is."""

    asked = Signal(float)

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(0, _STEPS)
        self.setAccessibleName("Position in the recording")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._held = False

    def show_share(self, share: float) -> None:
        """Move the handle, unless the user holds it."""
        if not self._held:
            self.setValue(round(share * _STEPS))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the handle to the pointer."""
        self._held = True
        self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag."""
        if self._held:
            self._follow(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Go there."""
        self._held = False
        self.asked.emit(self.value() / _STEPS)

    def _follow(self, event: QMouseEvent) -> None:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        handle_px = self.style().pixelMetric(QStyle.PixelMetric.PM_SliderLength, option, self)
        share = (event.position().x() - handle_px / 2) / max(1, self.width() - handle_px)
        self.setValue(round(min(max(share, 0.0), 1.0) * _STEPS))


def words_of(state: PlaybackState) -> str:
    """``0:03.2 / 0:10.0``, and the frame where it is known."""
    digits = 2 if state.duration_s is not None and state.duration_s < _SHORT_S else 1
    text = _clock(state.position_s, digits)
    if state.duration_s is not None:
        text += f" / {_clock(state.duration_s, digits)}"
    if state.frame is not None and state.frame_count is not None:
        text += f"   frame {state.frame + 1} of {state.frame_count}"
    return text


def _clock(seconds: float, digits: int) -> str:
    minutes, rest = divmod(round(max(0.0, seconds), digits), 60)
    return f"{int(minutes)}:{rest:0{digits + 3}.{digits}f}"
