"""SourceController: the one source that stays open across pages, as the GUI thread sees it."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QObject, QTimer, Signal

from depthstudio.cameras import (
    CameraMemory,
    CaptureState,
    CaptureThread,
    FrameSource,
    NewestFrame,
    open_source,
)
from depthstudio.cameras.hotplug import CameraWatcher
from depthstudio.cameras.recorded import RecordedSource
from depthstudio.errors import SourceError, UserError
from depthstudio.frames import StereoFrame
from depthstudio.gui.camera_return import CameraReturn
from depthstudio.gui.open_source import OpenSource
from depthstudio.gui.tasks import TaskContext, TaskRunner

_DISPLAY_INTERVAL_MS = 33
_RATES_INTERVAL_MS = 500
_RATES_WINDOW = 4
_log = logging.getLogger(__name__)


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


class SourceController(OpenSource):
    """Opens and closes sources without ever blocking; hands the newest frame to the window at most 30 times a second.

    frame_ready(StereoFrame) stops while paused; recording and `capture` go on. A recording that is played stands still
    itself instead. opened() once frames flow: `source`, `calibration` and `controls` are valid from then on.
    left(): another source is opened, or none.
    cameras_changed(): one arrived or left. Cameras open with what is remembered of them.
    A camera that is lost is opened again when it returns; returned() tells.
    """

    state_changed = Signal()
    opened = Signal()
    left = Signal()
    frame_ready = Signal(object)
    rates_changed = Signal(object)
    failed = Signal(object)
    cameras_changed = Signal()
    returned = Signal(str)

    def __init__(self, tasks: TaskRunner, memory: CameraMemory, parent: QObject | None = None) -> None:
        super().__init__(memory, parent)
        self._watcher: CameraWatcher | None = None
        self._streaming_since_s = 0.0
        self._tasks = tasks
        self._remembered_mode = False
        self._newest: NewestFrame | None = None
        self._leaving: list[CaptureThread] = []
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
        self._return = CameraReturn(tasks, self)
        self._return.found.connect(lambda: self._open(self.url))

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
    def is_awaiting_return(self) -> bool:
        """True while a lost camera is looked for."""
        return self._return.is_awaited

    def watch_cameras(self) -> None:
        """Notice cameras that arrive and leave, from now on."""
        if self._watcher is None:
            self._watcher = CameraWatcher(lambda _: self.cameras_changed.emit())
            self._watcher.start()

    def open(self, url: str, prepare: Callable[[FrameSource], None] | None = None) -> None:
        """Close what is open and open `url` in the background; `state_changed`, then `opened` or `failed` follow.

        prepare: called with the opened source on its thread, before its first frame.
        """
        self._return.returns = 0
        self._open(url, prepare)

    def _open(
        self, url: str, prepare: Callable[[FrameSource], None] | None = None, in_remembered_mode: bool = True
    ) -> None:
        memory = self._memory

        def prepare_all(source: FrameSource) -> None:
            memory.apply(source)
            if prepare is not None:
                prepare(source)
            try:
                memory.save_mode(source)
            except OSError as error:
                _log.warning("The size and rate of %s are not remembered: %s", source.title, error)

        def create() -> CaptureThread:
            wanted = memory.in_remembered_mode(url) if in_remembered_mode else url
            self._remembered_mode = wanted != url
            return CaptureThread(open_source(wanted), prepare=prepare_all)

        self._begin(url, create)

    def reopen(self) -> None:
        """Open the same source again, after it ended or failed."""
        if self.url:
            self.open(self.url)

    def close(self, then: Callable[[], None] | None = None) -> None:
        """Close the source in the background; `then` is called when the camera is free."""
        self._begin("", lambda: None, then)

    def close_now(self) -> None:
        """Close and wait; only for leaving the program."""
        self._generation += 1  # what is still being opened is not started any more
        for timer in (self._frames, self._counting, self._return):
            timer.stop()
        if self._watcher is not None:
            self._watcher.stop()
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.stop()

    def set_paused(self, paused: bool) -> None:
        """Hold the picture; the camera and a recording go on. What is played stands still itself."""
        if paused != self._paused:
            self._paused = paused
            self._command(lambda source: source.pause(paused))
            self.state_changed.emit()

    def toggle_pause(self) -> None:
        """Hold the picture or let it go on; what was played to its end begins again."""
        if self._state is SourceState.ENDED and self.playback is not None:
            self.seek(0.0)
        elif self.is_streaming:
            self.set_paused(not self._paused)

    def step(self, frames: int) -> None:
        """Pause the recording that is played, and show the next frame (1) or the one before (-1)."""
        if self.is_streaming and not self._paused:
            self.set_paused(True)
        self._command(lambda source: source.step(frames))

    def seek(self, position_s: float) -> None:
        """Go to `position_s` of the recording that is played; one that has ended begins again there."""
        if self._state is SourceState.ENDED and self.playback is not None:
            loop, speed = self.playback.loop, self.playback.speed

            def resume(source: FrameSource) -> None:
                if isinstance(source, RecordedSource):
                    source.seek(position_s)
                    source.loop = loop
                    source.set_speed(speed)

            self.open(self.url, resume)
        else:
            self._command(lambda source: source.seek(position_s))

    def _begin(
        self, url: str, create: Callable[[], CaptureThread | None], then: Callable[[], None] | None = None
    ) -> None:
        self._generation += 1
        generation = self._generation
        old, self._capture = self._capture, None
        self._newest = None
        self._paused = False
        self.last_frame = None
        if self.url not in ("", url):
            self.left.emit()
        self.url, self.title = url, url
        for timer in (self._frames, self._counting, self._return):
            timer.stop()
        self.rates = Rates()
        self.rates_changed.emit(self.rates)
        self._set_state(SourceState.OPENING if url else SourceState.NONE)
        if old is not None:
            self._leaving.append(old)
        leaving = list(self._leaving)  # those that an earlier change still stops, too: one may be the camera wanted now

        def switch(_: TaskContext) -> CaptureThread | None:
            for capture in leaving:
                capture.stop()
            return create()

        def created(capture: CaptureThread | None) -> None:
            self._leaving = [one for one in self._leaving if one not in leaving]
            if generation == self._generation and capture is not None:
                self._start(capture)
            if then is not None:
                then()

        def refused(error: BaseException) -> None:
            self._leaving = [one for one in self._leaving if one not in leaving]
            if generation == self._generation:
                self._set_state(SourceState.FAILED)
                self.failed.emit(error)

        self._tasks.run(switch, f"Open {url}" if url else "Close the source", created, refused)

    def _start(self, capture: CaptureThread) -> None:
        self._capture = capture
        self.title = capture.source.title
        if "://" not in self.url:
            self.url = capture.source.url  # a plain path: everybody else knows it by its address
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
        if self._newest is None or (self._paused and self.playback is None):
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
            self._streaming_since_s = time.monotonic()
            self.opened.emit()
            if self._return.returns:
                self.returned.emit(self.title)
        if state is SourceState.FAILED and capture.error is not None:
            if was_opening and self._remembered_mode:
                self._open(self.url, in_remembered_mode=False)  # on another port it may not offer that mode
            else:
                self.failed.emit(capture.error if was_opening else self._await_return(capture, capture.error))

    def _await_return(self, capture: CaptureThread, error: UserError) -> UserError:
        """Look for a lost camera; what the user is told of it."""
        if not self._return.lost(capture.source.devices, time.monotonic() - self._streaming_since_s):
            return error
        self.state_changed.emit()
        return SourceError(error.what, error.why, "Check the cable: it is opened again as soon as it is back.")

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
