"""The curves of a run for TensorBoard, where the package `tensorboard` is installed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from math import isfinite
from pathlib import Path

from depthstudio.training.events import BaselineDone, EpochDone, ErrorBand, Started, StepDone, TrainingEvent
from depthstudio.training.run import Run

LOG_FOLDER = "tensorboard"


def logged(events: Iterable[TrainingEvent], run: Run) -> Iterator[TrainingEvent]:
    """Pass the events on and write their numbers into the run's folder; without the package they only pass."""
    if find_spec("tensorboard") is None:
        yield from events
        return
    log: TensorBoardLog | None = None
    try:
        for event in events:
            if isinstance(event, Started):
                log = TensorBoardLog(run.folder / LOG_FOLDER, event)
            elif log is not None:
                log.take(event)
            yield event
    finally:
        if log is not None:
            log.close()


class TensorBoardLog:
    """Epochs on one axis; the single steps, counted through all epochs, on another."""

    def __init__(self, folder: Path, started: Started) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._first_step = (started.first_epoch - 1) * started.steps_per_epoch
        self._steps_per_epoch = started.steps_per_epoch
        self._folder = folder
        self._writer = SummaryWriter(str(folder), purge_step=self._first_step or None)

    def take(self, event: TrainingEvent) -> None:
        """Write what is a number in an event."""
        match event:
            case StepDone():
                step = (event.epoch - 1) * self._steps_per_epoch + event.step
                self._write("step/loss", event.loss, step)
                self._write("step/gradient_norm", event.gradient_norm, step)
                self._write("step/learning_rate", event.learning_rate, step)
            case BaselineDone():
                self._write("loss/validation", event.validation_loss, 0)
                self._write("epe_px/validation", event.validation_epe_px, 0)
                self._write("epe_px/guard", event.guard_epe_px, 0)
                self._write_bands(event.bands, 0)
            case EpochDone():
                self._write_epoch(event)

    def close(self) -> None:
        """Write what is left. A run that was thrown away leaves nothing behind."""
        if self._folder.exists():
            self._writer.close()

    def _write_epoch(self, done: EpochDone) -> None:
        self._write("loss/train", done.train_loss, done.epoch)
        self._write("loss/validation", done.validation_loss, done.epoch)
        self._write("epe_px/train", done.train_epe_px, done.epoch)
        self._write("epe_px/validation", done.validation_epe_px, done.epoch)
        self._write("epe_px/guard", done.guard_epe_px, done.epoch)
        self._write("epoch/learning_rate", done.learning_rate, done.epoch)
        self._write("epoch/samples_per_s", done.samples_per_s, done.epoch)
        self._write_bands(done.bands, done.epoch)
        self._writer.flush()

    def _write_bands(self, bands: Iterable[ErrorBand], epoch: int) -> None:
        for band in bands:
            high = "" if band.high is None else f"{band.high:g}"
            self._write(f"epe_px_by_distance/{band.low:g}-{high}{band.unit}", band.epe_px, epoch)

    def _write(self, name: str, value: float | None, step: int) -> None:
        if value is not None and isfinite(value):
            self._writer.add_scalar(name, value, step)
