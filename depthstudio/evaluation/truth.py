"""Which disparity a frame is compared with, and over which pixels."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from depthstudio.datasets.samples import StereoSample
from depthstudio.frames import FloatMap

Truth = Literal["auto", "label", "exact"]
Mask = Literal["all", "nonoccluded", "occluded"]
TRUTHS: dict[Truth, str] = {
    "auto": "exact where a simulation knows it, else the label",
    "label": "what training sees: the camera's depth after the label masks, or the data set's truth",
    "exact": "a simulation's exact disparity",
}
MASKS: dict[Mask, str] = {
    "all": "every pixel with a truth, occluded ones too",
    "nonoccluded": "pixels that both cameras see: the data set's own mask, else worked out of a dense truth",
    "occluded": "pixels that the right camera does not see",
}
_SLACK_PX = 0.5
_DENSE = 0.5


def truth_of(sample: StereoSample, wish: Truth) -> tuple[str, FloatMap]:
    """("label" or "exact", (H, W) disparity with NaN = unknown); all NaN when the kind asked for is not there."""
    if wish == "exact" or (wish == "auto" and sample.exact_disparity_px is not None):
        exact = sample.exact_disparity_px
        return "exact", np.full(sample.valid.shape, np.nan, np.float32) if exact is None else exact
    return "label", np.where(sample.valid, sample.disparity_px, np.nan).astype(np.float32)


def mask_of(sample: StereoSample, truth: FloatMap, wish: Mask) -> NDArray[np.bool_] | None:
    """(H, W) pixels to look at, None for all. Where nobody knows what is occluded, no pixel is looked at."""
    if wish == "all":
        return None
    visible = sample.nonoccluded
    if visible is None:
        if np.isfinite(truth).mean() < _DENSE:
            return np.zeros(truth.shape, bool)
        visible = seen_by_both(truth)
    return visible if wish == "nonoccluded" else ~visible


def seen_by_both(truth: FloatMap) -> NDArray[np.bool_]:
    """Left pixels that the right camera sees too, from a dense true disparity (H, W) px.

    A pixel is hidden when another one further right in its row lands more than half a pixel left of it in the right
    image (neighbours of a slanted surface may land closer together than one pixel), or when it lands outside.
    """
    columns = np.arange(truth.shape[1], dtype=np.float32)
    landing = np.where(np.isfinite(truth), columns[None, :] - truth, np.inf)
    nearest = np.minimum.accumulate(landing[:, ::-1], axis=1)[:, ::-1]
    hidden = landing < 0
    hidden[:, :-1] |= landing[:, :-1] > nearest[:, 1:] + _SLACK_PX
    return ~hidden
