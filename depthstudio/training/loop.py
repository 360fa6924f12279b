"""fine_tune: the training loop as a stream of events. Whoever iterates it decides in which thread it runs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite

import torch

from depthstudio.cancel import CancelToken
from depthstudio.datasets.stereo_sample import SampleSource
from depthstudio.errors import DatasetError, NetworkError, UserError
from depthstudio.models.base import StereoNetwork
from depthstudio.models.checkpoint import load_network, save_network
from depthstudio.training.batches import Batch
from depthstudio.training.control import RunControl
from depthstudio.training.divergence import DivergedError
from depthstudio.training.events import (
    BaselineDone,
    CheckpointSaved,
    Continued,
    Diverged,
    EpochDone,
    Failed,
    Finished,
    FrameScores,
    Paused,
    SettingChanged,
    Started,
    StepDone,
    TrainingEvent,
    Warned,
)
from depthstudio.training.guard import WORSE_SHARE
from depthstudio.training.losses import PixelSums
from depthstudio.training.memory import memory_mb
from depthstudio.training.optimisation import advance, set_training_mode
from depthstudio.training.pictures import save_picture
from depthstudio.training.run import Run
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.setup import Training, needs_start, prepare_training
from depthstudio.training.state import TrainingState

_NOTABLE_SHARE = 0.01
_SEED_STRIDE = 1_000_003  # so that seed 1, epoch 2 and seed 2, epoch 1 differ


def fine_tune(  # noqa: PLR0917 - the order is part of the interface
    network: StereoNetwork,
    train: SampleSource,
    validation: SampleSource,
    settings: TrainingSettings,
    run: Run,
    cancel: CancelToken | None = None,
    resume: bool = False,
    control: RunControl | None = None,
) -> Iterator[TrainingEvent]:
    """Fine-tune `network` in place; run.best_path is the result, whatever ends the run.

    Every event is written to the run's history before it is handed out. What the user can act on (no valid label, loss
    no longer a number, out of memory) ends the stream with Failed. resume: go on after the run's last finished epoch;
    the result is that of an uninterrupted run. Cancelling takes effect at the next step and drops the unfinished epoch.
    control: to pause, change, finish or discard the run; its own `cancel` counts then.
    """
    control = control or RunControl(cancel)
    for event in _guarded(network, (train, validation), settings, run, control, resume=resume):
        run.record(event)
        yield event
    if control.is_discarded:
        shutil.rmtree(run.folder, ignore_errors=True)


def _guarded(
    network: StereoNetwork,
    sides: tuple[SampleSource, SampleSource],
    settings: TrainingSettings,
    run: Run,
    control: RunControl,
    *,
    resume: bool,
) -> Iterator[TrainingEvent]:
    """The run's events; what the user can act on becomes Failed."""
    last_good_epoch = 0
    try:
        state = TrainingState.load(run.last_state_path) if resume and run.last_state_path.exists() else None
        run.rewind(state.epoch if state else None)
        start = _start(network, run, settings, is_fresh=state is None)
        training = prepare_training(network, sides, settings, state, start)
        last_good_epoch = training.epoch
        for event in _events(training, run, control, is_fresh=state is None):
            yield event
            last_good_epoch = training.epoch
    except UserError as error:
        if isinstance(error, DivergedError):
            place = (last_good_epoch + 1, error.step)
            yield Diverged(*place, error.reason, error.loss, error.usual_loss, last_good_epoch)
        yield Failed(error.what, error.why, error.next_step)
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        yield Failed("The memory ran out.", next_step="Choose a smaller batch size or crop.")


def _start(network: StereoNetwork, run: Run, settings: TrainingSettings, *, is_fresh: bool) -> StereoNetwork | None:
    """The network as it came, also after a resume; None when nothing compares with it."""
    if not needs_start(settings):
        return None
    if is_fresh:
        save_network(network, run.start_path, {"run": run.name})
        return network
    if not run.start_path.exists():
        raise NetworkError(
            "The network that this run started from was not kept.",
            "L2-SP and the frozen teacher compare with it, and they were off when the run began.",
            "Start a new run from its best.safetensors.",
        )
    return load_network(run.start_path).network


