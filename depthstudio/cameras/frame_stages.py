"""Stages: what stands between the camera's frames and the session, and why a frame was not recorded."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from depthstudio.cameras.frame_checks import is_blurred
from depthstudio.datasets.views import (
    NEW_VIEW,
    STILL_LEVELS,
    ViewMemory,
    motion_levels,
    motion_picture,
    view_signature,
)
from depthstudio.errors import SourceError
from depthstudio.frames import FloatMap, StereoFrame

BLURRED = "blurred"
MOVING = "moving"
SEEN = "seen before"
NO_DEPTH = "without depth"
_NEVER_AFTER_FRAMES = 30


class FrameStage(Protocol):
    """Called by the recorder's thread with every frame in order.

    refused: why frames were left out, and how many; frames that merely were not due are not counted.
    hint: what the person at the camera should do or what is going on, one short sentence; empty when nothing.
    """

    refused: Counter[str]
    hint: str

    def take(self, frame: StereoFrame) -> StereoFrame | None:
        """The frame to record now: this one, one made of several, or None. UserError when it cannot work."""
        ...

    def close(self) -> None:
        """Put the camera back as it was."""
        ...


class DepthNeeded:
    """For stages that need depth: a camera under load leaves it out now and then, which must not end a recording.

    refused: the stage's; frames without depth are counted there.
    """

    def __init__(self, refused: Counter[str]) -> None:
        self._refused = refused
        self._was_there = False

    def is_missing(self, frame: StereoFrame, what: str) -> bool:
        """True for a frame to leave out. SourceError, saying `what`, when thirty frames came and none had depth."""
        if frame.depth_mm is not None:
            self._was_there = True
            return False
        self._refused[NO_DEPTH] += 1
        if not self._was_there and self._refused[NO_DEPTH] >= _NEVER_AFTER_FRAMES:
            raise SourceError(what, "The source delivers no depth.", "Record single frames.")
        return True


class EveryInterval:
    """One frame every `interval_s` of the source's clock."""

    def __init__(self, interval_s: float) -> None:
        self.refused: Counter[str] = Counter()
        self.hint = ""
        self._interval_s = interval_s
        self._due_s: float | None = None

    def take(self, frame: StereoFrame) -> StereoFrame | None:
        """The frame when it is due. A clock that jumps back, as that of a looped recording does, begins anew."""
        if self._due_s is not None and self._due_s - self._interval_s <= frame.timestamp_s < self._due_s - 1e-6:
            return None
        is_late = self._due_s is None or not 0 <= frame.timestamp_s - self._due_s < self._interval_s
        self._due_s = (frame.timestamp_s if is_late else self._due_s or 0.0) + self._interval_s
        return frame

    def close(self) -> None:
        """Nothing to put back."""


class NewAndSharp:
    """Frames whose view is new and that are neither blurred nor taken in motion."""

    def __init__(self, views: ViewMemory) -> None:
        self.refused: Counter[str] = Counter()
        self.hint = ""
        self._views = views
        self._before: FloatMap | None = None

    def take(self, frame: StereoFrame) -> StereoFrame | None:
        """The frame when it is worth it."""
        now = motion_picture(frame.left)
        before, self._before = self._before, now
        reason = self._objection(frame, before, now)
        if reason is None:
            self.hint = ""
            return frame
        self.refused[reason] += 1
        self.hint = {SEEN: "Move on to another view.", MOVING: "Hold still.", BLURRED: "Hold still; add light."}[reason]
        return None

    def close(self) -> None:
        """Nothing to put back."""

    def _objection(self, frame: StereoFrame, before: FloatMap | None, now: FloatMap) -> str | None:
        if self._views.distance(view_signature(frame.left)) < NEW_VIEW:
            return SEEN
        if before is not None and motion_levels(before, now) > 2 * STILL_LEVELS:
            return MOVING
        return BLURRED if is_blurred(frame.left) else None
