"""Pre-flight checks: what about the data speaks against starting, in words, before hours are spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from depthstudio.datasets.samples import SampleSource
from depthstudio.datasets.stereo_sample import StereoSample
from depthstudio.training.data import TrainingData
from depthstudio.training.settings import TrainingSettings

_LOOKED_AT = 4  # frames of each side: enough for shares, little enough to wait for
_FEW_TRAIN, _FEW_VALIDATION = 20, 5
_EMPTY_SHARE, _LOW_SHARE, _HIGH_SHARE = 0.002, 0.5, 0.95
_REACH_PERCENTILE = 99.5


@dataclass(frozen=True)
class Finding:
    """tone: "bad" (the run would be wasted) or "warning" (worth knowing)."""

    what: str
    next_step: str = ""
    tone: str = "warning"


@dataclass(frozen=True)
class DataReport:
    """What a run would learn from. train, validation: recording -> frames. findings: the most serious first."""

    train: Mapping[str, int]
    validation: Mapping[str, int]
    train_title: str
    image_size: tuple[int, int]
    valid_share: float
    largest_disparity_px: float
    findings: tuple[Finding, ...] = field(default=())

    @property
    def is_usable(self) -> bool:
        """Nothing was found that would waste the run."""
        return all(finding.tone != "bad" for finding in self.findings)

    @property
    def train_frames(self) -> int:
        """Frames that train."""
        return sum(self.train.values())

    @property
    def validation_frames(self) -> int:
        """Frames that validate."""
        return sum(self.validation.values())


def check_data(data: TrainingData, settings: TrainingSettings) -> DataReport:
    """Look at a few frames of each side. DatasetError when one cannot be read."""
    samples = [*_some(data.train), *_some(data.validation)]
    height, width = samples[0].valid.shape
    share = float(np.mean([sample.valid.mean() for sample in samples]))
    labels = np.concatenate([sample.disparity_px[sample.valid] for sample in samples])
    largest_px = float(np.percentile(labels, _REACH_PERCENTILE)) if len(labels) else 0.0
    findings = [
        *_amount(len(data.train), len(data.validation), settings),
        *([Finding(data.warning)] if data.warning else []),
        *_labels(share),
        *_reach(largest_px, width, settings),
    ]
    return DataReport(
        train=Counter(data.train.groups),
        validation=Counter(data.validation.groups),
        train_title=data.train.title,
        image_size=(width, height),
        valid_share=share,
        largest_disparity_px=largest_px,
        findings=tuple(sorted(findings, key=lambda finding: finding.tone != "bad")),
    )


def _some(samples: SampleSource) -> list[StereoSample]:
    indices = sorted({round(i) for i in np.linspace(0, len(samples) - 1, _LOOKED_AT)})
    return [samples[i] for i in indices]


def _amount(train: int, validation: int, settings: TrainingSettings) -> list[Finding]:
    found = []
    if train < _FEW_TRAIN:
        what = f"Only {train} training frame{'s' if train != 1 else ''}: the network will learn them by heart."
        found.append(Finding(what, "Record more scenes, or keep the run short."))
    if validation < _FEW_VALIDATION:
        what = f"Only {validation} validation frame{'s' if validation != 1 else ''}: the best epoch is left to chance."
        found.append(Finding(what, "Give validation a longer recording."))
    if train < settings.batch_size:
        what = f"A batch of {settings.batch_size} is larger than all {train} training frames: one step per epoch."
        found.append(Finding(what, "Choose a smaller batch size."))
    return found


def _labels(share: float) -> list[Finding]:
    if share < _EMPTY_SHARE:
        what = f"Only {share:.1%} of the pixels have a usable label."
        return [Finding(what, "Check the label masks and the calibration.", "bad")]
    if share < _LOW_SHARE:
        what = f"Only {share:.0%} of the pixels have a usable label."
        return [Finding(what, "Loosen the label masks, or record with the projector on.")]
    if share > _HIGH_SHARE:
        what = f"{share:.0%} of the pixels count as labelled: wrong depth may be learned too."
        return [Finding(what, "Switch on the label masks, unless the depth is exact.")]
    return []


def _reach(largest_px: float, width: int, settings: TrainingSettings) -> list[Finding]:
    found = []
    if 0 < settings.max_disparity < largest_px:
        what = f"Labels reach {largest_px:.0f} px, beyond the largest disparity of {settings.max_disparity} px."
        found.append(Finding(what, "Raise the largest disparity, or leave it at 0."))
    if min(settings.crop_width, width) < 1.5 * largest_px:
        what = (
            f"Disparities reach {largest_px:.0f} px: a crop {min(settings.crop_width, width)} px wide cuts matches off."
        )
        found.append(Finding(what, f"Choose a crop at least {2 * largest_px:.0f} px wide."))
    return found
