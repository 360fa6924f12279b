"""file://recording.db3 or .bag: a recording of the RealSense SDK played as if it were the camera."""

from __future__ import annotations

import time

from depthstudio.cameras.recorded import RECORDED_OPTIONS, RecordedSource
from depthstudio.cameras.sdk_file import SdkFile
from depthstudio.cameras.sdk_probe import ProbeReport, probe
from depthstudio.cameras.source import EndOfStream
from depthstudio.cameras.urls import SDK_SUFFIXES, SourceUrl
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

_ROUNDING_S = 5e-4
_LEAD_S = 0.4
_INCOMPLETE_FRAMES = 3
_LONGEST_SEARCH_S = 20.0


class FileSource(RecordedSource):
    """Every frame of an SDK recording, once and in order.

    Infrared 1 and 2 become left and right, with the recorded geometry as calibration. A recording of colour and depth
    alone gives colour as left, depth moved into its pixels, and no right image.
    """

    def __init__(self, url: SourceUrl) -> None:
        url.check_options(RECORDED_OPTIONS)
        path = url.path
        if not path.is_file():
            raise SourceError(f"There is no file {path}.", "It was moved or deleted.", "Choose another recording.")
        if path.suffix.lower() not in SDK_SUFFIXES:
            raise SourceError(
                f"{path.name} is no RealSense recording.", f"Recordings end with {' or '.join(SDK_SUFFIXES)}."
            )
        super().__init__(url, path.name)
        self.report: ProbeReport | None = None
        self._path = path
        self._file: SdkFile | None = None
        self._arrivals_s = 0.0
        self._found: StereoFrame | None = None
        self._index: int | None = None
        self._next_index: int | None = 0

    def open(self) -> None:
        """Try the file in a child process, then open it here. SourceError within about 5 s when it is damaged."""
        self.report = probe(self._path)
        self.frame_count = self.report.frame_count
        if self.report.last_s is not None:
            self.duration_s = max(0.0, self.report.last_s - self.report.first_s)
        self._open_file()

    def close(self) -> None:
        """Stop playing."""
        file, self._file, self._found = self._file, None, None
        if file is not None:
            file.close()

    @property
    def calibration(self) -> StereoCalibration | None:
        """The recorded camera's own geometry; None without both infrared streams."""
        return self._file.calibration if self._file is not None else None

    @property
    def first_timestamp_s(self) -> float | None:
        """Time stamp of the first frame."""
        return self.report.first_s if self.report is not None else None

    @property
    def fetched_index(self) -> int | None:
        """Index of the frame read last; None after a jump, for the SDK does not count."""
        return self._index

    def next_frame(self, timeout_s: float) -> StereoFrame | None:
        """The next recorded frame."""
        if self._file is None:
            raise SourceError(f"{self.title} is not open.")
        frame, self._found = self._found, None
        if frame is None:
            frame = self._file.read(timeout_s)
        if frame is not None and self._next_index is not None:
            self._index, self._next_index = self._next_index, self._next_index + 1
        return frame

    def rewind(self) -> None:
        """Begin again: the SDK cannot seek after a file's end, so it is opened anew."""
        self._open_file()
        self._next_index = 0

    def jump(self, position_s: float) -> None:
        """Open the file anew shortly before, and read on from there.

        The SDK counts from arrivals, not from time stamps; where the guess lands too late, reading begins at the start.
        """
        if self.report is None:
            return
        target_s = self.report.first_s + position_s - _ROUNDING_S
        share = position_s / self.duration_s if self.duration_s else 0.0
        arrival_s = self._arrivals_s * share - _LEAD_S
        if arrival_s <= 0 or not self._read_up_to(target_s, arrival_s):
            self._read_up_to(target_s, 0.0)

    def _read_up_to(self, target_s: float, arrival_s: float) -> bool:
        """False when the file, opened at `arrival_s`, begins too near to the target for complete frames."""
        self._open_file(arrival_s)
        self._index, self._next_index = None, 0 if arrival_s <= 0 else None
        deadline_s = time.monotonic() + _LONGEST_SEARCH_S
        skipped = 0
        last: StereoFrame | None = None
        while self._file is not None and time.monotonic() < deadline_s:
            try:
                frame = self._file.read(0.2)
            except EndOfStream:
                break
            if frame is None:
                continue
            if frame.timestamp_s >= target_s:
                self._found = frame
                break
            last, skipped = frame, skipped + 1
        self._found = self._found or last
        if self._next_index is not None:
            self._next_index = skipped
        return skipped >= _INCOMPLETE_FRAMES

    def _open_file(self, arrival_s: float = 0.0) -> None:
        self.close()
        file = SdkFile(self._path, arrival_s)
        file.open()
        self._file, self._arrivals_s = file, file.duration_s
