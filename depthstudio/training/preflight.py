"""Pre-flight checks: what about the data speaks against starting, in words, before hours are spent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from depthstudio.geometry import StereoCalibration
from depthstudio.training.checks.finding import Finding, look_at, ordered
from depthstudio.training.checks.labels import check_amount, check_labels, check_reach, largest_disparity
from depthstudio.training.checks.recipe import check_calibration
from depthstudio.training.data import TrainingData
from depthstudio.training.settings import TrainingSettings

_LOOKED_AT = 5  # frames of each side: enough for shares, little enough to wait for


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
        """Nothing was found that makes the run impossible."""
        return not any(finding.blocks for finding in self.findings)

    @property
    def train_frames(self) -> int:
        """Frames that train."""
        return sum(self.train.values())

    @property
    def validation_frames(self) -> int:
        """Frames that validate."""
        return sum(self.validation.values())


def check_data(
    data: TrainingData,
    settings: TrainingSettings,
    network_reach_px: float | None = None,
    calibration: StereoCalibration | None = None,
) -> DataReport:
    """Look at a few frames of each side. DatasetError when one cannot be read.

    network_reach_px: largest disparity that the start network searches, where it is known. calibration: the one used
    instead of those stored with the data. What needs a closer look is in `checks.pictures` and `checks.network`.
    """
    looks = look_at(data, _LOOKED_AT)
    height, width = looks[0].sample.valid.shape
    findings = [
        *check_amount(data, settings),
        *check_labels(looks),
        *check_reach(looks, settings, network_reach_px),
        *check_calibration(data, calibration),
    ]
    return DataReport(
        train=Counter(data.train.groups),
        validation=Counter(data.validation.groups),
        train_title=data.train.title,
        image_size=(width, height),
        valid_share=float(np.mean([look.sample.valid.mean() for look in looks])),
        largest_disparity_px=largest_disparity(looks),
        findings=ordered(findings),
    )
