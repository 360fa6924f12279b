"""LiveResult: everything known about one frame of a running camera, and what others found in an earlier one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from depthstudio.frames import FloatMap, StereoFrame
from depthstudio.geometry import RectifiedGeometry
from depthstudio.geometry.disparity import disparity_to_depth
from depthstudio.inference.predictor import Prediction
from depthstudio.inference.steps import Stepped, StepSettings

NETWORK, PROCESSED = "network", "processed"


@dataclass(frozen=True, eq=False)
class Compared:
    """Another answer for the rectified left view: (H, W) float32; disparity in px, NaN = unknown; confidence 0..1."""

    disparity_px: FloatMap
    confidence: FloatMap | None = None


# The camera's own depth, SGBM, a second network ... for the same frame; None when the frame has nothing for it.
Comparison = Callable[[StereoFrame], Compared | None]


@dataclass(frozen=True, eq=False)
class LiveResult:
    """Everything known about one frame.

    disparity_px, depth_m: "network", "processed" when there are steps after it, and the comparisons wanted, (H, W)
    float32 of the rectified left view, NaN = unknown; all of this one frame. depth_m is empty without a geometry.
    compared: the comparisons that were asked; one that the frame has nothing for is missing from the maps.
    stepped: what the steps did; None while they are off. confidence: by method, of those that have one.
    late: the newest earlier frame with the comparisons that take longer than the network; None when there is nothing to
    wait for.
    """

    frame: StereoFrame
    prediction: Prediction
    geometry: RectifiedGeometry | None
    disparity_px: Mapping[str, FloatMap]
    depth_m: Mapping[str, FloatMap]
    compared: frozenset[str] = frozenset()
    stepped: Stepped | None = None
    confidence: Mapping[str, FloatMap] = field(default_factory=dict)
    late: LiveResult | None = None

    @property
    def steps(self) -> StepSettings:
        """The steps after the network that this result went through."""
        return self.stepped.settings if self.stepped is not None else StepSettings()

    @property
    def answered(self) -> frozenset[str]:
        """The comparisons that were asked, on this frame or on the late one."""
        return self.compared | (self.late.compared if self.late is not None else frozenset())

    @property
    def whole(self) -> LiveResult:
        """The newest one with a map of every method: the late one, when this one still waits for some."""
        return self if self.late is None else self.late

    def holding(self, methods: Iterable[str]) -> LiveResult | None:
        """The newest one in which all of these have a map, of the same frame; None when there is none."""
        names = set(methods)
        candidates = (self,) if self.late is None else (self, self.late)
        return next((one for one in candidates if names <= one.disparity_px.keys()), None)

    def age_s(self, holder: LiveResult) -> float:
        """How much earlier than this frame another result's frame was taken."""
        return max(0.0, self.frame.timestamp_s - holder.frame.timestamp_s)

    def with_answers(self, answers: Mapping[str, Compared | None]) -> LiveResult:
        """The same frame with more comparisons, nothing late any more."""
        found = {name: answer for name, answer in answers.items() if answer is not None}
        disparity_px = {name: answer.disparity_px for name, answer in found.items()}
        confidence = {name: one.confidence for name, one in found.items() if one.confidence is not None}
        return dataclasses.replace(
            self,
            disparity_px={**self.disparity_px, **disparity_px},
            depth_m={**self.depth_m, **depths(disparity_px, self.geometry)},
            confidence={**self.confidence, **confidence},
            compared=self.compared | answers.keys(),
            late=None,
        )


def depths(disparity_px: Mapping[str, FloatMap], geometry: RectifiedGeometry | None) -> dict[str, FloatMap]:
    """Each map in metres; none without a geometry."""
    return {} if geometry is None else {name: disparity_to_depth(d, geometry) for name, d in disparity_px.items()}
