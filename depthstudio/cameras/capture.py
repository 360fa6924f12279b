"""CaptureThread: one thread reads a source; everybody else subscribes to its frames."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import count
from typing import Any, TypeVar

from depthstudio.cameras.source import Control, EndOfStream, FrameSource, SourceMode, SourceStatus
from depthstudio.cameras.subscriptions import FrameQueue, NewestFrame
from depthstudio.errors import SourceError, UserError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

_READ_TIMEOUT_S = 0.1
_RATE_WINDOW_S = 2.0
_log = logging.getLogger(__name__)

Consumer = TypeVar("Consumer", NewestFrame, FrameQueue)
Answer = TypeVar("Answer")


class CaptureState(Enum):
    """Where a capture stands. ENDED, FAILED and CLOSED are final."""

    CLOSED = auto()
    OPENING = auto()
    STREAMING = auto()
    ENDED = auto()
    FAILED = auto()

    @property
    def is_running(self) -> bool:
        """True while frames may still come."""
        return self in (CaptureState.OPENING, CaptureState.STREAMING)


@dataclass(frozen=True)
class ConsumerCounters:
    """delivered: frames the consumer took. dropped: frames it never saw because it was too slow."""

    delivered: int
    dropped: int


@dataclass(frozen=True)
class CaptureCounters:
    """received: frames read from the source. source_lost: gaps in the source's own numbering. rate_hz: over 2 s."""

    received: int = 0
    rate_hz: float = 0.0
    source_lost: int = 0
    consumers: dict[str, ConsumerCounters] = field(default_factory=dict)


