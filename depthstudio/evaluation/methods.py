"""What is judged: networks, SGBM, and the camera's own depth."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from depthstudio.datasets.samples import StereoSample
from depthstudio.evaluation.sgbm import sgbm_disparity
from depthstudio.frames import Image

if TYPE_CHECKING:
    from depthstudio.inference import Prediction  # imports torch, which tables and reports can do without


class DisparityMethod(Protocol):
    """A Predictor, or anything that answers like one."""

    @property
    def name(self) -> str:
        """For tables."""
        ...

    def predict(self, left: Image, right: Image) -> Prediction:
        """Disparity of a rectified pair."""
        ...


@runtime_checkable
class SampleMethod(Protocol):
    """A method that needs more of a frame than its two images."""

    @property
    def name(self) -> str:
        """For tables."""
        ...

    def predict_sample(self, sample: StereoSample) -> Prediction:
        """Disparity of a sample."""
        ...


Method = DisparityMethod | SampleMethod


class SgbmMethod:
    """OpenCV's SGBM as a method. max_disparity: px searched. fill_holes: a value for every pixel."""

    def __init__(self, max_disparity: float, *, fill_holes: bool = False) -> None:
        self.max_disparity = max_disparity
        self.fill_holes = fill_holes

    @property
    def name(self) -> str:
        """SGBM, and whether its holes are filled."""
        return "SGBM, holes filled" if self.fill_holes else "SGBM"

    def predict(self, left: Image, right: Image) -> Prediction:
        """See DisparityMethod.predict; NaN in holes."""
        from depthstudio.inference import Prediction

        started = time.perf_counter()
        disparity_px = sgbm_disparity(left, right, self.max_disparity, self.fill_holes)
        return Prediction(disparity_px, None, left, (time.perf_counter() - started) * 1000.0)


class CameraMethod:
    """The depth that the camera measured itself, where something better is the truth: a simulation's exact disparity.

    Where the camera's depth is the truth, it has nothing to be compared with and answers nowhere.
    """

    name = "camera's own depth"

    def predict_sample(self, sample: StereoSample) -> Prediction:
        """See SampleMethod.predict_sample; NaN where the camera measured nothing."""
        from depthstudio.inference import Prediction

        known = sample.exact_disparity_px is not None
        nothing = np.full(sample.valid.shape, np.nan, np.float32)
        return Prediction(sample.disparity_px if known else nothing, None, sample.left, 0.0)


def predict(method: Method, sample: StereoSample) -> Prediction:
    """What a method says about a sample."""
    if isinstance(method, SampleMethod):
        return method.predict_sample(sample)
    return method.predict(sample.left, sample.right)
