"""Which samples train and which validate. By recording, because neighbours in time are nearly the same picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from depthstudio.datasets.natural_order import natural_key
from depthstudio.datasets.stereo_sample import SampleSource, SampleSubset
from depthstudio.errors import DatasetError

_VALIDATION_SHARE = 0.2


@dataclass(frozen=True)
class Split:
    """Indices of both sides, never empty. warning: what makes the validation error untrustworthy, or empty."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    warning: str = ""

    def of(self, samples: SampleSource) -> tuple[SampleSubset, SampleSubset]:
        """The training and the validation side of `samples`."""
        return (
            SampleSubset(samples, self.train, f"Training: {len(self.train)} of {samples.title}"),
            SampleSubset(samples, self.validation, f"Validation: {len(self.validation)} of {samples.title}"),
        )


def evenly(count: int, wanted: int) -> list[int]:
    """Up to `wanted` indices spread evenly over 0..count-1, first and last among them; all when wanted is 0."""
    if wanted == 0 or wanted >= count:
        return list(range(count))
    return sorted({round(position) for position in np.linspace(0, count - 1, wanted)})


def split_by_session(
    groups: Sequence[str], roles: Mapping[str, str] | None = None, validation_share: float = _VALIDATION_SHARE
) -> Split:
    """Whole recordings on one side only.

    groups: the recording of every sample. roles: recording -> train, validation or ignored. Where the user set none for
    validation, the last undecided recordings (by name, so by date) validate until they hold about `validation_share` of
    the undecided samples; undecided ones then train. DatasetError when a side is empty.
    """
    roles = roles or {}
    names = sorted(set(groups), key=natural_key)
    decided = {name: roles.get(name, "") for name in names}
    if "validation" not in decided.values():
        for name in _last_groups(groups, [name for name in names if not decided[name]], validation_share, decided):
            decided[name] = "validation"
    train = tuple(i for i, group in enumerate(groups) if decided[group] in ("", "train"))
    validation = tuple(i for i, group in enumerate(groups) if decided[group] == "validation")
    usable = [name for name in names if decided[name] != "ignored"]
    if len(usable) == 1 and (train or validation):
        raise DatasetError(
            "There is only one recording, so none is left to validate on.",
            "Frames of one recording look alike; validating on them would hide overfitting.",
            "Make a second recording, or split by frame order.",
        )
    _refuse_empty_side(train, validation)
    return Split(train, validation)


def _last_groups(
    groups: Sequence[str], undecided: Sequence[str], share: float, decided: Mapping[str, str]
) -> list[str]:
    """The last undecided groups, at least one, that come nearest to `share` of the undecided samples."""
    keep_first = "train" not in decided.values()
    counts = Counter(groups)
    wanted = share * sum(counts[name] for name in undecided)
    chosen: list[str] = []
    taken = 0
    for name in reversed(undecided[1:] if keep_first else undecided):
        if chosen and abs(taken + counts[name] - wanted) >= abs(taken - wanted):
            break
        chosen.append(name)
        taken += counts[name]
    return chosen


def split_by_order(groups: Sequence[str], train_share: float = 0.8) -> Split:
    """The first share of the samples trains, the rest validates, whatever they show: the classic recipe's way.

    `warning` says so when a recording lies on both sides. DatasetError when a side is empty.
    """
    border = int(len(groups) * train_share)
    train, validation = tuple(range(border)), tuple(range(border, len(groups)))
    _refuse_empty_side(train, validation)
    return Split(train, validation, shared_recording_warning(groups[:border], groups[border:]))


def shared_recording_warning(train_groups: Sequence[str], validation_groups: Sequence[str]) -> str:
    """A sentence for the user when both sides hold frames of one recording; empty when they do not."""
    shared = sorted(set(train_groups) & set(validation_groups), key=natural_key)
    if not shared:
        return ""
    which = f"The recording '{shared[0]}'" if len(shared) == 1 else f"{len(shared)} recordings"
    verb = "is" if len(shared) == 1 else "are"
    return (
        f"{which} {verb} on both sides: neighbouring frames look alike, so the validation error looks better "
        "than it is. Split by recording when you have several."
    )


def _refuse_empty_side(train: Sequence[int], validation: Sequence[int]) -> None:
    if not train and not validation:
        raise DatasetError(
            "There are no frames to learn from.", "All recordings are empty or ignored.", "Mark some for training."
        )
    if not train:
        raise DatasetError(
            "There are no training frames.",
            "All recordings are marked for validation or ignored.",
            "Mark at least one recording for training.",
        )
    if not validation:
        raise DatasetError(
            "There are no validation frames.",
            "All recordings are marked for training or ignored, or there are too few frames.",
            "Mark at least one recording for validation.",
        )
