"""What a calibration comes to after rectification, and every number of its report with its name."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from depthstudio.calibration.lens_kinds import LENS_TITLES
from depthstudio.calibration.solution import CalibrationSolution
from depthstudio.calibration.uncertainty import DISTANCES_M
from depthstudio.geometry import RectifiedGeometry, Rectifier
from depthstudio.geometry.measuring import expected_error_m


@dataclass(frozen=True)
class RectifiedFacts:
    """geometry: f, B and size after rectification. valid_share: part of the image that shows seen pixels in both.

    depth_step_mm: distance in metres to what a matching error of 0.25 px means there.
    """

    geometry: RectifiedGeometry
    valid_roi: tuple[int, int, int, int]
    field_deg: tuple[float, float]
    depth_step_mm: dict[float, float]

    @property
    def valid_share(self) -> float:
        """Of the image's area."""
        return self.valid_roi[2] * self.valid_roi[3] / (self.geometry.size[0] * self.geometry.size[1])

    @classmethod
    def of(cls, rectifier: Rectifier) -> RectifiedFacts:
        """Of one calibration at one image size."""
        g = rectifier.geometry
        width_deg, height_deg = (math.degrees(2 * math.atan(n / 2 / g.focal_px)) for n in g.size)
        steps = {z: expected_error_m(z, g) * 1000 for z in DISTANCES_M}
        return cls(g, rectifier.valid_roi, (width_deg, height_deg), steps)


@dataclass(frozen=True)
class Fact:
    """One line of the report."""

    name: str
    value: str
    note: str = ""


def report_facts(solution: CalibrationSolution, facts: RectifiedFacts) -> list[Fact]:
    """Every number of the report in the order of importance."""
    c, g, u = solution.calibration, facts.geometry, solution.uncertainty
    used = sum(view.used for view in solution.views)
    refined = "refined together" if solution.refined else "intrinsics of each camera alone"
    lines = [
        Fact("Stereo error", f"{solution.rms_px:.3f} px RMS", f"all views {solution.rms_all_px:.3f} px; {refined}"),
        Fact("Left camera alone", f"{solution.left_rms_px:.3f} px RMS", _lens(solution, 0)),
        Fact("Right camera alone", f"{solution.right_rms_px:.3f} px RMS", _lens(solution, 1)),
    ]
    if solution.held_out is not None:
        held = solution.held_out
        lines.append(
            Fact("Rows apart, held-out views", f"{held.mean_px:.3f} px", f"95 % below {held.percentile95_px:.3f} px")
        )
    v = solution.vertical
    lines.append(Fact("Rows apart, all views used", f"{v.mean_px:.3f} px", f"95 % below {v.percentile95_px:.3f} px"))
    T = ", ".join(f"{value * 1000:.2f}" for value in c.T)
    angle_deg = math.degrees(math.acos(max(-1.0, min(1.0, (float(np.trace(c.R)) - 1) / 2))))
    lines += [
        Fact("Baseline", f"{c.baseline_m * 1000:.2f} mm", f"± {u.baseline_mm:.2f} mm; T = ({T}) mm"),
        Fact("Cameras turned", f"{angle_deg:.2f}°", f"± {u.rotation_deg:.3f}°"),
        Fact("Focal length left", f"{c.K1[0, 0]:.1f} px", _plus_minus(u.left_focal_px)),
        Fact("Focal length right", f"{c.K2[0, 0]:.1f} px", _plus_minus(u.right_focal_px)),
        Fact(
            "After rectification",
            f"f {g.focal_px:.1f} px, B {g.baseline_m * 1000:.2f} mm",
            f"{facts.field_deg[0]:.0f}° x {facts.field_deg[1]:.0f}°, {g.size[0]}x{g.size[1]} px",
        ),
        Fact("Valid region", f"{facts.valid_share:.0%} of the image"),
        Fact("Views", f"{used} of {len(solution.views)} used", _dropped(solution)),
        Fact("Coverage", f"left {solution.cameras[0].coverage:.0%}, right {solution.cameras[1].coverage:.0%}"),
    ]
    return lines


def _plus_minus(deviation_px: float) -> str:
    return f"± {deviation_px:.2f} px" if deviation_px else "given"


def _lens(solution: CalibrationSolution, side: int) -> str:
    camera = solution.cameras[side]
    if camera.was_given:
        return "intrinsics given"
    tried = [f"{trial.kind} {trial.held_out_px:.3f}" for trial in camera.trials if trial.held_out_px is not None]
    return LENS_TITLES[camera.lens] + (f"; held-out px: {', '.join(tried)}" if tried else "")


def _dropped(solution: CalibrationSolution) -> str:
    return "; ".join(f"view {view.name} left out: {view.reason}" for view in solution.views if not view.used)
