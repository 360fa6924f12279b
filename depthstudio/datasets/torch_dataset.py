"""DisparityDataset: samples as tensors for the training loop."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from depthstudio.datasets.augmentation import AugmentationSettings, draw_scales, swap_flip, vary_photometry
from depthstudio.datasets.cropping import Size, choose_window, cut, padded
from depthstudio.datasets.stereo_sample import Rgb, SampleSource, StereoSample


class DisparityDataset(Dataset[dict[str, Tensor]]):
    """Samples, cut to one size and varied, as tensors.

    crop: (width, height) px of what is cut out; smaller images are padded without labels. None takes whole images, as
    validation should. random_crop: a new place every epoch, else the centre.
    augment: scale, light, noise and the like, see AugmentationSettings.
    with_clean: also "clean_left" and "clean_right", the same cut before light, noise and the like were varied.
    Item i of an epoch depends on (seed, epoch, i) alone, whichever thread or worker process makes it.
    """

    def __init__(
        self,
        samples: SampleSource,
        crop: Size | None = None,
        augment: bool = False,
        seed: int = 0,
        *,
        random_crop: bool = True,
        augmentation: AugmentationSettings | None = None,
        with_clean: bool = False,
    ) -> None:
        self.samples = samples
        self.crop = crop
        self.augmentation = (augmentation or AugmentationSettings()) if augment else None
        self.seed = seed
        self.random_crop = random_crop
        self.with_clean = with_clean
        # Shared memory, so that worker processes that live through several epochs see the change.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Draw other crops and variations from now on."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """left, right: (3, H, W) float32 in 0..1. disparity: (H, W) float32 px, 0 where not valid. valid: (H, W) bool.
        weight: (H, W) float32 in 0..1, how sure the label is, 1 where nobody says. index: which sample, int64.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        rng = np.random.default_rng((self.seed, int(self._epoch), index))
        clean = self.placed(self.samples[index], rng)
        sample = self.varied(clean, rng)
        valid = sample.valid & np.isfinite(sample.disparity_px)
        views = {"clean_left": _tensor(clean.left), "clean_right": _tensor(clean.right)} if self.with_clean else {}
        return {
            **views,
            "left": _tensor(sample.left),
            "right": _tensor(sample.right),
            "disparity": torch.from_numpy(np.where(valid, sample.disparity_px, np.float32(0))),
            "valid": torch.from_numpy(np.ascontiguousarray(valid)),
            "weight": _weight(sample),
            "index": torch.tensor(index),
        }

    def prepared(self, sample: StereoSample, rng: np.random.Generator) -> StereoSample:
        """The sample cut and varied, as the network will see it: also for a live picture of the augmentation."""
        return self.varied(self.placed(sample, rng), rng)

    def placed(self, sample: StereoSample, rng: np.random.Generator) -> StereoSample:
        """The sample mirrored, scaled and cut."""
        settings = self.augmentation
        if settings and sample.right_disparity_px is not None and rng.random() < settings.swap_flip:
            sample = swap_flip(sample)
        if self.crop is not None:
            scales = draw_scales(settings, rng) if settings else (1.0, 1.0)
            at = (rng.random(), rng.random()) if self.random_crop else (0.5, 0.5)
            image_size = (sample.left.shape[1], sample.left.shape[0])
            sample = padded(cut(sample, choose_window(image_size, self.crop, scales, at)), self.crop)
        return sample

    def varied(self, sample: StereoSample, rng: np.random.Generator) -> StereoSample:
        """The sample with other light, noise, blur and the like; the label stays."""
        if self.augmentation is None:
            return sample
        left, right = vary_photometry(sample.left, sample.right, self.augmentation, rng)
        return dataclasses.replace(
            sample,
            left=left,
            right=right,
            exact_disparity_px=None,
            right_disparity_px=None,
            nonoccluded=None,
            geometry=None,
        )


def _weight(sample: StereoSample) -> Tensor:
    if sample.confidence is None:
        return torch.ones(sample.valid.shape)
    return torch.from_numpy(np.ascontiguousarray(sample.confidence, np.float32))


def _tensor(image: Rgb) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float().div_(255)