def _events(training: Training, run: Run, control: RunControl, *, is_fresh: bool) -> Iterator[TrainingEvent]:
    yield _started(training, run)
    if is_fresh:
        _save_best(training, run)
        yield from _measure_baseline(training, run, control)
    while not (reason := _reason_to_end(training, control)):
        yield from _one_epoch(training, run, control)
    best = training.stopping
    if training.best_frames:
        worst_first = sorted(training.best_frames, key=lambda frame: -frame.epe_px)
        yield FrameScores(best.best_epoch, tuple(worst_first))
    yield Finished(
        reason=reason,
        epochs_run=training.epoch,
        best_epoch=best.best_epoch,
        best_validation_loss=best.best_loss,
        best_validation_epe_px=best.best_epe_px,
        seconds=training.seconds,
        run_folder=str(run.folder),
        baseline_validation_epe_px=training.baseline_epe_px,
        guard_epe_px_before=training.guard_before_px,
        guard_epe_px_after=training.guard_best_px,
    )


def _reason_to_end(training: Training, control: RunControl) -> str:
    """Why the run ends here; empty to go on."""
    if control.is_discarded:
        return "discarded"
    if training.stopping.should_stop:
        return "early stopping"
    if training.epoch >= training.settings.epochs:
        return "epochs"
    return "stopped" if control.is_cancelled or control.is_finishing else ""


def _measure_baseline(training: Training, run: Run, control: RunControl) -> Iterator[TrainingEvent]:
    """Epoch 0: the validation that the first step has to beat."""
    started = time.perf_counter()
    sums = validate(training, 0, control.cancel)
    if sums is None:
        return
    training.stopping.start_from(sums.mean_loss, sums.epe_px)
    training.seconds, training.baseline_epe_px = time.perf_counter() - started, sums.epe_px
    training.best_frames = training.validator.scores
    guard_epe_px = training.guard_before_px = training.guard_best_px = _guard(training, control)
    _save_best(training, run)
    bands = training.validator.bands
    yield BaselineDone(sums.mean_loss, sums.epe_px, training.seconds, bands=bands, guard_epe_px=guard_epe_px)
    if sums.beyond_reach > _NOTABLE_SHARE:
        reach = f"{training.stepper.max_disparity:.0f} px"
        yield Warned(f"{sums.beyond_reach:.1%} of the validation labels lie beyond {reach} and are left out.")
    yield from _pictures(training, run)
    training.state().save(run.last_state_path)


def _one_epoch(training: Training, run: Run, control: RunControl) -> Iterator[TrainingEvent]:
    """Steps, validation, schedule, checkpoints. A cancelled epoch leaves no trace but its steps."""
    progress = _Progress(training.epoch + 1, time.perf_counter())
    yield from _train(training, run, progress, control)
    sums = None if control.is_cancelled else validate(training, progress.epoch, control.cancel)
    if sums is None:
        return
    done = _close_epoch(training, progress, sums, _guard(training, control))
    if done.is_best:
        training.best_frames, training.guard_best_px = training.validator.scores, done.guard_epe_px
        _save_best(training, run)
    yield done
    yield from _warn_of_forgetting(training, done)
    if progress.skipped:
        words = f"{progress.skipped} of {training.steps_per_epoch} batches had no valid label and were skipped."
        yield Warned(words, progress.epoch)
    yield from _pictures(training, run)
    if done.is_best:
        yield CheckpointSaved(progress.epoch, run.best_path.name, "best so far")
    training.state().save(run.last_state_path)


@dataclass
class _Progress:
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


