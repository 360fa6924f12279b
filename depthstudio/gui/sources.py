"""SourceController: the one source that stays open across pages, as the GUI thread sees it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QObject, QTimer, Signal

from depthstudio.cameras import CaptureState, CaptureThread, Control, FrameSource, NewestFrame, open_source
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration
from depthstudio.gui.tasks import TaskContext, TaskRunner

_DISPLAY_INTERVAL_MS = 33
_RATES_INTERVAL_MS = 500
_RATES_WINDOW = 4


class SourceState(Enum):
    """What the header says about the source."""

    NONE = "no source"
    OPENING = "opening"
    STREAMING = "streaming"
    PAUSED = "paused"
    ENDED = "ended"
    FAILED = "failed"


_FROM_CAPTURE = {
    CaptureState.OPENING: SourceState.OPENING,
    CaptureState.STREAMING: SourceState.STREAMING,
    CaptureState.ENDED: SourceState.ENDED,
    CaptureState.FAILED: SourceState.FAILED,
    CaptureState.CLOSED: SourceState.NONE,
}


@dataclass(frozen=True)
class Rates:
    """Numbers for the header and the status strip."""

    camera_hz: float = 0.0
    display_hz: float = 0.0
    received: int = 0
    lost: int = 0


class SourceController(QObject):
    """Opens and closes sources without ever blocking; hands the newest frame to the window at most 30 times a second.

    frame_ready(StereoFrame) stops while paused; recording and `capture` go on. opened() once frames flow: `source`,
    `calibration` and `controls` are valid from then on.
    """

    state_changed = Signal()
    opened = Signal()
    frame_ready = Signal(object)
    rates_changed = Signal(object)
    failed = Signal(object)

    def __init__(self, tasks: TaskRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._capture: CaptureThread | None = None
        self._newest: NewestFrame | None = None
        self._state = SourceState.NONE
        self._paused = False
        self._generation = 0
        self._displayed = 0
        self._recently_displayed: deque[int] = deque(maxlen=_RATES_WINDOW)
        self.url = ""
        self.title = ""
        self.rates = Rates()
        self.last_frame: StereoFrame | None = None
        self._frames = QTimer(self, interval=_DISPLAY_INTERVAL_MS)
        self._frames.timeout.connect(self._poll)
        self._counting = QTimer(self, interval=_RATES_INTERVAL_MS)
        self._counting.timeout.connect(self._count)

    @property
    def state(self) -> SourceState:
        """Derived from the capture thread; PAUSED while the picture is held."""
        if self._state is SourceState.STREAMING and self._paused:
            return SourceState.PAUSED
        return self._state

    @property
    def is_streaming(self) -> bool:
        """True while frames arrive, the picture held or not."""
        return self._state is SourceState.STREAMING

    @property
    def capture(self) -> CaptureThread | None:
        """For consumers of their own: recorder, detection, inference."""
        return self._capture

    @property
    def source(self) -> FrameSource | None:
        """The open source, for its controls."""
        return self._capture.source if self._capture is not None else None

    @property
    def calibration(self) -> StereoCalibration | None:
        """What the source knows about its own cameras; None before it streams."""
        return self._capture.calibration if self._capture is not None else None

    @property
    def controls(self) -> tuple[Control, ...]:
        """What can be set on the open source."""
        return self._capture.controls if self._capture is not None else ()

    def open(self, url: str) -> None:
        """Close what is open and open `url` in the background; `state_changed`, then `opened` or `failed` follow."""
        self._begin(url, lambda: CaptureThread(open_source(url)))

    def reopen(self) -> None:
        """Open the same source again, after it ended or failed."""
        if self.url:
            self.open(self.url)

    def close(self) -> None:
        """Close the source in the background."""
        self._begin("", lambda: None)

    def close_now(self) -> None:
        """Close and wait; only for leaving the program."""
        self._frames.stop()
        self._counting.stop()
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.stop()

    def set_paused(self, paused: bool) -> None:
        """Hold the picture; the camera and a recording go on."""
        if paused != self._paused:
            self._paused = paused
            self.state_changed.emit()

    def _begin(self, url: str, create: Callable[[], CaptureThread | None]) -> None:
        self._generation += 1
        generation = self._generation
        old, self._capture = self._capture, None
        self._newest = None
        self._paused = False
        self.last_frame = None
        self.url, self.title = url, url
        self._frames.stop()
        self._counting.stop()
        self._set_state(SourceState.OPENING if url else SourceState.NONE)

        def switch(_: TaskContext) -> CaptureThread | None:
            if old is not None:
                old.stop()
            return create()

        def created(capture: CaptureThread | None) -> None:
            if generation == self._generation and capture is not None:
                self._start(capture)

        def refused(error: BaseException) -> None:
            if generation == self._generation:
                self._set_state(SourceState.FAILED)
                self.failed.emit(error)

        self._tasks.run(switch, f"Open {url}" if url else "Close the source", created, refused)

    def _start(self, capture: CaptureThread) -> None:
        self._capture = capture
        self.title = capture.source.title
        self._newest = capture.newest()
        self._displayed = 0
        self._recently_displayed.clear()
        capture.start()
        self._frames.start()
        self._counting.start()
        self.state_changed.emit()

    def _poll(self) -> None:
        capture = self._capture
        if capture is None:
            return
        state = _FROM_CAPTURE[capture.state]
        if state is not self._state:
            self._on_capture_state(capture, state)
        if self._paused or self._newest is None:
            return
        frame = self._newest.take()
        if frame is not None:
            is_first, self.last_frame = self.last_frame is None, frame
            self._displayed += 1
            if is_first:
                self.state_changed.emit()
            self.frame_ready.emit(frame)

    def _on_capture_state(self, capture: CaptureThread, state: SourceState) -> None:
        was_opening = self._state is SourceState.OPENING
        self._set_state(state)
        if was_opening and state in (SourceState.STREAMING, SourceState.ENDED):
            self.title = capture.source.title
            self.opened.emit()
        if state is SourceState.FAILED and capture.error is not None:
            self.failed.emit(capture.error)

    def _count(self) -> None:
        if self._capture is None:
            return
        counters = self._capture.counters()
        self._recently_displayed.append(self._displayed)
        self._displayed = 0
        seconds = len(self._recently_displayed) * _RATES_INTERVAL_MS / 1000.0
        display_hz = sum(self._recently_displayed) / seconds
        self.rates = Rates(counters.rate_hz, display_hz, counters.received, counters.source_lost)
        self.rates_changed.emit(self.rates)

    def _set_state(self, state: SourceState) -> None:
        self._state = state
        self.state_changed.emit()
