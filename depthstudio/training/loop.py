"""fine_tune: the training loop as a stream of events. Whoever iterates it decides in which thread it runs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from math import isfinite

import torch

from depthstudio.cancel import CancelToken
from depthstudio.datasets.stereo_sample import SampleSource
from depthstudio.errors import DatasetError, NetworkError, UserError
from depthstudio.models.base import StereoNetwork
from depthstudio.models.checkpoint import load_network, save_network
from depthstudio.training.advisor import against_forgetting
from depthstudio.training.control import RunControl
from depthstudio.training.divergence import DivergedError
from depthstudio.training.epoch import Progress, close_epoch, train_epoch
from depthstudio.training.events import (
    BaselineDone,
    CheckpointSaved,
    Diverged,
    EpochDone,
    Failed,
    Finished,
    FrameScores,
    Started,
    TrainingEvent,
    Warned,
)
from depthstudio.training.guard import WORSE_SHARE
from depthstudio.training.losses import PixelSums
from depthstudio.training.pictures import save_picture
from depthstudio.training.processes import OneProcess, Processes
from depthstudio.training.run import Run
from depthstudio.training.running import Training
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.setup import needs_start, prepare_training
from depthstudio.training.state import TrainingState

_NOTABLE_SHARE = 0.01


def fine_tune(  # noqa: PLR0917 - the order is part of the interface
    network: StereoNetwork,
    train: SampleSource,
    validation: SampleSource,
    settings: TrainingSettings,
    run: Run,
    cancel: CancelToken | None = None,
    resume: bool = False,
    control: RunControl | None = None,
    processes: Processes | None = None,
) -> Iterator[TrainingEvent]:
    """Fine-tune `network` in place; run.best_path is the result, whatever ends the run.

    Every event is written to the run's history before it is handed out. What the user can act on (no valid label, loss
    no longer a number, out of memory) ends the stream with Failed. resume: go on after the run's last finished epoch;
    the result is that of an uninterrupted run. Cancelling takes effect at the next step and drops the unfinished epoch.
    control: to pause, change, finish or discard the run; its own `cancel` counts then. processes: those that train
    together, each calling this with the same arguments; the first one's control counts, and it alone writes.
    """
    control, processes = control or RunControl(cancel), processes or OneProcess()
    for event in _guarded(network, (train, validation), settings, run, control, resume=resume, processes=processes):
        if processes.rank == 0:
            run.record(event)
        yield event
    if control.is_discarded and processes.rank == 0:
        shutil.rmtree(run.folder, ignore_errors=True)


def _guarded(
    network: StereoNetwork,
    sides: tuple[SampleSource, SampleSource],
    settings: TrainingSettings,
    run: Run,
    control: RunControl,
    *,
    resume: bool,
    processes: Processes,
) -> Iterator[TrainingEvent]:
    """The run's events; what the user can act on becomes Failed."""
    last_good_epoch = 0
    try:
        state = TrainingState.load(run.last_state_path) if resume and run.last_state_path.exists() else None
        is_first = processes.rank == 0
        if is_first:
            run.rewind(state.epoch if state else None)
        start = _start(network, run, settings, is_fresh=state is None, is_kept=is_first)
        training = prepare_training(network, sides, settings, state, start, processes=processes)
        last_good_epoch = training.epoch
        for event in _events(training, run, control, is_fresh=state is None):
            yield event
            last_good_epoch = training.epoch
    except UserError as error:
        if isinstance(error, DivergedError):
            place = (last_good_epoch + 1, error.step)
            yield Diverged(*place, error.reason, error.loss, error.usual_loss, last_good_epoch)
        yield Failed(error.what, error.why, error.next_step)
    except (RuntimeError, MemoryError) as error:
        known = isinstance(error, (torch.OutOfMemoryError, MemoryError))
        if not known and "can't allocate memory" not in str(error):
            raise
        yield Failed("The memory ran out.", next_step="Choose a smaller batch size or crop.")


