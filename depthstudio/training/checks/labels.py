"""Whether there is enough to learn from: frames, labelled pixels, and disparities within reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from depthstudio.datasets.labels import LOW_VALID_SHARE, SUSPICIOUS_VALID_SHARE
from depthstudio.training.checks.finding import Finding, FrameRef, Look, plural
from depthstudio.training.data import TrainingData
from depthstudio.training.settings import TrainingSettings

_FEW_TRAIN, _FEW_VALIDATION, _FEW_RECORDINGS = 20, 5, 2
_EMPTY_SHARE = 0.002
_SHOWN = 3
_REACH_PERCENTILE = 99.5


def check_amount(data: TrainingData, settings: TrainingSettings) -> list[Finding]:
    """Too few frames or recordings, and a batch larger than everything."""
    train, validation = len(data.train), len(data.validation)
    recordings = len(set(data.train.groups))
    found = []
    if train < _FEW_TRAIN:
        what = f"Only {plural(train, 'training frame')}: the network will learn them by heart."
        found.append(Finding(what, "Record more scenes, or keep the run short."))
    elif recordings < _FEW_RECORDINGS and not data.warning:
        what = "All training frames are from one recording: it learns this scene, not the camera."
        found.append(Finding(what, "Record other scenes, too."))
    if validation < _FEW_VALIDATION:
        what = f"Only {plural(validation, 'validation frame')}: the best epoch is left to chance."
        found.append(Finding(what, "Give validation a longer recording."))
    if train < settings.batch_size:
        what = f"A batch of {settings.batch_size} is larger than all {train} training frames: one step per epoch."
        found.append(Finding(what, "Choose a smaller batch size."))
    if data.warning:
        found.append(Finding(data.warning, frames=_on_the_border(data)))
    return found


def check_labels(looks: Sequence[Look]) -> list[Finding]:
    """Share of labelled pixels: too low, suspiciously high, or none at all."""
    share = float(np.mean([look.sample.valid.mean() for look in looks]))
    by_share = sorted(looks, key=lambda look: float(look.sample.valid.mean()))
    lowest, highest = _refs(by_share[:_SHOWN]), _refs(by_share[::-1][:_SHOWN])
    if share < _EMPTY_SHARE:
        what = f"Only {share:.1%} of the pixels have a usable label."
        return [Finding(what, "Check the label masks and the calibration.", "bad", lowest, blocks=True)]
    if share < LOW_VALID_SHARE:
        what = f"Only {share:.0%} of the pixels have a usable label; 65 to 85 % are usual."
        return [Finding(what, "Loosen the label masks, or record with the projector on.", frames=lowest)]
    if share > SUSPICIOUS_VALID_SHARE:
        what = f"{share:.0%} of the pixels count as labelled: wrong depth may be learned too."
        return [Finding(what, "Switch on the label masks, unless the depth is exact.", frames=highest)]
    return []


def check_reach(looks: Sequence[Look], settings: TrainingSettings, network_reach_px: float | None) -> list[Finding]:
    """Labels beyond what the settings or the network search, and crops that cut matches off."""
    found = []
    by_reach = sorted(looks, key=_reach_of, reverse=True)
    largest_px, frames = largest_disparity(looks), _refs(by_reach[:_SHOWN])
    if 0 < settings.max_disparity < largest_px:
        what = f"Labels reach {largest_px:.0f} px, beyond the largest disparity of {settings.max_disparity} px."
        found.append(Finding(what, "Raise the largest disparity, or leave it at 0.", frames=frames))
    elif network_reach_px is not None and not settings.max_disparity and largest_px > network_reach_px:
        what = f"Labels reach {largest_px:.0f} px, but the network searches up to {network_reach_px:.0f} px."
        step = f"Set the largest disparity to {_rounded_up(largest_px)} px; nearer things are left out otherwise."
        found.append(Finding(what, step, "bad", frames))
    width = looks[0].sample.valid.shape[1]
    if min(settings.crop_width, width) < 1.5 * largest_px:
        crop_px = min(settings.crop_width, width)
        what = f"Disparities reach {largest_px:.0f} px: a crop {crop_px} px wide cuts matches off."
        wanted_px = 2 * largest_px
        step = f"Choose a crop at least {wanted_px:.0f} px wide." if width >= wanted_px else "Choose the widest crop."
        found.append(
            Finding(what, step if width > settings.crop_width else "Record at a higher resolution.", frames=frames)
        )
    return found


def largest_disparity(looks: Sequence[Look]) -> float:
    """What nearly all labels lie below, px; 0 without any label."""
    labels = np.concatenate([look.sample.disparity_px[look.sample.valid] for look in looks])
    return float(np.percentile(labels, _REACH_PERCENTILE)) if len(labels) else 0.0


def _reach_of(look: Look) -> float:
    labels = look.sample.disparity_px[look.sample.valid]
    return float(np.percentile(labels, _REACH_PERCENTILE)) if len(labels) else 0.0


def _rounded_up(reach_px: float) -> int:
    return int(-(-reach_px // 16) * 16)


def _refs(looks: Sequence[Look]) -> tuple[FrameRef, ...]:
    return tuple(look.ref for look in looks)


def _on_the_border(data: TrainingData) -> tuple[FrameRef, ...]:
    """The last training and the first validation frame of a recording on both sides: neighbours in time."""
    shared = set(data.train.groups) & set(data.validation.groups)
    if not shared:
        return ()
    group = min(shared)
    last = max(i for i, name in enumerate(data.train.groups) if name == group)
    first = list(data.validation.groups).index(group)
    return (
        FrameRef("train", last, f"{group}, last that trains"),
        FrameRef("validation", first, f"{group}, first that validates"),
    )
