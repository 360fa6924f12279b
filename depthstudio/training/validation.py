"""Validation: whole frames, evaluation mode, sums over all valid pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from depthstudio.cancel import CancelToken
from depthstudio.datasets.stereo_sample import BoolMap, FloatMap, SampleSource, StereoSample
from depthstudio.evaluation.matchers import image_tensor
from depthstudio.models.base import StereoNetwork
from depthstudio.training.bands import BandSums
from depthstudio.training.batches import prefetch
from depthstudio.training.events import ErrorBand, FrameScore, SampleImages
from depthstudio.training.losses import PixelSums, batch_loss, usable_pixels
from depthstudio.training.optimisation import autocast, channels_last
from depthstudio.training.processes import OneProcess, Processes

_BAD_PX = 3.0


@dataclass
class Validator:
    """Measures a network on the same frames every epoch, each of the processes on its share of them.

    shown: indices whose predictions are handed out as images.
    """

    frames: SampleSource
    indices: Sequence[int]
    shown: Sequence[int]
    device: torch.device
    bf16: bool
    max_disparity: float
    threads: int
    processes: Processes = field(default_factory=OneProcess)
    images: list[SampleImages] = field(default_factory=list)
    scores: list[FrameScore] = field(default_factory=list)
    bands: tuple[ErrorBand, ...] = ()

    def measure(self, network: StereoNetwork, epoch: int, cancel: CancelToken) -> PixelSums | None:
        """Loss and error over all valid pixels; None when cancelled.

        Afterwards `images` holds the shown frames, `scores` every frame's error in their order, `bands` it by distance.
        """
        network.eval()
        sums, bands, cancelled = PixelSums(), BandSums(), False
        self.images, self.scores = [], []
        mine = self.processes.share(self.indices)
        samples = prefetch(self.frames.__getitem__, mine, self.threads, ahead=2)
        for index, sample in zip(mine, samples, strict=True):
            if cancelled := cancel.is_cancelled:
                samples.close()
                break
            prediction = self._add(network, sample, sums)
            self._judge(index, sample, prediction, bands)
            if index in self.shown:
                label = np.where(sample.valid, sample.disparity_px, np.nan).astype(np.float32)
                self.images.append(SampleImages(epoch, index, sample.left, label, prediction))
        if self.processes.total([cancelled])[0]:
            return None
        self.bands = bands.over(self.processes).bands()
        self.images = sorted(self.processes.gathered(self.images), key=lambda image: image.index)
        place = {index: position for position, index in enumerate(self.indices)}
        self.scores = sorted(self.processes.gathered(self.scores), key=lambda score: place[score.index])
        return sums.over(self.processes)

    def _judge(self, index: int, sample: StereoSample, prediction: FloatMap, bands: BandSums) -> None:
        """This frame alone, and its pixels by distance."""
        mask = judged_pixels(sample, self.max_disparity)
        score = frame_score(index, sample, prediction, mask)
        if score is not None:
            bands.add(sample, np.abs(prediction - sample.disparity_px), mask)
            self.scores.append(score)

    @torch.inference_mode()
    def _add(self, network: StereoNetwork, sample: StereoSample, sums: PixelSums) -> np.ndarray:
        """Predict one frame, add it to the sums, return the disparity (H, W) float32 px."""
        left, right = (image_tensor(image, self.device) for image in (sample.left, sample.right))
        disparity = torch.from_numpy(np.nan_to_num(sample.disparity_px)).to(self.device)[None]
        valid = torch.from_numpy(np.ascontiguousarray(sample.valid)).to(self.device)[None]
        with autocast(self.device, self.bf16):
            predicted = network(channels_last(left), channels_last(right)).disparity.float()
        mask = usable_pixels(disparity, valid, self.max_disparity)
        sums.add(batch_loss(predicted, disparity, mask), int(valid.sum()))
        return predicted[0].cpu().numpy()


def judged_pixels(sample: StereoSample, max_disparity: float) -> BoolMap:
    """(H, W) where a frame is judged: labelled, and within max_disparity px unless that is 0. See usable_pixels."""
    mask: BoolMap = sample.valid & np.isfinite(sample.disparity_px)
    return mask & (np.nan_to_num(sample.disparity_px) <= max_disparity) if max_disparity else mask


def frame_score(index: int, sample: StereoSample, prediction: FloatMap, mask: BoolMap) -> FrameScore | None:
    """A frame's error over the pixels of `mask`; None without any."""
    error_px = np.abs(prediction - sample.disparity_px)[mask]
    if not error_px.size:
        return None
    epe_px, bad_3 = float(error_px.mean(dtype=np.float64)), float((error_px > _BAD_PX).mean())
    return FrameScore(index, sample.name, sample.group, epe_px, bad_3, error_px.size)
