"""Label masks: which pixels of a measured disparity label are good enough to learn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, model_validator

from depthstudio.geometry import RectifiedGeometry
from depthstudio.setting_fields import setting

FloatMap = NDArray[np.float32]
BoolMap = NDArray[np.bool_]

# In the order in which they are applied; a pixel is counted by the first rule that removes it.
RULES: Mapping[str, str] = {
    "finite": "No measurement",
    "range": "Out of range",
    "border": "Border",
    "gradient": "Depth edges",
    "percentile": "Outliers",
}
LOW_VALID_SHARE = 0.50
SUSPICIOUS_VALID_SHARE = 0.95


def _setting(default: Any, title: str, description: str, unit: str = "", **limits: Any) -> Any:
    return setting(default, title, description, "Label masks", unit=unit, expert=bool(unit), **limits)


class LabelMaskSettings(BaseModel):
    """The five rules and their limits. Each can be switched off; the defaults are those of the classic recipe."""

    model_config = ConfigDict(frozen=True, extra="allow", validate_default=True, allow_inf_nan=False)

    use_finite: bool = _setting(
        True,
        RULES["finite"],
        "Leaves out pixels without a measurement; off, they count as infinitely far (0 px), right only for open skies.",
    )
    use_range: bool = _setting(True, RULES["range"], "Leaves out depths nearer or farther than the two limits.")
    min_depth_m: float = _setting(0.3, "Nearest depth", "Nearer labels are left out.", "m", ge=0.01, le=100.0)
    max_depth_m: float = _setting(10.0, "Farthest depth", "Farther labels are left out.", "m", ge=0.1, le=1000.0)
    use_border: bool = _setting(True, RULES["border"], "Leaves out a frame along the image edges, poorly rectified.")
    border_px: int = _setting(20, "Border width", "Width of the frame that is left out.", "px", ge=0, le=500)
    use_gradient: bool = _setting(
        True, RULES["gradient"], "Leaves out pixels where the disparity changes fast: object edges, smeared depth."
    )
    max_gradient: float = _setting(
        1.0, "Steepest disparity", "From this change per pixel on, labels are left out.", "px per px", ge=0.01, le=100.0
    )
    use_percentile: bool = _setting(
        True, RULES["percentile"], "Leaves out the smallest and largest disparities of each image: reflections."
    )
    low_percentile: float = _setting(
        0.5, "Lower percentile", "Smaller disparities of an image are left out.", "%", ge=0.0, le=49.0
    )
    high_percentile: float = _setting(
        99.5, "Upper percentile", "Larger disparities of an image are left out.", "%", ge=51.0, le=100.0
    )

    @model_validator(mode="after")
    def _limits_in_order(self) -> LabelMaskSettings:
        if self.min_depth_m >= self.max_depth_m:
            raise ValueError("the nearest depth must be smaller than the farthest")
        return self


@dataclass(frozen=True)
class MaskStatistics:
    """What the rules did to one image, or on average to several.

    removed: rule -> share of all pixels it removed, 0..1, counted at the first rule that removes a pixel. Rules that
    are off or could not be applied (no geometry for the range) are missing. valid_share: what is left.
    """

    valid_share: float
    removed: Mapping[str, float]

    @classmethod
    def mean(cls, several: Iterable[MaskStatistics]) -> MaskStatistics:
        """The average over images; ValueError when there are none."""
        images = list(several)
        if not images:
            raise ValueError("no statistics to average")
        rules = [rule for rule in RULES if any(rule in image.removed for image in images)]
        return cls(
            sum(image.valid_share for image in images) / len(images),
            {rule: sum(image.removed.get(rule, 0.0) for image in images) / len(images) for rule in rules},
        )

    @property
    def warning(self) -> str:
        """What is odd about the share of valid pixels and what removed most; empty when it is as usual."""
        share = f"{self.valid_share:.0%} of the label pixels are valid"
        if self.valid_share < LOW_VALID_SHARE:
            worst = max(self.removed, key=lambda rule: self.removed[rule], default="")
            reason = f"; most are lost to '{RULES[worst]}' ({self.removed[worst]:.0%})" if worst else ""
            return f"Only {share}, 65 to 85 % are usual indoors{reason}."
        if self.valid_share > SUSPICIOUS_VALID_SHARE:
            return f"{share}, which is suspiciously many: are the masks off, or was the depth filled in?"
        return ""


@dataclass(frozen=True, eq=False)
class LabelMask:
    """mask: (H, W) bool, True = learn from it. disparity_px: (H, W) float32, finite wherever the mask is True."""

    mask: BoolMap
    disparity_px: FloatMap
    statistics: MaskStatistics


def mask_label(disparity_px: FloatMap, geometry: RectifiedGeometry | None, settings: LabelMaskSettings) -> LabelMask:
    """Apply the rules that are on to one label.

    disparity_px: (H, W) float32 in the rectified left view; NaN or infinite = no measurement.
    geometry: turns the depth limits into disparity limits; without it the range rule is left out.
    """
    label = np.asarray(disparity_px, np.float32)
    measured = np.isfinite(label)
    if not settings.use_finite:
        label = np.where(measured, label, np.float32(0))
        measured = np.ones_like(measured)
    elif not measured.all():
        label = np.where(measured, label, np.float32(np.nan))
    left = measured
    removed: dict[str, float] = {}

    def keep(rule: str, good: BoolMap) -> None:
        nonlocal left
        before = np.count_nonzero(left) if rule != "finite" else left.size
        left = left & good
        removed[rule] = float((before - np.count_nonzero(left)) / max(left.size, 1))

    if settings.use_finite:
        keep("finite", measured)
    if settings.use_range and geometry is not None:
        low, high = disparity_limits(geometry, settings)
        keep("range", (label >= low) & (label <= high))
    if settings.use_border:
        keep("border", _inside_border(label.shape, settings.border_px))
    if settings.use_gradient:
        keep("gradient", squared_gradient(label) < np.float32(settings.max_gradient**2))
    if settings.use_percentile:
        keep("percentile", _between_percentiles(label, left, settings))
    return LabelMask(left, label, MaskStatistics(float(np.count_nonzero(left) / max(left.size, 1)), removed))


def disparity_limits(geometry: RectifiedGeometry, settings: LabelMaskSettings) -> tuple[np.float32, np.float32]:
    """Smallest and largest disparity, px, of the depth limits: d = f * B / Z - shift."""
    near = geometry.focal_baseline / settings.min_depth_m - geometry.disparity_shift_px
    far = geometry.focal_baseline / settings.max_depth_m - geometry.disparity_shift_px
    return np.float32(far), np.float32(near)


def squared_gradient(label: FloatMap) -> FloatMap:
    """Squared magnitude of the disparity's gradient, (H, W) float32, px^2 per px^2.

    Central differences, as numpy.gradient. Where a neighbour is missing (NaN, image edge) the difference to the other
    one is taken, and where both are missing the slope in that direction counts as 0: a hole is no edge, so it does not
    eat into the labels around it. The gradient at a NaN itself means nothing.
    """
    dx, dy = _slope(label), _slope(label.T).T
    return dx * dx + dy * dy


def _slope(label: FloatMap) -> FloatMap:
    """Change of the label along its last axis, per pixel."""
    step = label[:, 1:] - label[:, :-1]  # NaN when either end is missing
    missing = np.isnan(step)
    np.copyto(step, 0, where=missing)
    slope = np.zeros_like(label)  # keeps the memory order of a transposed label, without which this is slow
    slope[:, :-1] = step
    slope[:, 1:] += step
    share = np.ones_like(label)
    one_sided = missing[:, 1:] | missing[:, :-1]
    np.copyto(share[:, 1:-1], np.float32(0.5), where=~one_sided)
    slope *= share
    return slope


def _inside_border(shape: tuple[int, ...], border_px: int) -> BoolMap:
    inside = np.zeros(shape, bool)
    inside[border_px : shape[0] - border_px or None, border_px : shape[1] - border_px or None] = True
    if 2 * border_px >= min(shape):
        inside[:] = False
    return inside


def _between_percentiles(label: FloatMap, left: BoolMap, settings: LabelMaskSettings) -> BoolMap:
    """The percentiles are those of the pixels that the rules before left over: stray values do not shift them."""
    values = label[left]
    if values.size == 0:
        return left
    low, high = np.percentile(values, (settings.low_percentile, settings.high_percentile))
    return (label >= np.float32(low)) & (label <= np.float32(high))
