"""Whether the camera faces the wall, and how to turn it."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from depthstudio.evaluation.depth_quality import DepthQuality, facing_advice
from depthstudio.gui.widgets.basics import Section
from depthstudio.gui.widgets.status import VerdictLabel

_GOOD_TILT_DEG = 1.0
_USABLE_TILT_DEG = 5.0


class FacingSection(Section):
    """One verdict from the method that sees the plane best."""

    def __init__(self) -> None:
        super().__init__("Facing the wall")
        self.verdict = VerdictLabel()
        self.add(self.verdict)

    def show_quality(self, quality: Mapping[str, DepthQuality]) -> None:
        """Say how far the camera is turned away."""
        known = [one for one in quality.values() if isfinite(one.tilt_deg) and one.fill_rate > 0]
        if not known:
            self.verdict.set_verdict("No plane seen", "Point the region at a flat, textured wall.", "warning")
            return
        best = max(known, key=lambda one: (one.fill_rate, -one.subpixel_rms_px))
        advice = facing_advice(best, _GOOD_TILT_DEG)
        if not advice:
            self.verdict.set_verdict("Facing it", f"Tilt {best.tilt_deg:.1f}°.", "good")
        else:
            tone = "warning" if best.tilt_deg < _USABLE_TILT_DEG else "bad"
            self.verdict.set_verdict(f"Tilted by {best.tilt_deg:.1f}°", advice, tone)
