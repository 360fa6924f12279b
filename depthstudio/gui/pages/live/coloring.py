"""Coloring: from a result to the pixels of each view, over one range for all of them."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from depthstudio.frames import FloatMap, Image
from depthstudio.gui.colormaps import DIVERGING, color_table, difference_limit, table_indices, value_range
from depthstudio.gui.pages.live.kinds import CONFIDENCES, METHODS, UNITS, Pair, lateness, values_of, why_missing
from depthstudio.gui.theme import theme
from depthstudio.gui.widgets.layer_painting import Picture

if TYPE_CHECKING:
    from depthstudio.inference.live_result import LiveResult

Limits = tuple[float, float]

AUTO, PERCENTILES, FIXED = "auto", "percentiles", "fixed"
_AUTO_PERCENT = (2.0, 98.0)
_FOLLOW_S = 0.5
_LOOK_AGAIN_S = 0.1
# What the camera measured sets the range when it is shown: a network far off would push it out of sight.
_RANGE_ORDER = ("exact", "camera", "network", "processed", "second", "sgbm")
_DIFFERENCE_STEPS = (1.0, 2.0, 5.0)


@dataclass(frozen=True, eq=False)
class Colored:
    """What a view shows. picture: None when there is nothing; then `words` say why.

    limits, unit, colormap: of a view whose colours mean something of their own.
    """

    picture: Picture | None
    values: FloatMap | Image | None = None
    words: str = ""
    limits: Limits | None = None
    unit: str = ""
    colormap: str = ""


class Coloring:
    """How values become colours: unit, range, map, logarithm, and the pair that is subtracted."""

    def __init__(self) -> None:
        self.unit = "disparity"
        self.mode = AUTO
        self.fixed: Limits = (0.0, 1.0)
        self.percent: Limits = _AUTO_PERCENT
        self.colormap = "turbo"
        self.log = False
        self.pair: Pair = ("network", "camera")
        self._found: Limits | None = None
        self._difference: float | None = None
        self._looked_s = -math.inf

    @property
    def limits(self) -> Limits | None:
        """The range of the colours in force; None before the first map."""
        return self.fixed if self.mode == FIXED else self._found

    def forget(self) -> None:
        """Another network, source or unit begins with a range of its own."""
        self._found = self._difference = None
        self.look_again()

    def look_again(self) -> None:
        """Let the next result set the ranges at once: something else is shown now."""
        self._looked_s = -math.inf

    def follow(self, result: LiveResult, kinds: frozenset[str]) -> bool:
        """Let the ranges follow what is shown, smoothly, a few times a second. True when they were looked at."""
        now_s = time.monotonic()
        since_s, first = now_s - self._looked_s, self._looked_s == -math.inf
        if since_s < _LOOK_AGAIN_S:
            return False
        self._looked_s = now_s
        share = 1.0 if first else 1.0 - math.exp(-since_s / _FOLLOW_S)
        shown = [kind for kind in _RANGE_ORDER if kind in kinds] or ["network"]
        maps = (values_of(result, kind, self.unit, self.pair) for kind in shown)
        reference = next((values for values in maps if values is not None), None)
        percent = self.percent if self.mode == PERCENTILES else _AUTO_PERCENT
        found = None if reference is None else value_range(reference, *percent)
        if found is not None:
            low, high = self._found or found
            self._found = low + share * (found[0] - low), high + share * (found[1] - high)
        if "difference" in kinds:
            values = values_of(result, "difference", self.unit, self.pair)
            limit = None if values is None else difference_limit(values)
            self._difference = _rounded_up(limit) if limit else self._difference
        return True

    def colored(self, result: LiveResult, kind: str) -> Colored:
        """One view of a result."""
        if kind == "left":
            image = result.prediction.left_rectified
            return Colored(Picture(image), image)
        values = values_of(result, kind, self.unit, self.pair)
        if values is None:
            return Colored(None, words=why_missing(result, kind, self.unit, self.pair))
        late = lateness(result, kind, self.pair)
        if kind in CONFIDENCES:
            table = color_table(self.colormap, theme().rgb("invalid"))
            picture = Picture(table_indices(values, 0.0, 1.0, signed=True), table)
            return Colored(picture, values, late, (0.0, 1.0), colormap=self.colormap)
        if kind == "difference":
            size = self._difference or 1.0
            table = color_table(DIVERGING, theme().rgb("invalid"))
            picture = Picture(table_indices(values, -size, size, signed=True), table)
            unit = UNITS[self.unit]
            words = " − ".join(METHODS[name] for name in self.pair)
            words = f"{words} · {late}" if late else words
            return Colored(picture, values, words, (-size, size), unit, DIVERGING)
        low, high = self.limits or (0.0, 1.0)
        table = color_table(self.colormap, theme().rgb("invalid"))
        words = " · ".join(result.steps.words()) if kind == "processed" else late
        return Colored(Picture(table_indices(values, low, high, log=self.log), table), values, words)


def _rounded_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20 ... so that the colours of a difference keep still."""
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in _DIFFERENCE_STEPS if step * power >= value * (1 - 1e-9)), 10.0 * power)