def _start(
    network: StereoNetwork, run: Run, settings: TrainingSettings, *, is_fresh: bool, is_kept: bool
) -> StereoNetwork | None:
    """The network as it came, also after a resume; None when nothing compares with it."""
    if not needs_start(settings):
        return None
    if is_fresh and not is_kept:
        return network
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
    else:
        training.warned_of_forgetting = any(_forgets(training, done) for done in run.epochs())
    while not (reason := _reason_to_end(training, control)):
        yield from _one_epoch(training, run, control)
    best = training.stopping
    yield from _frame_scores(training)
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
    asked = ""
    if control.is_discarded:
        asked = "discarded"
    elif control.is_cancelled or control.is_finishing:
        asked = "stopped"
    asked = training.processes.agreed(asked)
    if asked == "discarded":
        return asked
    if training.stopping.should_stop:
        return "early stopping"
    return "epochs" if training.epoch >= training.settings.epochs else asked


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
    if training.guard is not None and guard_epe_px is None:
        return  # cancelled: nothing is kept, so that the run measures both again when it goes on
    _save_best(training, run)
    bands = training.validator.bands
    yield BaselineDone(sums.mean_loss, sums.epe_px, training.seconds, bands=bands, guard_epe_px=guard_epe_px)
    yield from _frame_scores(training)
    if sums.beyond_reach > _NOTABLE_SHARE:
        reach = f"{training.stepper.max_disparity:.0f} px"
        yield Warned(f"{sums.beyond_reach:.1%} of the validation labels lie beyond {reach} and are left out.")
    yield from _pictures(training, run)
    _save_state(training, run)


def _one_epoch(training: Training, run: Run, control: RunControl) -> Iterator[TrainingEvent]:
    """Steps, validation, schedule, checkpoints. A cancelled epoch leaves no trace but its steps."""
    progress = Progress(training.epoch + 1, time.perf_counter())
    yield from train_epoch(training, run, progress, control)
    is_cancelled = training.processes.agreed(control.is_cancelled)
    sums = None if is_cancelled else validate(training, progress.epoch, control.cancel)
    if sums is None:
        return
    done = close_epoch(training, progress, sums, _guard(training, control))
    if done.is_best:
        training.best_frames, training.guard_best_px = training.validator.scores, done.guard_epe_px
        _save_best(training, run)
    yield done
    if done.is_best:
        yield from _frame_scores(training)
    yield from _warn_of_forgetting(training, done)
    if progress.skipped:
        words = f"{progress.skipped} of {training.steps_per_epoch} batches had no valid label and were skipped."
        yield Warned(words, progress.epoch)
    yield from _pictures(training, run)
    if done.is_best:
        yield CheckpointSaved(progress.epoch, run.best_path.name, "best so far")
    _save_state(training, run)


def _frame_scores(training: Training) -> Iterator[TrainingEvent]:
    if training.best_frames:
        worst_first = sorted(training.best_frames, key=lambda frame: -frame.epe_px)
        yield FrameScores(training.stopping.best_epoch, tuple(worst_first))


def _guard(training: Training, control: RunControl) -> float | None:
    """One process measures and the others wait for it: there are few scenes."""
    if training.guard is None:
        return None
    return training.processes.agreed(
        training.guard.measure(training.judged, control.cancel) if training.writes else None
    )


def _warn_of_forgetting(training: Training, done: EpochDone) -> Iterator[TrainingEvent]:
    """Once, in the first epoch that is so."""
    if training.warned_of_forgetting or not _forgets(training, done):
        return
    training.warned_of_forgetting = True
    change = f"from {training.guard_before_px:.2f} to {done.guard_epe_px:.2f} px"
    words = f"On scenes it does not learn from, the error rose {change}: it forgets."
    yield Warned(f"{words} {against_forgetting(training.settings)}", done.epoch)


def _forgets(training: Training, done: EpochDone) -> bool:
    before, now = training.guard_before_px, done.guard_epe_px
    return before is not None and now is not None and now > before * (1 + WORSE_SHARE)


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
        if training.writes:
            save_picture(picture, run.samples_folder)
        yield picture


def _save_state(training: Training, run: Run) -> None:
    if training.writes:
        training.state().save(run.last_state_path)


def _save_best(training: Training, run: Run) -> None:
    if not training.writes:
        return
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
