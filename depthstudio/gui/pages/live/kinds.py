"""What a view of the Live page can show, and where it comes from in a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from depthstudio.frames import FloatMap

if TYPE_CHECKING:
    from depthstudio.inference.live_result import LiveResult

Pair = tuple[str, str]

METHODS = {
    "network": "Network",
    "processed": "Network after steps",
    "second": "Second network",
    "camera": "Camera's own depth",
    "sgbm": "SGBM",
    "exact": "Exact (simulated)",
}
# For places with little room.
SHORT_NAMES = METHODS | {"processed": "After steps", "second": "Second", "camera": "Camera", "exact": "Exact"}
# Whose confidence a view shows.
CONFIDENCES = {"confidence": "network", "second_confidence": "second"}
VIEWS = {
    "left": "Left picture",
    **METHODS,
    "confidence": "Confidence",
    "second_confidence": "Second's confidence",
    "difference": "Difference",
}
UNITS = {"disparity": "px", "depth": "m"}
# Computed only while somebody looks.
COMPARED = frozenset({"second", "camera", "sgbm", "exact"})

_NO_DEPTH = "No depth in metres without a calibration"
_MISSING = {
    "processed": "No step after the network is on",
    "second": "Choose a second network at the right",
    "camera": "This source measures no depth",
    "sgbm": "SGBM found nothing to compare",
    "exact": "Only a simulated source knows the exact depth",
    "confidence": "This network says nothing about its confidence",
    "second_confidence": "The second network says nothing about its confidence",
}


def methods_of(kind: str, pair: Pair) -> frozenset[str]:
    """The methods that a view needs."""
    if kind in CONFIDENCES:
        return frozenset({CONFIDENCES[kind]})
    return frozenset(pair) if kind == "difference" else frozenset({kind}) & METHODS.keys()


def holder_of(result: LiveResult, kind: str, pair: Pair) -> LiveResult | None:
    """The result that has everything a view needs, of one frame: this one, or its late one; None when neither has."""
    return result.holding(methods_of(kind, pair))


def values_of(result: LiveResult, kind: str, unit: str, pair: Pair) -> FloatMap | None:
    """(H, W) float32 of a kind, in px or m; None when the result does not have it.

    The difference is the first of the pair minus the second, of the same frame, NaN where one of them is unknown.
    """
    holder = holder_of(result, kind, pair)
    if holder is None:
        return None
    if kind in CONFIDENCES:
        return holder.confidence.get(CONFIDENCES[kind])
    maps = holder.disparity_px if unit == "disparity" else holder.depth_m
    if kind != "difference":
        return maps.get(kind)
    first, second = (maps.get(name) for name in pair)
    return None if first is None or second is None else first - second


def lateness(result: LiveResult, kind: str, pair: Pair) -> str:
    """How old a view's frame is when it is not the result's own; else empty."""
    holder = holder_of(result, kind, pair)
    return "" if holder is None or holder is result else f"{result.age_s(holder) * 1000:.0f} ms old"


def why_missing(result: LiveResult, kind: str, unit: str, pair: Pair) -> str:
    """A sentence for the empty view."""
    needed = sorted(methods_of(kind, pair))
    for name in needed:
        known = name in result.disparity_px or (result.late is not None and name in result.late.disparity_px)
        if not known:
            return "Computing…" if name in COMPARED - result.answered else _MISSING[name]
    if needed and result.holding(needed) is None:
        return "Computing…"
    return _NO_DEPTH if unit == "depth" and kind not in CONFIDENCES else _MISSING.get(kind, "")
