"""What a check says, and the frames that show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from depthstudio.datasets.split import evenly
from depthstudio.datasets.stereo_sample import SampleSource, StereoSample
from depthstudio.training.data import TrainingData

Side = Literal["train", "validation"]
Tone = Literal["bad", "warning", "good"]


@dataclass(frozen=True)
class FrameRef:
    """A frame of one side: its index there, and its name for people."""

    side: Side
    index: int
    name: str


@dataclass(frozen=True)
class Finding:
    """tone: "bad" is critical, "warning" worth knowing, "good" a check that was passed.

    frames: those that show it, the clearest first. blocks: the run cannot work; other critical findings only ask twice.
    """

    what: str
    next_step: str = ""
    tone: Tone = "warning"
    frames: tuple[FrameRef, ...] = ()
    blocks: bool = False


@dataclass(frozen=True, eq=False)
class Look:
    """A frame that was read for the checks."""

    ref: FrameRef
    sample: StereoSample


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The most serious first."""
    return tuple(
        sorted(findings, key=lambda finding: (not finding.blocks, ("bad", "warning", "good").index(finding.tone)))
    )


def look_at(data: TrainingData, count: int) -> list[Look]:
    """Up to `count` frames of each side, evenly spread. DatasetError when one cannot be read."""
    return [*_side(data.train, "train", count), *_side(data.validation, "validation", count)]


def plural(count: int, noun: str) -> str:
    """ "1 frame", "3 frames"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _side(samples: SampleSource, side: Side, count: int) -> Sequence[Look]:
    found = ((i, samples[i]) for i in evenly(len(samples), count))
    return [Look(FrameRef(side, i, sample.name), sample) for i, sample in found]