class CaptureThread:
    """Opens, reads and closes a source on one thread of its own.

    Subscribe before `start` to miss nothing. A live source never waits for anybody: who is too slow loses frames, and
    they are counted. A source that is not live (`FrameSource.is_live`) waits for every-frame queues instead.
    on_state: called on the capture thread after each change of state. prepare: called there with the opened source.
    `calibration`, `controls`, `modes` and `status` are what the source said last.
    """

    def __init__(
        self,
        source: FrameSource,
        on_state: Callable[[CaptureState], None] | None = None,
        prepare: Callable[[FrameSource], None] | None = None,
    ) -> None:
        self.source = source
        self.error: UserError | None = None
        self.calibration: StereoCalibration | None = None
        self.controls: tuple[Control, ...] = ()
        self.modes: tuple[SourceMode, ...] = ()
        self.status = SourceStatus()
        self._on_state = on_state
        self._prepare = prepare
        self._state = CaptureState.CLOSED
        self._finished = False
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._consumers: dict[str, NewestFrame | FrameQueue] = {}
        self._requests: deque[tuple[Callable[[Any], Any], Future[Any]]] = deque()
        self._at_end: list[Callable[[Any], object]] = []
        self._arrivals: deque[float] = deque(maxlen=256)
        self._received = 0
        self._source_lost = 0
        self._last_number: int | None = None

    @property
    def state(self) -> CaptureState:
        """Where the capture stands now."""
        return self._state

    def start(self) -> None:
        """Begin; returns at once, in state OPENING. A capture runs once; make a new one to open the source again."""
        if self._thread is not None:
            raise RuntimeError("A capture thread can be started once only.")
        self._thread = threading.Thread(target=self._run, name=f"capture {self.source.title}", daemon=True)
        self._set_state(CaptureState.OPENING)
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> bool:
        """Ask the thread to end and wait for it. False when a driver call still blocks it after `timeout_s`."""
        self._stop.set()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(timeout_s)
        return not thread.is_alive()

    def newest(self, name: str = "display") -> NewestFrame:
        """Subscribe to the newest frame only: for display and inference."""
        return self._subscribe(name, NewestFrame())

    def every_frame(self, capacity: int, name: str = "recorder") -> FrameQueue:
        """Subscribe to every frame through a queue of at most `capacity` frames: for recording."""
        return self._subscribe(name, FrameQueue(capacity))

    def set_control(self, name: str, value: float) -> Future[None]:
        """Queue a change of a camera setting; it is made on the capture thread. The future carries a refusal."""
        return self.call(lambda source: source.set_control(name, value))

    def call(self, function: Callable[[Any], Answer]) -> Future[Answer]:
        """Have `function(source)` called on the capture thread, between two frames. The future carries its answer."""
        future: Future[Answer] = Future()
        self._requests.append((function, future))
        if not self._state.is_running:
            self._refuse_requests()
        return future

    def at_end(self, function: Callable[[Any], object]) -> Callable[[], None]:
        """Have `function(source)` called before the source is closed, however it ends. Returns what takes that back."""
        self._at_end.append(function)

        def take_back() -> None:
            with suppress(ValueError):
                self._at_end.remove(function)

        return take_back

    def counters(self) -> CaptureCounters:
        """What was received, delivered and dropped so far."""
        with self._lock:
            consumers = {name: ConsumerCounters(c.delivered, c.dropped) for name, c in self._consumers.items()}
            return CaptureCounters(self._received, self._rate_hz(), self._source_lost, consumers)

    def _subscribe(self, name: str, consumer: Consumer) -> Consumer:
        with self._lock:
            for old in [key for key, other in self._consumers.items() if other.closed]:
                del self._consumers[old]
            if name in self._consumers:
                name = next(free for free in (f"{name} {n}" for n in count(2)) if free not in self._consumers)
            self._consumers[name] = consumer
            finished = self._finished
        if finished:
            consumer.close()
        return consumer

    def _run(self) -> None:
        final = CaptureState.CLOSED
        try:
            self.source.open()
            if self._prepare is not None:
                self._prepare(self.source)
            self.calibration = self.source.calibration
            self.controls = self.source.controls()
            self.modes = self.source.modes()
            self.status = self.source.status()
            if not self._stop.is_set():
                self._set_state(CaptureState.STREAMING)
            self._read_until_stopped()
        except EndOfStream:
            final = CaptureState.ENDED
        except UserError as error:
            self.error, final = error, CaptureState.FAILED
        except Exception as error:
            _log.exception("Reading %s failed", self.source.url)
            self.error = SourceError(
                f"{self.source.title} stopped delivering frames.",
                f"{error}.",
                "Open it again; the log has the details.",
            )
            final = CaptureState.FAILED
        finally:
            self._finish(final)

    def _finish(self, final: CaptureState) -> None:
        for function in list(self._at_end):
            try:
                function(self.source)
            except Exception as error:  # most often because the camera is gone
                _log.warning("%s is not put back as it was: %s", self.source.title, error)
        try:
            self.source.close()
        except Exception:
            _log.exception("Closing %s failed", self.source.url)
        self._set_state(final)
        with self._lock:
            self._finished = True
            consumers = list(self._consumers.values())
        for consumer in consumers:
            consumer.close()
        self._refuse_requests()

    def _read_until_stopped(self) -> None:
        while not self._stop.is_set():
            self._answer_requests()
            frame = self.source.read(_READ_TIMEOUT_S)
            self.status = self.source.status()
            if frame is not None:
                self._count(frame)
                self._hand_out(frame)

    def _count(self, frame: StereoFrame) -> None:
        with self._lock:
            self._received += 1
            self._arrivals.append(time.monotonic())
            if self._last_number is not None:
                self._source_lost += max(0, frame.number - self._last_number - 1)
            self._last_number = frame.number

    def _hand_out(self, frame: StereoFrame) -> None:
        with self._lock:
            consumers = list(self._consumers.values())
        for consumer in consumers:
            if not self._offer(consumer, frame):
                consumer.drop()

    def _offer(self, consumer: NewestFrame | FrameQueue, frame: StereoFrame) -> bool:
        if self.source.is_live:
            return consumer.offer(frame)
        while not self._stop.is_set():
            if consumer.offer(frame, wait_s=_READ_TIMEOUT_S):
                return True
        return False

    def _answer_requests(self) -> None:
        """Whoever learns of an answer may look at `controls` at once: they are read again before it is given."""
        answers: list[tuple[Future[Any], Any, Exception | None]] = []
        while (request := self._next_request()) is not None:
            function, future = request
            try:
                answers.append((future, function(self.source), None))
            except Exception as error:
                answers.append((future, None, error))
        if not answers:
            return
        self._last_number = None  # a recording may stand elsewhere now: no frame was lost in between
        try:
            self.controls = self.source.controls()
        finally:  # nobody is left waiting, whatever the camera does
            for future, answer, refusal in answers:
                if refusal is not None:
                    future.set_exception(refusal)
                else:
                    future.set_result(answer)

    def _refuse_requests(self) -> None:
        while (request := self._next_request()) is not None:
            request[1].set_exception(SourceError("The source is not open.", next_step="Open it first."))

    def _next_request(self) -> tuple[Callable[[Any], Any], Future[Any]] | None:
        """The oldest request that nobody cancelled. When a capture ends, its thread and callers may ask together."""
        while True:
            try:
                request = self._requests.popleft()
            except IndexError:
                return None
            if request[1].set_running_or_notify_cancel():
                return request

    def _rate_hz(self) -> float:
        horizon = time.monotonic() - _RATE_WINDOW_S
        recent = [arrival for arrival in self._arrivals if arrival >= horizon]
        if len(recent) < 2 or recent[-1] == recent[0]:
            return 0.0
        return (len(recent) - 1) / (recent[-1] - recent[0])

    def _set_state(self, state: CaptureState) -> None:
        self._state = state
        if self._on_state is None:
            return
        try:
            self._on_state(state)
        except Exception:  # whoever listens must neither end the capture nor keep its consumers waiting
            _log.exception("Telling that %s is %s failed", self.source.url, state.name)
