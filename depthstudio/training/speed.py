"""The training loop against a plain one: the same network, frames, crop and steps, epoch by epoch in turn.

The plain loop is how fine-tuning scripts are usually written: one process reads, rectifies and converts every frame
when its step needs it, images lie contiguous, numbers are float32. Taking turns lets both feel the same load.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from depthstudio.cancel import CancelToken
from depthstudio.datasets import SampleSource
from depthstudio.datasets.torch_dataset import DisparityDataset
from depthstudio.errors import UserError
from depthstudio.inference.device import choose_device
from depthstudio.models import StereoNetwork
from depthstudio.training.batches import epoch_order
from depthstudio.training.events import EpochDone, Failed, Started, TrainingEvent
from depthstudio.training.loop import fine_tune
from depthstudio.training.run import Run
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.validation import Validator


@dataclass(frozen=True)
class LoopSpeed:
    """samples_per_s: of the steps, loading included; first: of the first epoch, which fills the caches; later: mean of
    the others. validation_epe_px: after every epoch.
    """

    loop: str
    first_samples_per_s: float
    later_samples_per_s: float
    validation_epe_px: tuple[float, ...]


@dataclass(frozen=True)
class SpeedComparison:
    """Both loops. precision: of ours; the plain one is always fp32."""

    network: str
    crop: tuple[int, int]
    batch_size: int
    frames: int
    device: str
    precision: str
    plain: LoopSpeed
    ours: LoopSpeed

    @property
    def times(self) -> float:
        """How many times as fast ours is, once its caches are full."""
        return self.ours.later_samples_per_s / self.plain.later_samples_per_s

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {**asdict(self), "times": self.times}


def equal_settings(crop: tuple[int, int], batch_size: int, epochs: int) -> TrainingSettings:
    """What both loops do: Adam, one rate for all parts, no augmentation, the loss of the final disparity alone."""
    return TrainingSettings(
        epochs=epochs,
        batch_size=batch_size,
        crop_width=crop[0],
        crop_height=crop[1],
        learning_rate=1e-4,
        optimizer="adam-l2",
        weight_decay=0.0,
        encoder_lr_factor=1.0,
        aggregation_lr_factor=1.0,
        auxiliary_weight=0.0,
        matching_weight=0.0,
        batchnorm_eval=False,
        clip_norm=0.0,
        lr_schedule="constant",
        early_stop_patience=0,
        augment=False,
        guard="off",
    )


def compare_loops(
    network: StereoNetwork,
    sides: tuple[SampleSource, SampleSource],
    settings: TrainingSettings,
    folder: Path,
) -> SpeedComparison:
    """Train two copies of `network`, an epoch each in turn. sides: training and validation frames, not cached.

    folder: of our loop's run; must not exist. UserError when the frames cannot be learned from.
    """
    plain = _PlainLoop(copy.deepcopy(network), sides, settings)
    run = Run.create_at(folder, settings)
    ours = fine_tune(copy.deepcopy(network), *sides, settings, run)
    started, done = None, []
    for _ in range(settings.epochs):
        event = _next_epoch(ours)
        started = started or event[0]
        done.append(event[1])
        plain.epoch()
    ours.close()  # type: ignore[attr-defined]
    if started is None:
        raise UserError("The training loop did not begin.")
    rates = [epoch.samples_per_s or 0.0 for epoch in done]
    return SpeedComparison(
        network.name,
        (settings.crop_width, settings.crop_height),
        settings.batch_size,
        len(sides[0]),
        started.device,
        started.precision,
        plain.speed(),
        LoopSpeed("DepthStudio", rates[0], _mean(rates[1:] or rates), tuple(epoch.validation_epe_px for epoch in done)),
    )


def _next_epoch(events: Iterator[TrainingEvent]) -> tuple[Started | None, EpochDone]:
    started = None
    for event in events:
        if isinstance(event, Started):
            started = event
        if isinstance(event, Failed):
            raise UserError(event.message, event.why, event.next_step)
        if isinstance(event, EpochDone):
            return started, event
    raise UserError("The training loop ended early.")


@dataclass
class _PlainLoop:
    network: StereoNetwork
    sides: tuple[SampleSource, SampleSource]
    settings: TrainingSettings
    rates: list[float] = field(default_factory=list)
    errors_px: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.device = choose_device(self.settings.device)
        self.network.to(self.device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), self.settings.learning_rate)
        crop = (self.settings.crop_width, self.settings.crop_height)
        self.frames = DisparityDataset(self.sides[0], crop, seed=self.settings.seed)
        self.reach = float(getattr(self.network, "max_disparity", 0) or 0)

    def epoch(self) -> None:
        """All frames once, then the validation."""
        number = len(self.rates) + 1
        self.frames.set_epoch(number)
        order = epoch_order(len(self.frames), self.settings.seed, number)
        started = time.perf_counter()
        self.network.train()
        for first in range(0, len(order), self.settings.batch_size):
            self._step(order[first : first + self.settings.batch_size])
        self.rates.append(len(order) / (time.perf_counter() - started))
        indices = range(len(self.sides[1]))
        validator = Validator(self.sides[1], indices, [], self.device, False, self.reach, 0)
        sums = validator.measure(self.network, number, CancelToken())
        self.errors_px.append(sums.epe_px if sums else float("nan"))

    def _step(self, indices: list[int]) -> None:
        items = [self.frames[index] for index in indices]
        left, right, disparity, valid = (
            torch.stack([item[key] for item in items]).to(self.device)
            for key in ("left", "right", "disparity", "valid")
        )
        if self.reach:
            valid &= disparity <= self.reach
        if not valid.any():
            return
        loss = F.smooth_l1_loss(self.network(left, right).disparity[valid], disparity[valid])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()

    def speed(self) -> LoopSpeed:
        """What was measured."""
        return LoopSpeed("plain", self.rates[0], _mean(self.rates[1:] or self.rates), tuple(self.errors_px))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
