"""FrameSource: the one way frames come into the program, whatever delivers them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from depthstudio.cameras.pairing import SyncCounters
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

ALTERNATING = "alternating"  # the choice of a projector's control that switches it from frame to frame


class EndOfStream(Exception):  # noqa: N818 - an ending, not an error
    """A recording was played to its end."""


@dataclass(frozen=True)
class Control:
    """One thing of a camera that can be set while it streams.

    Either a number in [minimum, maximum] with `step` and `unit`, or, when `choices` is given, an index into it.
    unavailable: why it cannot be set now; empty when it can. refused: why one of the choices cannot be taken.
    """

    name: str
    label: str
    value: float
    minimum: float = 0.0
    maximum: float = 1.0
    step: float = 1.0
    default: float = 0.0
    unit: str = ""
    choices: tuple[str, ...] = ()
    unavailable: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)

    def offers(self, choice: str) -> bool:
        """True when this choice can be taken now."""
        return choice in self.choices and choice not in self.refused and not self.unavailable


@dataclass(frozen=True)
class SourceMode:
    """A size and rate that the source can be opened with. url: the same source in this mode."""

    label: str
    url: str
    is_current: bool = False


@dataclass(frozen=True)
class PlaybackState:
    """Where a recording stands. Times count from its first frame; duration_s and frame_count: None when unknown.

    frame: index of the frame delivered last, when the recording can tell.
    """

    position_s: float = 0.0
    duration_s: float | None = None
    frame: int | None = None
    frame_count: int | None = None
    paused: bool = False
    loop: bool = False
    speed: float = 1.0


@dataclass(frozen=True)
class SourceStatus:
    """What a source tells about itself while it is read.

    warnings: what lowers the quality of its frames now. sync: how pictures of unsynchronised cameras were paired.
    """

    warnings: tuple[str, ...] = ()
    sync: SyncCounters | None = None
    playback: PlaybackState | None = None


class FrameSource(ABC):
    """A camera, recording or simulated rig. One thread reads it; open and close happen on that thread too.

    url: how the source is named, typed, saved and passed on, e.g. ``sim://hybrid?scene=desk``.
    title: how the window shows it.
    settings_key: under which name the camera's settings are remembered; empty when there is nothing to remember.
    devices: the cameras it needs, as `SourceInfo.devices` names them; known once it was opened.
    sees_dots: False when its pictures cannot show the dots of its projector, as those of colour cameras.
    """

    settings_key: str = ""
    devices: tuple[str, ...] = ()
    sees_dots: bool = True

    def __init__(self, url: str, title: str) -> None:
        self.url = url
        self.title = title

    @abstractmethod
    def open(self) -> None:
        """Start streaming. SourceError says why it cannot. May block for a second; never call it on the GUI thread."""

    @abstractmethod
    def close(self) -> None:
        """Stop streaming and release the device. Harmless when closed already."""

    @abstractmethod
    def read(self, timeout_s: float = 0.5) -> StereoFrame | None:
        """The next frame, or None when none came in time. EndOfStream after the last, SourceError when it was lost."""

    @property
    @abstractmethod
    def calibration(self) -> StereoCalibration | None:
        """What the source knows about its own cameras; None when it must be calibrated. Valid once open."""

    @property
    def is_live(self) -> bool:
        """False for sources that deliver as fast as they are read and end, such as folders not played in real time."""
        return True

    def controls(self) -> tuple[Control, ...]:
        """What can be set, with ranges; empty for sources without settings."""
        return ()

    def set_control(self, name: str, value: float) -> None:
        """Set one of `controls`. SourceError when the device refuses."""
        raise KeyError(name)

    def modes(self) -> tuple[SourceMode, ...]:
        """Sizes and rates to choose from; empty for sources with one only."""
        return ()

    def status(self) -> SourceStatus:
        """Warnings, synchronisation and playback, as they are now. Called on the reading thread."""
        return SourceStatus()

    def export_settings(self) -> str:
        """All settings of the camera in its maker's file format. SourceError when it has none."""
        raise SourceError(f"{self.title} has no settings file.")

    def import_settings(self, text: str) -> None:
        """Load what `export_settings` or the maker's own program wrote. SourceError when the camera refuses it."""
        raise SourceError(f"{self.title} takes no settings file.")

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def frames_of(source: FrameSource) -> Iterator[StereoFrame]:
    """Every frame of an open source until it ends."""
    while True:
        try:
            frame = source.read()
        except EndOfStream:
            return
        if frame is not None:
            yield frame
