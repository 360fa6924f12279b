"""A run in memory: what the loop works on, between its start and its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from math import nan

from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, ReduceLROnPlateau

from depthstudio.datasets.stereo_sample import SampleSource
from depthstudio.datasets.torch_dataset import DisparityDataset
from depthstudio.errors import NetworkError
from depthstudio.models.base import StereoNetwork
from depthstudio.training.batches import Batch, Mixture, epoch_order, training_batches
from depthstudio.training.divergence import SpikeWatch
from depthstudio.training.early_stopping import EarlyStopping
from depthstudio.training.events import FrameScore
from depthstudio.training.guard import Guard
from depthstudio.training.optimisation import Stepper, counters
from depthstudio.training.processes import Processes
from depthstudio.training.rehearsal import Rehearsal
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.state import TrainingState
from depthstudio.training.validation import Validator


@dataclass
class Training:
    """A run in memory. epoch: the last finished one. seconds: spent in validation and finished epochs."""

    network: StereoNetwork
    settings: TrainingSettings
    train: SampleSource
    dataset: DisparityDataset
    stepper: Stepper
    schedule: LRScheduler
    stopping: EarlyStopping
    validator: Validator
    notes: tuple[str, ...]
    spikes: SpikeWatch
    mixture: Mixture
    rehearsal: Rehearsal | None
    guard: Guard | None
    processes: Processes
    epoch: int = 0
    seconds: float = 0.0
    baseline_epe_px: float = nan
    best_frames: list[FrameScore] = field(default_factory=list)
    guard_before_px: float | None = None
    guard_best_px: float | None = None
    warned_of_forgetting: bool = False

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch; the last may be smaller."""
        return self.mixture.steps(len(self.train))

    @property
    def writes(self) -> bool:
        """One of the processes that train together writes the run's folder."""
        return self.processes.rank == 0

    @property
    def judged(self) -> StereoNetwork:
        """What is validated and saved: the averaged weights where there are any."""
        return self.stepper.average.network if self.stepper.average else self.network

    def batches(self, epoch: int) -> Iterator[tuple[Batch, Batch | None]]:
        """The epoch's batches, the same ones whenever it is run, each with its synthetic part."""
        self.dataset.set_epoch(epoch)
        return training_batches(
            self.dataset.__getitem__,
            epoch_order(len(self.dataset), self.settings.seed, epoch),
            self.mixture,
            threads=self.settings.num_workers,
            rehearse=partial(self.rehearsal.item, epoch) if self.rehearsal else None,
            processes=self.processes,
        )

    def state(self) -> TrainingState:
        """What `last.pt` holds."""
        return TrainingState(
            epoch=self.epoch,
            network=self.network.state_dict(),
            optimizer=self.stepper.optimizer.state_dict(),
            schedule=counters(self.schedule),
            learning_rate=self.settings.learning_rate,
            early_stopping=self.stopping.state(),
            precision="bf16" if self.stepper.bf16 else "fp32",
            baseline_epe_px=self.baseline_epe_px,
            seconds=self.seconds,
            best_frames=[asdict(frame) for frame in self.best_frames],
            average=self.stepper.average.network.state_dict() if self.stepper.average else None,
            average_steps=self.stepper.steps,
            guard_epe_px=(self.guard_before_px, self.guard_best_px),
        )

    def restore(self, state: TrainingState) -> None:
        """Go back to where `state` was saved, with the settings as they are now: a learning rate, decay or patience
        changed since takes effect. NetworkError when the state belongs to another network.
        """
        decays = [group["weight_decay"] for group in self.stepper.optimizer.param_groups]
        try:
            self.network.load_state_dict(state.network)
            self.stepper.optimizer.load_state_dict(state.optimizer)
            if self.stepper.average:
                self.stepper.average.network.load_state_dict(state.average or state.network)
        except (RuntimeError, ValueError) as error:
            raise NetworkError(
                "The run's last state does not fit its network.",
                "The network, its dropout or the frozen parts were changed since.",
                "Start a new run from its best.safetensors.",
            ) from error
        for group, decay in zip(self.stepper.optimizer.param_groups, decays, strict=True):
            group["weight_decay"] = decay
        if self.settings.learning_rate != state.learning_rate:
            self.stepper.learning_rate = self.settings.learning_rate
        self.schedule.load_state_dict(state.schedule)
        self.stopping.restore(state.early_stopping)
        self.epoch, self.seconds, self.baseline_epe_px = state.epoch, state.seconds, state.baseline_epe_px
        self.best_frames = [FrameScore(**frame) for frame in state.best_frames]
        self.stepper.steps = state.average_steps
        self.guard_before_px, self.guard_best_px = state.guard_epe_px

    def change(self, name: str, value: float) -> None:
        """Let another value of control.CHANGEABLE take effect. SettingsError when it is out of range."""
        self.settings = self.settings.changed(**{name: value})
        if name == "learning_rate":
            self.stepper.learning_rate = value
        elif name == "early_stop_patience":
            self.stopping.patience = int(value)
        elif name == "lr_patience" and isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.patience = int(value)
        elif name == "epochs" and isinstance(self.schedule, CosineAnnealingLR):
            self.schedule.T_max = int(value)
