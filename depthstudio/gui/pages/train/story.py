"""RunStory: a run as it is shown, gathered from its events; live and stored runs are told by the same code."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field, fields
from pathlib import Path

from depthstudio.storage import write_text
from depthstudio.training.events import (
    BaselineDone,
    Continued,
    Diverged,
    EpochDone,
    Failed,
    Finished,
    FrameScore,
    FrameScores,
    Paused,
    SettingChanged,
    Started,
    StepDone,
    TrainingEvent,
    Warned,
)
from depthstudio.training.run import Run
from depthstudio.training.settings import TrainingSettings


@dataclass
class RunStory:
    """Everything the page needs to draw a run. Grows by `take`."""

    name: str
    settings: TrainingSettings
    folder: Path | None = None
    started: Started | None = None
    baseline: BaselineDone | None = None
    epochs: list[EpochDone] = field(default_factory=list)
    steps: list[StepDone] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    changes: list[SettingChanged] = field(default_factory=list)
    frames: tuple[FrameScore, ...] = ()
    diverged: Diverged | None = None
    is_paused: bool = False
    end: Finished | Failed | None = None
    created: str = ""
    loaded: tuple[str, ...] = ()

    @classmethod
    def of(cls, run: Run) -> RunStory:
        """A stored run."""
        story = cls(run.name, run.settings, run.folder, created=run.about.created)
        for event in run.events():
            story.take(event)
        return story

    def take(self, event: TrainingEvent) -> None:
        """Add one event."""
        match event:
            case Started():
                self._begin(event)
            case BaselineDone():
                self.baseline = event
            case StepDone():
                self.steps.append(event)
            case EpochDone():
                self.epochs.append(event)
            case Warned():
                self.warnings.append(event)
            case SettingChanged():
                self.changes.append(event)
                self.settings = self.settings.changed(**{event.name: event.after})
            case Paused():
                self.is_paused = True
            case Continued():
                self.is_paused = False
            case FrameScores():
                self.frames = event.frames
            case Diverged():
                self.diverged = event
            case Finished() | Failed():
                self.end = event

    @property
    def epoch(self) -> int:
        """The last finished epoch, 0 before the first."""
        return self.epochs[-1].epoch if self.epochs else 0

    @property
    def best_epoch(self) -> int:
        """The epoch whose network is kept; 0 is the network as it came."""
        return self.epochs[-1].best_epoch if self.epochs else 0

    @property
    def best(self) -> EpochDone | None:
        """The best epoch; None while nothing beats the network as it came."""
        return next((done for done in self.epochs if done.epoch == self.best_epoch), None)

    @property
    def best_epe_px(self) -> float | None:
        """Validation EPE of the network that is kept."""
        source = self.best or self.baseline
        return None if source is None else source.validation_epe_px

    @property
    def progress(self) -> float:
        """Share of the planned epochs done, steps of the running one counted; 0 before the first step."""
        done = float(self.epoch)
        if self.steps and self.steps[-1].epoch > self.epoch:
            step = self.steps[-1]
            done = step.epoch - 1 + step.step / step.steps_per_epoch
        return done / self.settings.epochs

    @property
    def seconds_per_epoch(self) -> float | None:
        """Mean of the last three epochs."""
        last = self.epochs[-3:]
        return sum(done.seconds for done in last) / len(last) if last else None

    @property
    def is_finished(self) -> bool:
        """Ended by itself: all epochs run, or early stopping."""
        return isinstance(self.end, Finished) and self.end.reason != "stopped"

    @property
    def can_resume(self) -> bool:
        """It ended before its time and its last state is there."""
        return self.folder is not None and not self.is_finished and (self.folder / "last.pt").exists()

    def write_csv(self, path: Path) -> None:
        """One line per epoch, for spreadsheets. OSError when it cannot be written."""
        names = [entry.name for entry in fields(EpochDone) if entry.name != "bands"]
        bands = sorted({(band.low, band.high, band.unit) for done in self.epochs for band in done.bands}, key=_low)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(
            [*names, *(f"epe_px_{low:g}-{'' if high is None else f'{high:g}'}{unit}" for low, high, unit in bands)]
        )
        for done in self.epochs:
            errors = {band.low: band.epe_px for band in done.bands}
            writer.writerow([*(getattr(done, name) for name in names), *(errors.get(low, "") for low, _, _ in bands)])
        write_text(path, text.getvalue())

    def _begin(self, event: Started) -> None:
        """A resumed run repeats what came after its last finished epoch."""
        self.started, self.end, self.frames, self.diverged, self.is_paused = event, None, (), None, False
        self.epochs = [done for done in self.epochs if done.epoch < event.first_epoch]
        self.steps = [step for step in self.steps if step.epoch < event.first_epoch]


def _low(edge: tuple[float, float | None, str]) -> float:
    return edge[0]
