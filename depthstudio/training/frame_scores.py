"""A run's network on single validation frames: which are worst, and what it makes of one of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from depthstudio.cancel import CancelToken
from depthstudio.datasets.split import evenly
from depthstudio.datasets.stereo_sample import FloatMap, SampleSource, StereoSample
from depthstudio.errors import DatasetError
from depthstudio.evaluation.matchers import image_tensor
from depthstudio.models import StereoNetwork, load_network
from depthstudio.training.events import FrameScore, SampleImages
from depthstudio.training.optimisation import channels_last
from depthstudio.training.run import Run
from depthstudio.training.setup import reach_px
from depthstudio.training.validation import frame_score, judged_pixels

_MOST_FRAMES = 48


def score_frames(
    run: Run,
    validation: SampleSource,
    cancel: CancelToken,
    progress: Callable[[float], object],
    most: int = _MOST_FRAMES,
) -> tuple[FrameScore, ...]:
    """The error of the run's best network on up to `most` validation frames, worst first; empty when cancelled.

    Over the same pixels as the run's own validation: labels beyond its reach are left out.

    progress: called with the share that is done. NetworkError or DatasetError when network or frames cannot be read.
    """
    network = load_network(run.best_path).network.eval()
    indices, reach = evenly(len(validation), most), reach_px(network, run.settings)
    scores = []
    for done, index in enumerate(indices):
        if cancel.is_cancelled:
            return ()
        sample = validation[index]
        score = frame_score(index, sample, _predict(network, sample), judged_pixels(sample, reach))
        if score is not None:
            scores.append(score)
        progress((done + 1) / len(indices))
    return tuple(sorted(scores, key=lambda score: -score.epe_px))


def predict_frame(run: Run, validation: SampleSource, frame: FrameScore) -> SampleImages:
    """One frame with its label and what the run's best network predicts.

    DatasetError when the frame is not among the validation frames any more.
    """
    index = _find(validation, frame)
    sample = validation[index]
    prediction = _predict(load_network(run.best_path).network.eval(), sample)
    label = np.where(sample.valid, sample.disparity_px, np.nan).astype(np.float32)
    return SampleImages(run.summary().best_epoch, index, sample.left, label, prediction)


def _find(validation: SampleSource, frame: FrameScore) -> int:
    """The frame's place today; recordings may have come or gone since."""
    if frame.index < len(validation) and validation[frame.index].name == frame.name:
        return frame.index
    for index, group in enumerate(validation.groups):
        if group == frame.group and validation[index].name == frame.name:
            return index
    raise DatasetError(
        f"The frame {frame.name} is not among the validation frames any more.",
        "Its recording was moved, ignored or given another role.",
    )


@torch.inference_mode()
def _predict(network: StereoNetwork, sample: StereoSample) -> FloatMap:
    left, right = (channels_last(image_tensor(image)) for image in (sample.left, sample.right))
    return np.asarray(network(left, right).disparity[0].float().numpy(), np.float32)
