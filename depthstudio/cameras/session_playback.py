"""session://folder: a recording session played as if it were a camera."""

from __future__ import annotations

from depthstudio.cameras.recorded import RECORDED_OPTIONS, RecordedSource
from depthstudio.cameras.source import EndOfStream
from depthstudio.cameras.urls import SourceUrl
from depthstudio.datasets.session import Session
from depthstudio.errors import DatasetError, SourceError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration


class SessionSource(RecordedSource):
    """Every frame of a session, with the calibration in use while it was recorded."""

    def __init__(self, url: SourceUrl) -> None:
        url.check_options(RECORDED_OPTIONS)
        if not url.path.is_dir():
            raise SourceError(f"There is no folder {url.path}.", "The session was moved or deleted.")
        super().__init__(url, url.path.name)
        self._folder = url.path
        self._session: Session | None = None
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
