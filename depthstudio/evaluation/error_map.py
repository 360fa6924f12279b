"""Pictures of a frame: the disparity in colour, and where it is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import cv2
import numpy as np

from depthstudio.datasets.samples import SampleSource
from depthstudio.evaluation.evaluate import Measure
from depthstudio.evaluation.methods import Method, predict
from depthstudio.evaluation.metrics import D1_PX, D1_SHARE
from depthstudio.evaluation.truth import mask_of, truth_of
from depthstudio.frames import FloatMap, Image

# KITTI's colours of an error in units of max(3 px, 5 % of the truth): blue is good, red is bad, white between.
ERROR_STEPS: tuple[tuple[float, tuple[int, int, int]], ...] = (
    (0.0625, (49, 54, 149)),
    (0.125, (69, 117, 180)),
    (0.25, (116, 173, 209)),
    (0.5, (171, 217, 233)),
    (1.0, (224, 243, 248)),
    (2.0, (254, 224, 144)),
    (4.0, (253, 174, 97)),
    (8.0, (244, 109, 67)),
    (16.0, (215, 48, 39)),
    (np.inf, (165, 0, 38)),
)
UNKNOWN = (40, 44, 50)


@dataclass(frozen=True, eq=False)
class FramePictures:
    """left: (H, W, 3) uint8. predicted_px, truth_px, error_px: (H, W) float32, NaN = none. limits_px: of the truth."""

    left: Image
    predicted_px: FloatMap
    truth_px: FloatMap
    error_px: FloatMap
    limits_px: tuple[float, float]

    @property
    def error_colours(self) -> Image:
        """(H, W, 3) uint8 RGB, see error_colours."""
        return error_colours(self.error_px, self.truth_px)


def frame_pictures(method: Method, samples: SampleSource, index: int, how: Measure) -> FramePictures:
    """Predict one frame again, for looking at it."""
    sample = samples[index]
    _, truth = truth_of(sample, how.truth)
    mask = mask_of(sample, truth, how.mask)
    if mask is not None:
        truth = np.where(mask, truth, np.nan).astype(np.float32)
    predicted = predict(method, sample).disparity_px
    known = truth[np.isfinite(truth)]
    limits = tuple(np.percentile(known, (1, 99))) if known.size else (nan, nan)
    return FramePictures(sample.left, predicted, truth, np.abs(predicted - truth), (float(limits[0]), float(limits[1])))


def error_colours(error_px: FloatMap, truth_px: FloatMap) -> Image:
    """KITTI's error picture: (H, W, 3) uint8 RGB. Dark grey where there is no truth or no prediction."""
    share = error_px / np.maximum(D1_PX, D1_SHARE * truth_px)
    known = np.isfinite(share)
    edges = np.array([edge for edge, _ in ERROR_STEPS[:-1]])
    table = np.array([colour for _, colour in ERROR_STEPS] + [UNKNOWN], np.uint8)
    which = np.where(known, np.digitize(np.nan_to_num(share), edges, right=True), len(ERROR_STEPS))
    return np.asarray(table[which], np.uint8)


def disparity_colours(disparity_px: FloatMap, limits_px: tuple[float, float]) -> Image:
    """Turbo over limits_px: (H, W, 3) uint8 RGB, dark grey where there is none."""
    low, high = limits_px if np.isfinite(limits_px).all() else (0.0, 1.0)
    scaled = (np.nan_to_num(disparity_px, nan=low) - low) / max(high - low, 1e-6)
    colours = cv2.applyColorMap((255 * np.clip(scaled, 0, 1)).astype(np.uint8), cv2.COLORMAP_TURBO)[:, :, ::-1].copy()
    colours[~np.isfinite(disparity_px)] = UNKNOWN
    return np.asarray(colours, np.uint8)
