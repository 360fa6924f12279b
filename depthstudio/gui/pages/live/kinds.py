"""What a view of the Live page can show, and where it comes from in a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from depthstudio.frames import FloatMap

if TYPE_CHECKING:
    from depthstudio.inference.live import LiveResult

Pair = tuple[str, str]

METHODS = {
    "network": "Network",
    "processed": "Network after steps",
    "second": "Second network",
    "camera": "Camera's own depth",
    "sgbm": "SGBM",
    "exact": "Exact (simulated)",
}
VIEWS = {"left": "Left picture", **METHODS, "confidence": "Confidence", "difference": "Difference"}
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
}


def methods_of(kind: str, pair: Pair) -> frozenset[str]:
    """The methods that a view needs."""
    return frozenset(pair) if kind == "difference" else frozenset({kind}) & METHODS.keys()


def values_of(result: LiveResult, kind: str, unit: str, pair: Pair) -> FloatMap | None:
    """(H, W) float32 of a kind, in px or m; None when the result does not have it.

    The difference is the first of the pair minus the second, NaN where one of them is unknown.
    """
    if kind == "confidence":
        return result.prediction.confidence
    maps = result.disparity_px if unit == "disparity" else result.depth_m
    if kind != "difference":
        return maps.get(kind)
    first, second = (maps.get(name) for name in pair)
    return None if first is None or second is None else first - second


def why_missing(result: LiveResult, kind: str, unit: str, pair: Pair) -> str:
    """A sentence for the empty view."""
    for name in sorted(methods_of(kind, pair)):
        if name not in result.disparity_px:
            return "Computing…" if name in COMPARED - result.wanted else _MISSING[name]
    return _NO_DEPTH if unit == "depth" and kind != "confidence" else _MISSING.get(kind, "")
