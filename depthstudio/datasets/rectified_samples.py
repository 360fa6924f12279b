"""Raw frames with measured depth, as rectified samples: what sessions, the seed's folders and pair folders share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from depthstudio.datasets.labels import LabelMaskSettings, MaskStatistics, mask_label
from depthstudio.datasets.session import Session
from depthstudio.datasets.session_format import read_pixels
from depthstudio.datasets.stereo_sample import FloatMap, StereoSample, as_rgb
from depthstudio.errors import CalibrationError, DatasetError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import Rectifier, StereoCalibration

_DEPTH_LIMIT_MM = 65535


@dataclass(frozen=True, eq=False)
class RawPair:
    """Images as the cameras delivered them.

    right: None where only a picture and its depth were kept; nothing can be learned from such a frame.
    depth: (H, W) uint16 millimetres or float32 metres in the left camera's pixels, or None.
    """

    left: NDArray[np.uint8]
    right: NDArray[np.uint8] | None
    depth: NDArray[Any] | None
    exact_depth_m: FloatMap | None = None
    number: int = 0
    timestamp_s: float = 0.0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    color: NDArray[np.uint8] | None = None
    right_timestamp_s: float | None = None
    label_confidence: NDArray[np.uint8] | None = None

    def frame(self) -> StereoFrame:
        """As a StereoFrame. Float depth is rounded to whole millimetres, beyond 65.5 m it is lost."""
        depth_mm = self.depth
        if depth_mm is not None and depth_mm.dtype != np.uint16:
            mm = np.nan_to_num(depth_mm.astype(np.float64) * 1000, nan=0, posinf=0, neginf=0).round()
            depth_mm = np.where((mm > 0) & (mm <= _DEPTH_LIMIT_MM), mm, 0).astype(np.uint16)
        return StereoFrame(
            number=self.number,
            timestamp_s=self.timestamp_s,
            left=self.left,
            right=self.right,
            depth_mm=depth_mm,
            color=self.color,
            exact_depth_m=self.exact_depth_m,
            metadata=self.metadata,
            right_timestamp_s=self.right_timestamp_s,
            label_confidence=self.label_confidence,
        )


def read_depth(path: Path, left_shape: tuple[int, ...]) -> NDArray[Any]:
    """(H, W) uint16 millimetres or float32 metres of the left image's size. DatasetError when it is no such depth."""
    depth = read_pixels(path)
    if depth.dtype.kind == "f":
        depth = depth.astype(np.float32)
    elif depth.dtype != np.uint16:
        raise DatasetError(f"{path} is no depth image.", "Depth is 16-bit millimetres or float metres.")
    if depth.shape != left_shape[:2]:
        raise DatasetError(f"{path} is {depth.shape}, the left image {left_shape[:2]}.", "Depth has the left's size.")
    return depth


class RawFrames(Protocol):
    """A layout on disk that holds raw pairs. Files are read when a pair is asked for."""

    @property
    def title(self) -> str:
        """What was found, for the user."""
        ...

    @property
    def groups(self) -> Sequence[str]:
        """The recording or scene of every index."""
        ...

    @property
    def roles(self) -> Mapping[str, str]:
        """Group -> ``train``, ``validation`` or ``ignored``, for groups where somebody decided."""
        ...

    def pair(self, index: int) -> RawPair:
        """Read one pair; DatasetError when a file is missing or damaged."""
        ...

    def name(self, index: int) -> str:
        """How the user finds it again."""
        ...

    def calibration_of(self, index: int) -> StereoCalibration | None:
        """The calibration stored with this pair, if any."""
        ...


