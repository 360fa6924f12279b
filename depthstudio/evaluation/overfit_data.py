"""Frames to compare fine-tuning recipes on: a simulated rig in many rooms, labelled by a camera with real faults."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from depthstudio.cameras import open_source
from depthstudio.cameras.recording import record
from depthstudio.cameras.simulated import SimulatedSource
from depthstudio.datasets import CombinedSamples, SampleSource, SessionSamples
from depthstudio.datasets.session import Session
from depthstudio.errors import UserError
from depthstudio.geometry import StereoCalibration

TRAIN_ROOMS = tuple(range(301, 311))
VALIDATION_ROOMS = tuple(range(401, 406))


@dataclass(frozen=True)
class OverfitData:
    """train, validation: frames of each side, spread over ten and five rooms. size: (width, height) px."""

    train: int = 200
    validation: int = 50
    size: tuple[int, int] = (640, 480)

    def rooms(self) -> Iterator[tuple[int, str, int]]:
        """(seed, role, frames) of every room; no room is in both sides."""
        for seeds, role, frames in (
            (TRAIN_ROOMS, "train", self.train),
            (VALIDATION_ROOMS, "validation", self.validation),
        ):
            used = seeds[: max(1, min(len(seeds), frames))]
            for number, seed in enumerate(used):
                share = frames // len(used) + (number < frames % len(used))
                yield seed, role, share

    def record(self, folder: Path) -> Iterator[str]:
        """Record what is not in `folder` yet; says in words what was done. Goes on where it was interrupted."""
        for seed, _, frames in self.rooms():
            target = self._session(folder, seed, frames)
            if _is_whole(target, frames):
                continue
            shutil.rmtree(target, ignore_errors=True)
            width, height = self.size
            url = f"sim://hybrid?scene=desk&seed={seed}&frames={frames}&size={width}x{height}&realtime=off"
            record(url, target, name=f"Room {seed}", calibration=_exact_calibration(url))
            yield f"room {seed}: {frames} frames"

    def sides(self, folder: Path) -> tuple[SampleSource, SampleSource]:
        """(training, validation), with the default label masks."""
        sides: dict[str, list[SampleSource]] = {"train": [], "validation": []}
        for seed, role, frames in self.rooms():
            sides[role].append(SessionSamples(Session.open(self._session(folder, seed, frames))))
        train, validation = (
            CombinedSamples(rooms, f"{sum(map(len, rooms))} frames of {len(rooms)} rooms to {role}")
            for role, rooms in (("learn from", sides["train"]), ("judge by", sides["validation"]))
        )
        return train, validation

    def _session(self, folder: Path, seed: int, frames: int) -> Path:
        return folder / f"room-{seed}-{self.size[0]}x{self.size[1]}-{frames}"


def _exact_calibration(url: str) -> StereoCalibration:
    """The rig's own: what is compared here is learning, not calibrating."""
    with open_source(url) as source:
        if not isinstance(source, SimulatedSource):
            raise UserError(f"{url} is no simulated rig.")
        return source.exact_calibration


def _is_whole(folder: Path, frames: int) -> bool:
    try:
        return Session.open(folder).frame_count == frames
    except (UserError, OSError):
        return False
