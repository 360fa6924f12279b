"""How a training run looks in a terminal: bars from the event stream, a line per epoch, a closing table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from depthstudio.training.events import (
    BaselineDone,
    Diverged,
    EpochDone,
    Finished,
    FrameScore,
    SettingChanged,
    Started,
    StepDone,
    TrainingEvent,
    Warned,
)

_WORST = 5


class TrainingView:
    """Shows events as they come; use as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
        )
        self._epochs = self._progress.add_task("Epochs", total=None, note="")
        self._steps = self._progress.add_task("Steps", total=None, note="measuring the network as it came")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, event: TrainingEvent) -> None:
        """One event."""
        match event:
            case Started():
                self._started(event)
            case BaselineDone():
                self._line(
                    f"before      validation loss {event.validation_loss:.3f}, EPE {event.validation_epe_px:.3f} px"
                    f"{_guard(event.guard_epe_px)}"
                )
            case StepDone():
                loss = "no valid label" if event.loss is None else f"loss {event.loss:.3f}, EPE {event.epe_px:.2f} px"
                self._progress.update(
                    self._steps,
                    total=event.steps_per_epoch,
                    completed=event.step,
                    note=f"{loss}, {event.samples_per_s:.1f} frames/s",
                )
            case EpochDone():
                self._epoch(event)
            case Warned():
                self._line(f"Warning: {event.message}", "yellow")
            case SettingChanged():
                self._line(f"{event.name} changed from {event.before:g} to {event.after:g}", "cyan")
            case Diverged():
                self._line(f"Stopped in epoch {event.epoch}; epoch {event.last_good_epoch} is kept.", "red")

    def _started(self, event: Started) -> None:
        self._line(
            f"{event.network}: {event.trainable_parameters / 1e6:.2f} of {event.parameters / 1e6:.2f} M parameters "
            f"train, {event.train_frames} training and {event.validation_frames} validation frames, "
            f"{event.device} {event.precision}. Ctrl+C stops and keeps the best."
        )
        for note in event.notes:
            self._line(note, "dim")
        if event.guard:
            self._line(f"Generalisation guard: {event.guard}.", "dim")
        self._progress.update(self._epochs, total=event.epochs, completed=event.first_epoch - 1)

    def _epoch(self, event: EpochDone) -> None:
        patience = f", {event.epochs_without_improvement} of {event.patience} patience" if event.patience else ""
        self._line(
            f"epoch {event.epoch:4d}  train {event.train_loss:.3f} / {event.train_epe_px:.3f} px, "
            f"validation {event.validation_loss:.3f} / {event.validation_epe_px:.3f} px{_guard(event.guard_epe_px)}, "
            f"rate {event.learning_rate:.2g}, {event.seconds:.1f} s{', best' if event.is_best else patience}",
            "green" if event.is_best else "",
        )
        note = f"best epoch {event.best_epoch}, loss {event.best_validation_loss:.3f}"
        self._progress.update(self._epochs, completed=event.epoch, note=note)

    def _line(self, words: str, style: str = "") -> None:
        self._console.print(words, style=style or None, highlight=False, soft_wrap=True)


def closing_table(end: Finished, epochs: Iterable[EpochDone], planned: int) -> Table:
    """What the run came to. Gap = validation minus training at the best epoch; small means little overfitting."""
    best = next((done for done in epochs if done.epoch == end.best_epoch), None)
    table = Table(title=f"Ended by {end.reason}" if end.reason != "stopped" else "Stopped", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_row("best epoch", str(end.best_epoch) if end.best_epoch else "0, the network as it came")
    table.add_row("stop epoch", str(end.epochs_run))
    table.add_row("epochs saved", str(planned - end.epochs_run))
    if best is not None:
        table.add_row("loss, train / validation", f"{best.train_loss:.3f} / {best.validation_loss:.3f}")
        table.add_row("EPE, train / validation", f"{best.train_epe_px:.3f} / {best.validation_epe_px:.3f} px")
        table.add_row("gap, loss", f"{best.validation_loss - best.train_loss:+.3f}")
        table.add_row("gap, EPE", f"{best.validation_epe_px - best.train_epe_px:+.3f} px")
    if end.baseline_validation_epe_px is not None and isfinite(end.baseline_validation_epe_px):
        table.add_row("validation EPE before", f"{end.baseline_validation_epe_px:.3f} px")
        table.add_row("validation EPE, best", f"{end.best_validation_epe_px:.3f} px")
    if end.guard_epe_px_before is not None and end.guard_epe_px_after is not None:
        change = end.guard_epe_px_after / end.guard_epe_px_before - 1
        guard = f"{end.guard_epe_px_before:.3f} -> {end.guard_epe_px_after:.3f} px ({100 * change:+.0f} %)"
        table.add_row("EPE on scenes not learned from", guard)
    if best is not None:
        for band in best.bands:
            reach = f"{band.low:g} to {band.high:g}" if band.high else f"over {band.low:g}"
            table.add_row(f"  validation EPE, {reach} {band.unit}", f"{band.epe_px:.3f} px")
    table.add_row("time", f"{end.seconds:.0f} s")
    return table


def worst_frames(frames: Sequence[FrameScore]) -> Table:
    """The validation frames that the result does worst on: where to look for wrong labels or missing scenes."""
    table = Table("frame", "recording", title="Worst validation frames")
    for heading in ("EPE px", "bad-3 %", "pixels"):
        table.add_column(heading, justify="right")
    for frame in frames[:_WORST]:
        table.add_row(frame.name, frame.group, f"{frame.epe_px:.2f}", f"{100 * frame.bad_3:.1f}", f"{frame.pixels}")
    return table


def _guard(epe_px: float | None) -> str:
    return "" if epe_px is None else f", guard {epe_px:.2f} px"
