"""Which label rule removed which pixel: the mask as a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depthstudio.datasets.labels import RULES, FloatMap, LabelMaskSettings, mask_label
from depthstudio.geometry import RectifiedGeometry

KEPT = 0


def rule_map(
    disparity_px: FloatMap, geometry: RectifiedGeometry | None, settings: LabelMaskSettings
) -> NDArray[np.uint8]:
    """(H, W) uint8: 0 where the label is kept, else the place (from 1) in RULES of the rule that removed it.

    The rules are switched on one after the other, so that every pixel belongs to the rule that the statistics of
    `mask_label` count it for. disparity_px: (H, W) float32, NaN = no measurement.
    """
    switches = {f"use_{rule}": False for rule in RULES}
    left = np.ones(disparity_px.shape, bool)
    removed_by = np.zeros(disparity_px.shape, np.uint8)
    for number, rule in enumerate(RULES, start=1):
        switches[f"use_{rule}"] = getattr(settings, f"use_{rule}")
        if switches[f"use_{rule}"]:
            kept = mask_label(disparity_px, geometry, settings.model_copy(update=switches)).mask
            removed_by[left & ~kept] = number
            left = kept
    return removed_by
