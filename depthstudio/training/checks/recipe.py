"""Settings that differ far from their preset, and calibrations that differ from the recordings'."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from depthstudio.datasets.rectified_samples import RectifiedSamples
from depthstudio.datasets.stereo_sample import CombinedSamples, SampleSource, SampleSubset
from depthstudio.geometry import StereoCalibration
from depthstudio.training.checks.finding import Finding, FrameRef, Side
from depthstudio.training.data import TrainingData
from depthstudio.training.settings import TrainingSettings

_USUAL_FACTOR, _WILD_FACTOR = 3.0, 20.0
_SAME_FOCAL_SHARE, _SAME_BASELINE_SHARE = 0.002, 0.002


def check_learning_rate(settings: TrainingSettings, preset: TrainingSettings) -> list[Finding]:
    """A learning rate far from the preset's."""
    times = settings.learning_rate / preset.learning_rate
    if _USUAL_FACTOR >= times >= 1 / _USUAL_FACTOR:
        return []
    words = f"{times:.3g} times" if times > 1 else f"1/{1 / times:.3g} of"
    what = f"The learning rate is {words} the preset's."
    if times > 1:
        step = "Higher rates destroy what the network knew."
        return [Finding(what, step, "bad" if times >= _WILD_FACTOR else "warning")]
    return [Finding(what, "It will hardly learn in the planned epochs.")]


def check_calibration(data: TrainingData, given: StereoCalibration | None) -> list[Finding]:
    """The calibration that was chosen differs from the recordings' own, or theirs from each other."""
    own = list(_calibrations(data))
    if given is not None:
        other = [(ref, stored) for ref, stored in own if differs(given, stored)]
        if not other:
            return []
        what = f"The chosen calibration differs from the recordings' own ({_differences(given, other[0][1])})."
        step = "Use it only if it is the better one for these very cameras."
        return [Finding(what, step, frames=tuple(ref for ref, _ in other[:3]))]
    train = [one for one in own if one[0].side == "train"]
    validation = [one for one in own if one[0].side == "validation"]
    for ref, stored in validation:
        if train and all(differs(stored, known) for _, known in train):
            words = _differences(train[0][1], stored)
            what = f"Training and validation were recorded with different calibrations ({words})."
            step = "Fine if two cameras are meant; else calibrate once for all recordings."
            return [Finding(what, step, frames=(train[0][0], ref))]
    return []


def differs(one: StereoCalibration, other: StereoCalibration) -> bool:
    """True when two calibrations rectify differently, beyond rounding and tiny refinements."""
    if one.id == other.id:
        return False
    focal = abs(one.K1[0, 0] / other.K1[0, 0] - 1) > _SAME_FOCAL_SHARE
    baseline = abs(one.baseline_m / other.baseline_m - 1) > _SAME_BASELINE_SHARE
    turned = float(np.degrees(np.arccos(np.clip((np.trace(one.R @ other.R.T) - 1) / 2, -1, 1)))) > 0.05
    centre = float(np.abs(one.K1[:2, 2] - other.K1[:2, 2]).max()) > 1.0
    return bool(focal or baseline or turned or centre)


def _differences(one: StereoCalibration, other: StereoCalibration) -> str:
    return (
        f"focal length {one.K1[0, 0]:.1f} / {other.K1[0, 0]:.1f} px, "
        f"baseline {one.baseline_m * 1000:.1f} / {other.baseline_m * 1000:.1f} mm"
    )


def _calibrations(data: TrainingData) -> Iterator[tuple[FrameRef, StereoCalibration]]:
    """The stored calibration of every recording that has one, with its first frame."""
    sides: tuple[tuple[Side, SampleSource], ...] = (("train", data.train), ("validation", data.validation))
    for side, samples in sides:
        seen: set[str] = set()
        for index, group in enumerate(samples.groups):
            if group not in seen:
                seen.add(group)
                stored = stored_calibration(samples, index)
                if stored is not None:
                    yield FrameRef(side, index, group), stored


def stored_calibration(samples: SampleSource, index: int) -> StereoCalibration | None:
    """The calibration stored with a frame; None for data that needs none."""
    match samples:
        case RectifiedSamples():
            return samples.frames.calibration_of(index)
        case SampleSubset():
            return stored_calibration(samples.source, samples.indices[index])
        case CombinedSamples():
            for source in samples.sources:
                if index < len(source):
                    return stored_calibration(source, index)
                index -= len(source)
    return None
