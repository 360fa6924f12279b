"""Optional steps after the network: confidence cut, temporal filter, filled holes. Measuring uses what came before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from depthstudio.frames import FloatMap
from depthstudio.geometry.holes import fill_from_farther

# A pixel that moves by more than this is a new object, not noise, px.
_SAME_SURFACE_PX = 1.0


@dataclass(frozen=True)
class StepSettings:
    """What is done, in this order; each is off at first.

    least_confidence: pixels below it are removed, 0..1; 0 is off. smoothing: weight of the past in the average over
    time, 0 is off, below 1. fill_holes: a hole takes the farther of its neighbours in the row.
    """

    least_confidence: float = 0.0
    smoothing: float = 0.0
    fill_holes: bool = False

    @property
    def any(self) -> bool:
        """True when there is something to do."""
        return bool(self.least_confidence > 0 or self.smoothing > 0 or self.fill_holes)

    def words(self) -> list[str]:
        """Each step that is on, for people, in order."""
        words = []
        if self.least_confidence > 0:
            words.append(f"confidence ≥ {self.least_confidence * 100:.0f}%")
        if self.smoothing > 0:
            words.append(f"smoothed over time ({self.smoothing * 100:.0f}%)")
        if self.fill_holes:
            words.append("holes filled")
        return words


@dataclass(frozen=True, eq=False)
class Stepped:
    """disparity_px: (H, W) float32 after the steps, NaN = none. removed, filled: shares of all pixels."""

    disparity_px: FloatMap
    removed: float
    filled: float
    settings: StepSettings


class Steps:
    """Applies the steps frame after frame and remembers what the temporal filter needs.

    Asked again about the frame it saw last, it begins from the same past, so that a held frame can be tried out.
    """

    def __init__(self) -> None:
        self._frame: object = None
        self._before: FloatMap | None = None
        self._past: FloatMap | None = None

    def apply(
        self, settings: StepSettings, frame: object, disparity_px: FloatMap, confidence: FloatMap | None
    ) -> Stepped:
        """disparity_px, confidence: (H, W) float32 of `frame`. Without a confidence nothing is cut."""
        if frame is not self._frame:
            self._frame, self._before = frame, self._past
        result = disparity_px
        removed = filled = 0.0
        if settings.least_confidence > 0 and confidence is not None:
            low = confidence < settings.least_confidence
            removed = float(np.mean(low))
            result = np.where(low, np.float32(np.nan), result)
        self._past = None
        if settings.smoothing > 0:
            result = self._past = smoothed(result, self._before, settings.smoothing)
        if settings.fill_holes:
            filled = float(np.mean(~np.isfinite(result)))
            if 0 < filled < 1:
                result = fill_from_farther(result)
        return Stepped(result, removed, filled, settings)


def smoothed(
    disparity_px: FloatMap, past_px: FloatMap | None, weight: float, same_px: float = _SAME_SURFACE_PX
) -> FloatMap:
    """The average with the past where both lie within same_px of each other; elsewhere the new value, NaN included."""
    if past_px is None or past_px.shape != disparity_px.shape:
        return disparity_px
    change = past_px - disparity_px
    with np.errstate(invalid="ignore"):
        change[~(np.abs(change) <= same_px)] = 0
    change *= np.float32(weight)
    change += disparity_px
    return change
