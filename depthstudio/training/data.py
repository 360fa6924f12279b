"""The two sides of a run: what it learns from and what it is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from depthstudio.datasets.samples import CombinedSamples, SampleSource, open_samples
from depthstudio.datasets.split import shared_recording_warning, split_by_order, split_by_session
from depthstudio.errors import DatasetError
from depthstudio.geometry import StereoCalibration
from depthstudio.training.settings import TrainingSettings


@dataclass(frozen=True)
class TrainingData:
    """warning: why the validation error may look better than it is; empty when it does not."""

    train: SampleSource
    validation: SampleSource
    warning: str = ""


def open_training_data(
    data: Sequence[str | Path],
    settings: TrainingSettings,
    calibration: StereoCalibration | None = None,
    validation_data: Sequence[str | Path] = (),
) -> TrainingData:
    """Open recordings or folders and split them; with `validation_data` nothing is split.

    calibration: used instead of those stored with the data. DatasetError when a folder is unusable or a side empty.
    """
    if not data:
        raise DatasetError("There is no data to train on.", next_step="Give recordings or folders with labelled pairs.")
    samples = _combined(data, settings, calibration)
    if validation_data:
        validation = _combined(validation_data, settings, calibration)
        return TrainingData(samples, validation, shared_recording_warning(samples.groups, validation.groups))
    if settings.split == "order":
        split = split_by_order(samples.groups)
    else:
        split = split_by_session(samples.groups, samples.roles)
    train, validation_side = split.of(samples)
    return TrainingData(train, validation_side, split.warning)


def _combined(
    paths: Sequence[str | Path], settings: TrainingSettings, calibration: StereoCalibration | None
) -> SampleSource:
    sources = [open_samples(path, calibration, settings.mask) for path in paths]
    if len(sources) == 1:
        return sources[0]
    frames = sum(len(source) for source in sources)
    return CombinedSamples(sources, f"{len(sources)} data sets with {frames} frames")
