"""Which frames a recording takes: every one, some, or labels made of several."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum

from depthstudio.cameras.capture import CaptureThread
from depthstudio.cameras.emitter_pairs import EmitterPairs, emitter_control
from depthstudio.cameras.frame_stages import EveryInterval, FrameStage, NewAndSharp
from depthstudio.cameras.label_burst import BURST_FRAMES, LabelBursts
from depthstudio.cameras.source import Control
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
        "As projector pairs, for a camera that switches its projector from frame to frame.",
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
        if self.mode is Mode.EMITTER:
            return _switched_pairs(capture, self.burst_frames)
        if self.mode is Mode.EMITTER_ALTERNATING:
            return EmitterPairs(None, capture.calibration)
        return None


def _switched_pairs(capture: CaptureThread, label_frames: int) -> EmitterPairs:
    control = emitter_control(capture.controls)
    if control is None:
        raise SourceError(
            "Projector pairs cannot be recorded.",
            f"{capture.source.title} has no projector that can be switched.",
            "Choose another way to record.",
        )
    on, off = control.choices.index("on"), control.choices.index("off")
    return EmitterPairs(
        lambda wanted: _set(capture, control.name, on if wanted else off),
        capture.calibration,
        label_frames,
        restore=lambda: _restore(capture, control),
    )


def _set(capture: CaptureThread, name: str, value: float) -> None:
    # What the device makes of it shows in the pictures; a refusal ends in "the projector makes no difference".
    capture.set_control(name, value)


def _restore(capture: CaptureThread, control: Control) -> None:
    """Waits until it is done: whoever records may stop the capture as soon as the recorder has ended."""
    try:
        capture.set_control(control.name, control.value).result(_RESTORE_TIMEOUT_S)
    except (SourceError, TimeoutError) as error:
        _log.warning("%s: the projector is not switched back: %s", capture.source.title, error)
