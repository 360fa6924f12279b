"""session://folder: a recording session played as if it were a camera."""

from __future__ import annotations

from bisect import bisect_left

from depthstudio.cameras.recorded import RECORDED_OPTIONS, RecordedSource
from depthstudio.cameras.source import EndOfStream
from depthstudio.cameras.urls import SourceUrl
from depthstudio.datasets.session import Session
from depthstudio.errors import DatasetError, SourceError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

_ROUNDING_S = 1e-6


class SessionSource(RecordedSource):
    """Every frame of a session, with the calibration in use while it was recorded."""

    def __init__(self, url: SourceUrl) -> None:
        url.check_options(RECORDED_OPTIONS)
        if not url.path.is_dir():
            raise SourceError(f"There is no folder {url.path}.", "The session was moved or deleted.")
        super().__init__(url, url.path.name)
        self._folder = url.path
        self._session: Session | None = None
        self._times_s: list[float] = []
        self._next = 0

    def open(self) -> None:
        """Read the session's index. SourceError when it is damaged or empty."""
        try:
            session = Session.open(self._folder)
        except DatasetError as error:
            raise SourceError(error.what, error.why, error.next_step) from error
        if not len(session):
            raise SourceError(f"The session {session.name} is empty.", next_step="Record frames into it, or delete it.")
        self._session, self._next = session, 0
        self.title = session.name
        self.frame_count = len(session)
        self._times_s = [
            record.get("timestamp_s", 0.0) - session.records[0].get("timestamp_s", 0.0) for record in session.records
        ]
        self.duration_s = self._times_s[-1]

    def close(self) -> None:
        """Nothing is kept open between frames."""
        self._session = None

    @property
    def calibration(self) -> StereoCalibration | None:
        """The calibration stored with the session."""
        return self._session.calibration if self._session is not None else None

    def next_frame(self, timeout_s: float) -> StereoFrame:
        """The next frame from disk."""
        if self._session is None:
            raise SourceError(f"{self.title} is not open.")
        if self._next >= len(self._session):
            raise EndOfStream
        try:
            frame = self._session.frame(self._next)
        except DatasetError as error:
            raise SourceError(error.what, error.why, error.next_step) from error
        self._next += 1
        return frame

    def rewind(self) -> None:
        """Begin again at the first frame."""
        self._next = 0

    def jump(self, position_s: float) -> None:
        """Go on at the frame that was taken then."""
        self._next = min(bisect_left(self._times_s, position_s - _ROUNDING_S), len(self._times_s) - 1)

    def step(self, frames: int) -> None:
        """Exactly so many frames on, or back: by index, for a recording's times may stand still or jump."""
        if frames >= 0:
            super().step(frames)
            return
        is_next_to_show = self._steps and self._due is None
        at = self._next if is_next_to_show else self.frame_index or 0
        self.pause(True)
        self._next, self._due, self._steps = max(0, at + frames), None, 1

    @property
    def fetched_index(self) -> int:
        """Index of the one read last."""
        return self._next - 1

    @property
    def first_timestamp_s(self) -> float | None:
        """Time stamp of the first frame."""
        return self._session.records[0].get("timestamp_s", 0.0) if self._session is not None else None
