"""StereoSample: a rectified pair with its disparity label, whatever layout on disk it came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from depthstudio.geometry import RectifiedGeometry

Rgb = NDArray[np.uint8]
FloatMap = NDArray[np.float32]
BoolMap = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class StereoSample:
    """One rectified pair. All maps have the left image's size and belong to the left view unless they say otherwise.

    left, right: (H, W, 3) uint8 RGB; grey cameras have three equal channels.
    disparity_px: (H, W) float32, NaN = no label: pixel x of the left image is at x - disparity in the right one.
    valid: (H, W) bool, the one mask for loss and metrics; disparity_px is finite wherever it is True.
    exact_disparity_px: (H, W) float32, NaN = unknown; simulated frames only, for judging and never for training.
    geometry: turns disparity into metres; None when the data set does not say.
    name: which frame. group: which recording or scene; samples of one group are neighbours in time.
    nonoccluded: (H, W) bool, True where the right camera sees the point too; None when the data set does not say.
    right_disparity_px: (H, W) float32 disparity of the RIGHT view, for the few data sets that have it.
    confidence: (H, W) float32 in 0..1, how sure disparity_px is; None when nobody says. Labels made of several
    measurements have one (StereoFrame.label_confidence).
    """

    left: Rgb
    right: Rgb
    disparity_px: FloatMap
    valid: BoolMap
    exact_disparity_px: FloatMap | None
    geometry: RectifiedGeometry | None
    name: str
    group: str
    nonoccluded: BoolMap | None = None
    right_disparity_px: FloatMap | None = None
    confidence: FloatMap | None = None


@runtime_checkable
class SampleSource(Protocol):
    """Samples by index. Making one is cheap: images are read when asked for."""

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

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> StereoSample: ...


class CombinedSamples:
    """Several sources one after the other."""

    def __init__(self, sources: Sequence[SampleSource], title: str = "") -> None:
        self.sources = list(sources)
        self.title = title or "; ".join(source.title for source in sources)
        self.groups = [group for source in sources for group in source.groups]
        self.roles = {group: role for source in sources for group, role in source.roles.items()}
        self._ends = np.cumsum([len(source) for source in sources])

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, index: int) -> StereoSample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        which = int(np.searchsorted(self._ends, index, side="right"))
        before = int(self._ends[which - 1]) if which else 0
        return self.sources[which][index - before]


class SampleSubset:
    """Some samples of a source, in the order of `indices`."""

    def __init__(self, source: SampleSource, indices: Sequence[int], title: str) -> None:
        self.source = source
        self.indices = list(indices)
        self.title = title
        self.groups = [source.groups[i] for i in self.indices]
        self.roles = source.roles

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> StereoSample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.source[self.indices[index]]

    def __iter__(self) -> Iterator[StereoSample]:
        return (self[i] for i in range(len(self)))


def as_rgb(image: NDArray[np.uint8]) -> Rgb:
    """(H, W) grey, (H, W, 1), (H, W, 3) or (H, W, 4) as (H, W, 3)."""
    if image.ndim == 2:
        image = image[:, :, None]
    if image.shape[2] == 1:
        return np.repeat(image, 3, axis=2)
    return np.ascontiguousarray(image[:, :, :3])
