"""Which frames a recording takes: every one, some, or labels made of several."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from depthstudio.cameras.capture import CaptureThread
from depthstudio.cameras.emitter_pairs import EmitterPairs, emitter_control
from depthstudio.cameras.frame_stages import EveryInterval, FrameStage, NewAndSharp
from depthstudio.cameras.label_burst import BURST_FRAMES, LabelBursts
from depthstudio.cameras.recorded import RecordedSource
from depthstudio.cameras.source import ALTERNATING, Control, FrameSource
from depthstudio.datasets.views import ViewMemory
from depthstudio.errors import SourceError

_RESTORE_TIMEOUT_S = 2.0  # commands wait for the next frame, of which a slow camera delivers a few a second
_log = logging.getLogger(__name__)


class Mode(Enum):
    """value: what the command line calls it."""

    EVERY = "every"
    INTERVAL = "interval"
    AUTOMATIC = "automatic"
    BURST = "burst"
    EMITTER = "emitter"
    EMITTER_ALTERNATING = "emitter-alternating"

    @property
    def title(self) -> str:
        """What the window calls it."""
        return _TITLES[self][0]

    @property
    def help(self) -> str:
        """What it does, in one sentence."""
        return _TITLES[self][1]


_TITLES = {
    Mode.EVERY: ("Every frame", "Everything that the camera delivers."),
    Mode.INTERVAL: ("At intervals", "One frame every few seconds."),
    Mode.AUTOMATIC: ("New views", "A frame whenever the view is new, sharp and not moving."),
    Mode.BURST: ("Label bursts", "Hold still at each view: several depth pictures become one label with a confidence."),
    Mode.EMITTER: ("Projector pairs", "Hold still: pictures without dots, with the depth measured with dots."),
    Mode.EMITTER_ALTERNATING: (
        "Projector pairs, alternating",
        "As projector pairs, but faster: the camera itself switches its projector from frame to frame.",
    ),
}


@dataclass(frozen=True)
class RecordingMode:
    """interval_s: for INTERVAL. burst_frames: depth pictures per label, for BURST and EMITTER."""

    mode: Mode = Mode.EVERY
    interval_s: float = 1.0
    burst_frames: int = BURST_FRAMES

    def stage(self, capture: CaptureThread, views: ViewMemory) -> FrameStage | None:
        """The stage for an open capture; None when every frame is recorded. SourceError when it cannot do it."""
        if self.mode is Mode.INTERVAL:
            return EveryInterval(self.interval_s)
        if self.mode is Mode.AUTOMATIC:
            return NewAndSharp(views)
        if self.mode is Mode.BURST:
            return LabelBursts(views, capture.calibration, self.burst_frames)
        if self.mode in (Mode.EMITTER, Mode.EMITTER_ALTERNATING):
            return self._pairs(capture)
        return None

    def _pairs(self, capture: CaptureThread) -> EmitterPairs:
        reason = objection(self.mode, capture.source, capture.controls)
        if reason:
            raise SourceError("Projector pairs cannot be recorded.", reason, "Choose another way to record.")
        control = emitter_control(capture.controls)
        if control is None:  # played: it alternates already
            return EmitterPairs(None, capture.calibration)
        projector = _Projector(capture, control)
        if self.mode is Mode.EMITTER_ALTERNATING:
            return EmitterPairs(
                None, capture.calibration, begin=lambda: projector.set(ALTERNATING), restore=projector.restore
            )
        return EmitterPairs(
            lambda on: projector.set("on" if on else "off"),
            capture.calibration,
            self.burst_frames,
            restore=projector.restore,
        )


def objection(mode: Mode, source: FrameSource, controls: Sequence[Control]) -> str:
    """Why this way to record cannot be chosen with a source that is open; empty when it can."""
    if mode not in (Mode.EMITTER, Mode.EMITTER_ALTERNATING):
        return ""
    control = emitter_control(controls)
    if control is None:
        is_played = isinstance(source, RecordedSource) and mode is Mode.EMITTER_ALTERNATING
        return "" if is_played else f"{source.title} has no projector that can be switched."
    if not source.sees_dots:
        return "Its pictures never show the projector's dots: record every frame, or label bursts."
    wanted = ALTERNATING if mode is Mode.EMITTER_ALTERNATING else "off"
    if control.offers(wanted):
        return ""
    return control.unavailable or control.refused.get(wanted, "Its projector has no such mode.")


class _Projector:
    """A camera's projector while a recording needs it; put back as it was, however the recording or camera ends."""

    def __init__(self, capture: CaptureThread, control: Control) -> None:
        self._capture = capture
        self._control = control
        self._settled: Callable[[], None] | None = None

    def set(self, choice: str) -> None:
        """What the device makes of it shows in the pictures; a refusal ends in "makes no difference"."""
        if self._settled is None:
            self._settled = self._capture.at_end(self._put_back)
        self._capture.set_control(self._control.name, self._control.choices.index(choice))

    def restore(self) -> None:
        """Waits until it is done: whoever records may stop the capture as soon as the recorder has ended."""
        if self._settled is None:
            return
        try:
            self._capture.call(self._put_back).result(_RESTORE_TIMEOUT_S)
        except (SourceError, TimeoutError) as error:
            _log.warning("%s: the projector is not switched back yet: %s", self._capture.source.title, error)
        else:
            self._settled()

    def _put_back(self, source: FrameSource) -> None:
        source.set_control(self._control.name, self._control.value)
