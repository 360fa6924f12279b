"""FrameSource: the one way frames come into the program, whatever delivers them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration


class EndOfStream(Exception):  # noqa: N818 - an ending, not an error
    """A recording was played to its end."""


@dataclass(frozen=True)
class Control:
    """One thing of a camera that can be set while it streams.

    Either a number in [minimum, maximum] with `step` and `unit`, or, when `choices` is given, an index into it.
    unavailable: why it cannot be set now; empty when it can.
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


class FrameSource(ABC):
    """A camera, recording or simulated rig. One thread reads it; open and close happen on that thread too.

    url: how the source is named, typed, saved and passed on, e.g. ``sim://hybrid?scene=desk``.
    title: how the window shows it.
    """

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

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
