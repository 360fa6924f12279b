"""What a network's disparity is compared with: the camera's own depth, SGBM, exact depth, another network.

Called on worker threads of the live loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from depthstudio.evaluation.sgbm import sgbm_disparity
from depthstudio.frames import Image, StereoFrame
from depthstudio.geometry import Rectifier
from depthstudio.inference.live_result import Compared

if TYPE_CHECKING:
    from depthstudio.inference import Predictor
    from depthstudio.inference.live_result import Comparison

_SGBM_REACH_PX = 128


def camera_comparison(rectifier: Rectifier) -> Comparison:
    """The depth that came with the frame, moved into the rectified left view."""

    def disparity(frame: StereoFrame) -> Compared | None:
        return None if frame.depth_mm is None else Compared(rectifier.label_disparity(frame.depth_mm))

    return disparity


def exact_comparison(rectifier: Rectifier) -> Comparison:
    """What a simulated source knows about its own scene."""

    def disparity(frame: StereoFrame) -> Compared | None:
        return None if frame.exact_depth_m is None else Compared(rectifier.label_disparity(frame.exact_depth_m))

    return disparity


def sgbm_comparison(rectifier: Rectifier | None, max_disparity: int | None) -> Comparison:
    """OpenCV's matcher, searching as far as the network does, but at most half the width."""

    def disparity(frame: StereoFrame) -> Compared | None:
        if frame.right is None:
            return None
        left, right = frame.left, frame.right
        if rectifier is not None:
            left, right = rectifier.rectify_left(left), rectifier.rectify_right(right)
        reach_px = min(max_disparity or _SGBM_REACH_PX, right.shape[1] // 2)
        return Compared(sgbm_disparity(_grey(left), _grey(right), reach_px))

    return disparity


def network_comparison(predictor: Predictor) -> Comparison:
    """Another network on the same frame, e.g. the same one before its fine-tuning."""

    def disparity(frame: StereoFrame) -> Compared | None:
        if frame.right is None:
            return None
        prediction = predictor.predict(frame.left, frame.right)
        return Compared(prediction.disparity_px, prediction.confidence)

    return disparity


def _grey(image: Image) -> Image:
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