def _train(training: Training, run: Run, progress: _Progress, control: RunControl) -> Iterator[TrainingEvent]:
    """All steps of one epoch. Its random numbers depend on seed and epoch alone."""
    torch.manual_seed(training.settings.seed * _SEED_STRIDE + progress.epoch)
    set_training_mode(training.network, training.settings.batchnorm_eval)
    for step, both in enumerate(training.batches(progress.epoch), start=1):
        if control.is_cancelled:
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


def _step(training: Training, progress: _Progress, batch: Batch, rehearsal: Batch | None, step: int) -> StepDone:
    result = training.stepper.step(batch, rehearsal)
    progress.samples += len(batch["left"]) + (len(rehearsal["left"]) if rehearsal else 0)
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


def _heed(training: Training, run: Run, progress: _Progress, control: RunControl, step: int) -> Iterator[TrainingEvent]:
    """Between two steps: pause and change as asked from outside."""
    if control.is_paused:
        yield Paused(progress.epoch, step)
        paused_s = control.wait_while_paused()
        progress.paused_s += paused_s
        yield Continued(progress.epoch, step, paused_s)
    for name, after in control.take_changes().items():
        before = training.stepper.learning_rate if name == "learning_rate" else getattr(training.settings, name)
        training.change(name, after)
        run.change_settings(training.settings)
        yield SettingChanged(progress.epoch, step, name, before, after)


def _guard(training: Training, control: RunControl) -> float | None:
    return training.guard.measure(training.judged, control.cancel) if training.guard else None


def _warn_of_forgetting(training: Training, done: EpochDone) -> Iterator[TrainingEvent]:
    """Once, in the first epoch that is so."""
    before, now = training.guard_before_px, done.guard_epe_px
    if before is None or now is None or training.warned_of_forgetting or now <= before * (1 + WORSE_SHARE):
        return
    training.warned_of_forgetting = True
    words = f"On scenes it does not learn from, the error rose from {before:.2f} to {now:.2f} px: it forgets."
    yield Warned(f"{words} Choose Safe fine-tune or a lower learning rate.", done.epoch)


def _close_epoch(
    training: Training, progress: _Progress, validation: PixelSums, guard_epe_px: float | None
) -> EpochDone:
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


def validate(training: Training, epoch: int, cancel: CancelToken) -> PixelSums | None:
    """The validation of one epoch; None when cancelled. DatasetError when no frame has a valid label."""
    sums = training.validator.measure(training.judged, epoch, cancel)
    if sums is not None and not sums.pixels:
        raise DatasetError(
            "No validation frame has a valid label.",
            "There is nothing to judge the training by.",
            "Check the label masks.",
        )
    if sums is not None and not isfinite(sums.mean_loss):
        raise DivergedError
    return sums


def _pictures(training: Training, run: Run) -> Iterator[TrainingEvent]:
    for picture in training.validator.images:
        save_picture(picture, run.samples_folder)
        yield picture


def _save_best(training: Training, run: Run) -> None:
    best = training.stopping
    metadata = {
        "run": run.name,
        "epoch": best.best_epoch,
        "validation_loss": best.best_loss if isfinite(best.best_loss) else None,
        "validation_epe_px": best.best_epe_px if isfinite(best.best_epe_px) else None,
    }
    save_network(training.judged, run.best_path, metadata)


def _started(training: Training, run: Run) -> Started:
    parameters = list(training.network.parameters())
    return Started(
        run_folder=str(run.folder),
        network=training.network.name,
        parameters=sum(parameter.numel() for parameter in parameters),
        trainable_parameters=sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        train_frames=len(training.train),
        validation_frames=len(training.validator.indices),
        epochs=training.settings.epochs,
        steps_per_epoch=training.steps_per_epoch,
        device=str(training.stepper.device),
        precision="bf16" if training.stepper.bf16 else "fp32",
        first_epoch=training.epoch + 1,
        notes=training.notes,
        guard=training.guard.title if training.guard else "",
    )