class RectifiedSamples:
    """Rectifies raw pairs with `calibration`, or with the one stored beside them, and masks their labels.

    DatasetError when there is nothing to learn from or no calibration. Images are read when asked for.
    """

    def __init__(
        self,
        frames: RawFrames,
        calibration: StereoCalibration | None = None,
        mask: LabelMaskSettings | None = None,
    ) -> None:
        self.frames = frames
        self.title = frames.title
        self.groups = frames.groups
        self.roles = frames.roles
        self.mask = mask or LabelMaskSettings()
        self._given = calibration
        self._rectifiers: dict[tuple[str, tuple[int, int]], Rectifier] = {}
        first_of_groups = {group: i for i, group in reversed(list(enumerate(self.groups)))}
        for group, first in first_of_groups.items():
            if calibration is None and frames.calibration_of(first) is None:
                raise DatasetError(
                    f"'{group}' has no calibration.",
                    "Without it the images cannot be rectified and depth is no disparity.",
                    "Choose a calibration file, or calibrate the camera.",
                )

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, index: int) -> StereoSample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.sample(index)[0]

    def sample(self, index: int) -> tuple[StereoSample, MaskStatistics]:
        """One sample, and what the rules removed from its label."""
        pair = self.frames.pair(index)
        name = self.frames.name(index)
        if pair.right is None:
            raise DatasetError(f"{name} has no right image.")
        try:
            rectifier = self._rectifier(index, (pair.left.shape[1], pair.left.shape[0]))
            left, right = rectifier.rectify_left(pair.left), rectifier.rectify_right(pair.right)
            disparity_px = _label(rectifier, pair.depth)
            exact_px = _label(rectifier, pair.exact_depth_m) if pair.exact_depth_m is not None else None
            confidence = _confidence(rectifier, pair.label_confidence)
        except CalibrationError as error:
            raise DatasetError(f"{name}: {error.what}", error.why, error.next_step) from error
        if right.shape[:2] != left.shape[:2]:
            raise DatasetError(
                f"{name}: the two images differ in size.", next_step="Calibrate the cameras at their real sizes."
            )
        label = mask_label(disparity_px, rectifier.geometry, self.mask)
        sample = StereoSample(
            as_rgb(left),
            as_rgb(right),
            label.disparity_px,
            label.mask,
            exact_px,
            rectifier.geometry,
            name,
            self.groups[index],
            confidence=confidence,
        )
        return sample, label.statistics

    def _rectifier(self, index: int, size: tuple[int, int]) -> Rectifier:
        calibration = self._given or self.frames.calibration_of(index)
        if calibration is None:
            raise DatasetError(f"{self.frames.name(index)} has no calibration.")
        key = (calibration.id, size)
        if key not in self._rectifiers:
            self._rectifiers[key] = Rectifier(calibration, size)
        return self._rectifiers[key]


def _label(rectifier: Rectifier, depth: NDArray[Any] | None) -> FloatMap:
    if depth is None:
        width, height = rectifier.geometry.size
        return np.full((height, width), np.nan, np.float32)
    return rectifier.label_disparity(depth)


def _confidence(rectifier: Rectifier, levels: NDArray[np.uint8] | None) -> FloatMap | None:
    """(H, W) uint8 of the raw left image as 0..1 in the rectified left view, each value with its label's pixel."""
    return None if levels is None else rectifier.rectify_values(levels).astype(np.float32) / np.float32(255)


class SessionFrames:
    """The usable frames of a session: not marked out, with a right image, and with depth to learn or judge from.

    positions: the position in the session (as in `Session.frame`) of every usable frame.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        files = [set(record["files"]) for record in session.records]
        self.positions = [
            i for i in session.included if "right" in files[i] and files[i] & {"depth_mm", "exact_depth_m"}
        ]
        if not self.positions:
            raise DatasetError(
                f"The session '{session.name}' has no frames to learn from.",
                f"Of its {len(session)} frames, none has a right image and depth and is not marked out.",
                "Record with depth switched on.",
            )
        group = session.folder.name
        self.title = f"Session {session.name}: {len(self.positions)} frames"
        self.groups = [group] * len(self.positions)
        self.roles = {group: session.role} if session.role else {}

    def pair(self, index: int) -> RawPair:
        """Read one frame."""
        frame = self.session.frame(self.positions[index])
        return RawPair(
            frame.left,
            frame.right,
            frame.depth_mm,
            frame.exact_depth_m,
            frame.number,
            frame.timestamp_s,
            label_confidence=frame.label_confidence,
        )

    def name(self, index: int) -> str:
        """Session name and number of the frame's files."""
        return f"{self.session.name} {self.session.records[self.positions[index]]['index']:06d}"

    def calibration_of(self, index: int) -> StereoCalibration | None:
        """The session's calibration."""
        return self.session.calibration


class SessionSamples(RectifiedSamples):
    """A recording session as samples. positions: which frame of the session each sample is."""

    def __init__(
        self,
        session: Session | Path | str,
        calibration: StereoCalibration | None = None,
        mask: LabelMaskSettings | None = None,
    ) -> None:
        self.session = session if isinstance(session, Session) else Session.open(session)
        frames = SessionFrames(self.session)
        self.positions = frames.positions
        super().__init__(frames, calibration, mask)
