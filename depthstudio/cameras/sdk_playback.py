"""file://recording.db3 or .bag: a recording of the RealSense SDK played as if it were the camera."""

from __future__ import annotations

from depthstudio.cameras.recorded import RECORDED_OPTIONS, RecordedSource
from depthstudio.cameras.sdk_file import SdkFile
from depthstudio.cameras.sdk_probe import ProbeReport, probe
from depthstudio.cameras.urls import SDK_SUFFIXES, SourceUrl
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration


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

    def open(self) -> None:
        """Try the file in a child process, then open it here. SourceError within about 5 s when it is damaged."""
        self.report = probe(self._path)
        self.frame_count = self.report.frame_count
        self._open_file()

    def close(self) -> None:
        """Stop playing."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    @property
    def calibration(self) -> StereoCalibration | None:
        """The recorded camera's own geometry; None without both infrared streams."""
        return self._file.calibration if self._file is not None else None

    def next_frame(self, timeout_s: float) -> StereoFrame | None:
        """The next recorded frame."""
        if self._file is None:
            raise SourceError(f"{self.title} is not open.")
        return self._file.read(timeout_s)

    def rewind(self) -> None:
        """Begin again: the SDK cannot seek after a file's end, so it is opened anew."""
        self.close()
        self._open_file()

    def _open_file(self) -> None:
        file = SdkFile(self._path)
        file.open()
        self._file = file
