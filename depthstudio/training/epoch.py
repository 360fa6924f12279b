"""One epoch's steps: learning, what it adds up to, and what is asked of the run between two steps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from depthstudio.errors import DatasetError
from depthstudio.training.batches import Batch
from depthstudio.training.control import RunControl
from depthstudio.training.divergence import DivergedError
from depthstudio.training.events import Continued, EpochDone, Paused, SettingChanged, StepDone, TrainingEvent
from depthstudio.training.losses import PixelSums
from depthstudio.training.memory import memory_mb
from depthstudio.training.optimisation import advance, set_training_mode
from depthstudio.training.run import Run
from depthstudio.training.running import Training

_SEED_STRIDE = 1_000_003  # so that seed 1, epoch 2 and seed 2, epoch 1 differ


@dataclass
class Progress:
    """What adds up during one epoch. train_s: seconds of the steps alone, without pauses."""

    epoch: int
    started: float
    sums: PixelSums = field(default_factory=PixelSums)
    samples: int = 0
    skipped: int = 0
    norms: list[float] = field(default_factory=list)
    paused_s: float = 0.0
    train_s: float = 0.0

    @property
    def seconds(self) -> float:
        """Since the epoch began, without pauses."""
        return time.perf_counter() - self.started - self.paused_s

    @property
    def samples_per_s(self) -> float:
        """Frames per second of the steps so far."""
        return self.samples / max(self.train_s, 1e-9)


def train_epoch(training: Training, run: Run, progress: Progress, control: RunControl) -> Iterator[TrainingEvent]:
    """All steps of one epoch. Its random numbers depend on seed and epoch alone."""
    seed = training.settings.seed * _SEED_STRIDE + progress.epoch
    torch.manual_seed(seed + training.processes.rank * _SEED_STRIDE**2)  # other dropout in every process
    set_training_mode(training.network, training.settings.batchnorm_eval)
    for step, both in enumerate(training.batches(progress.epoch), start=1):
        if training.processes.agreed(control.is_cancelled):
            return
        try:
            yield _step(training, progress, *both, step)
        except DivergedError as error:
            error.step = step
            raise
        yield from _heed(training, run, progress, control, step)
    if not progress.sums.pixels:
        raise DatasetError(
            "No training frame has a valid label.", "Every batch of the epoch was skipped.", "Check the label masks."
        )


def _step(training: Training, progress: Progress, batch: Batch, rehearsal: Batch | None, step: int) -> StepDone:
    result = training.stepper.step(batch, rehearsal)
    frames = len(batch["left"]) + (len(rehearsal["left"]) if rehearsal else 0)
    progress.samples += frames * training.processes.count
    loss = epe_px = None
    if result.loss is None:
        progress.skipped += 1
    else:
        loss, epe_px = float(result.loss.mean.detach()), result.loss.error_px / result.loss.pixels
        training.spikes.look(loss)
        progress.sums.add(result.loss, result.labelled)
        progress.norms.append(result.gradient_norm)
    progress.train_s = progress.seconds
    return StepDone(
        epoch=progress.epoch,
        step=step,
        steps_per_epoch=training.steps_per_epoch,
        loss=loss,
        epe_px=epe_px,
        learning_rate=training.stepper.learning_rate,
        gradient_norm=None if loss is None else result.gradient_norm,
        samples_per_s=progress.samples_per_s,
        memory_mb=memory_mb(training.stepper.device),
    )


def _heed(training: Training, run: Run, progress: Progress, control: RunControl, step: int) -> Iterator[TrainingEvent]:
    """Between two steps: pause and change as asked from outside."""
    if control.is_paused:
        yield Paused(progress.epoch, step)
        paused_s = control.wait_while_paused()
        progress.paused_s += paused_s
        yield Continued(progress.epoch, step, paused_s)
    for name, after in training.processes.agreed(control.take_changes()).items():
        before = training.stepper.learning_rate if name == "learning_rate" else getattr(training.settings, name)
        training.change(name, after)
        if training.writes:
            run.change_settings(training.settings)
        yield SettingChanged(progress.epoch, step, name, before, after)


def close_epoch(training: Training, progress: Progress, validation: PixelSums, guard_epe_px: float | None) -> EpochDone:
    """Count the epoch: best so far, patience, learning rate of the next."""
    learning_rate = training.stepper.learning_rate
    is_best = training.stopping.update(progress.epoch, validation.mean_loss, validation.epe_px)
    advance(training.schedule, validation.mean_loss)
    seconds = progress.seconds
    training.epoch, training.seconds = progress.epoch, training.seconds + seconds
    return EpochDone(
        epoch=progress.epoch,
        train_loss=progress.sums.mean_loss,
        train_epe_px=progress.sums.epe_px,
        validation_loss=validation.mean_loss,
        validation_epe_px=validation.epe_px,
        learning_rate=learning_rate,
        best_epoch=training.stopping.best_epoch,
        best_validation_loss=training.stopping.best_loss,
        epochs_without_improvement=training.stopping.waited,
        patience=training.settings.early_stop_patience,
        seconds=seconds,
        is_best=is_best,
        gradient_norm=sum(progress.norms) / len(progress.norms),
        skipped_batches=progress.skipped,
        train_pixels=progress.sums.pixels,
        validation_pixels=validation.pixels,
        samples_per_s=progress.samples_per_s,
        memory_mb=memory_mb(training.stepper.device),
        bands=training.validator.bands,
        guard_epe_px=guard_epe_px,
    )
