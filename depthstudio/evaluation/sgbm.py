"""OpenCV's semi-global matching, the baseline that every network is compared with."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.geometry.holes import fill_from_farther

BLOCK_SIZE = 5
SUBPIXEL_STEPS = 16


def sgbm_disparity(
    left: NDArray[np.uint8], right: NDArray[np.uint8], max_disparity: float, fill_holes: bool = False
) -> NDArray[np.float32]:
    """Disparity of the left view by StereoSGBM (MODE_SGBM_3WAY).

    left, right: (H, W) or (H, W, 3) uint8, rectified. max_disparity: px, rounded up to a multiple of 16.
    Returns (H, W) float32 px, NaN in holes; with fill_holes every hole takes the farther of its neighbours in the row.
    Both images are padded on the left, so that the first columns are matched as well.
    """
    count = math.ceil((max_disparity + 1) / 16) * 16
    # Costs add up over the channels: for a grey pair a penalty made for three would pull disparities to whole pixels.
    channels = 1 if left.ndim == 2 else left.shape[2]
    matcher = cv2.StereoSGBM.create(
        minDisparity=0,
        numDisparities=count,
        blockSize=BLOCK_SIZE,
        P1=8 * channels * BLOCK_SIZE**2,
        P2=32 * channels * BLOCK_SIZE**2,
        disp12MaxDiff=1,
        preFilterCap=63,
        uniquenessRatio=10,
        speckleWindowSize=100,
        speckleRange=2,
        mode=cv2.STEREO_SGBM_MODE_SGBM_3WAY,
    )
    padded = (cv2.copyMakeBorder(image, 0, 0, count, 0, cv2.BORDER_REPLICATE) for image in (left, right))
    fixed = matcher.compute(*padded)[:, count:]
    disparity = fixed.astype(np.float32)
    disparity /= SUBPIXEL_STEPS
    disparity[fixed < 0] = np.nan
    return fill_from_farther(disparity) if fill_holes else disparity
