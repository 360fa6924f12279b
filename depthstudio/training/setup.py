"""Everything a run needs, put together once before the first step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from math import nan
from typing import Any

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, ReduceLROnPlateau

from depthstudio.datasets.sample_cache import CachedSamples
from depthstudio.datasets.stereo_sample import SampleSource
from depthstudio.datasets.torch_dataset import DisparityDataset
from depthstudio.errors import DatasetError, NetworkError
from depthstudio.inference.device import choose_device
from depthstudio.models.base import StereoNetwork
from depthstudio.training.batches import Batch, training_batches
from depthstudio.training.divergence import SpikeWatch
from depthstudio.training.early_stopping import EarlyStopping
from depthstudio.training.events import FrameScore
from depthstudio.training.optimisation import Stepper, counters, make_optimizer, make_schedule
from depthstudio.training.precision import PrecisionChoice, choose_precision
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.state import TrainingState
from depthstudio.training.validation import Validator, evenly

_SHOWN_FRAMES = 3


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
    epoch: int = 0
    seconds: float = 0.0
    baseline_epe_px: float = nan
    best_frames: list[FrameScore] = field(default_factory=list)

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch; the last may be smaller."""
        return -(-len(self.train) // self.settings.batch_size)

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The epoch's batches, the same ones whenever it is run."""
        self.dataset.set_epoch(epoch)
        return training_batches(
            self.dataset.__getitem__,
            len(self.dataset),
            batch_size=self.settings.batch_size,
            seed=self.settings.seed,
            epoch=epoch,
            threads=self.settings.num_workers,
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
        )

    def restore(self, state: TrainingState) -> None:
        """Go back to where `state` was saved, with the settings as they are now: a learning rate, decay or patience
        changed since takes effect. NetworkError when the state belongs to another network.
        """
        decays = [group["weight_decay"] for group in self.stepper.optimizer.param_groups]
        try:
            self.network.load_state_dict(state.network)
            self.stepper.optimizer.load_state_dict(state.optimizer)
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


def prepare_training(
    network: StereoNetwork,
    train: SampleSource,
    validation: SampleSource,
    settings: TrainingSettings,
    state: TrainingState | None,
) -> Training:
    """Move the network to its device, freeze, build optimiser, loader and validator; go back to `state` when given."""
    for frames, side in ((train, "training"), (validation, "validation")):
        if len(frames) == 0:
            raise DatasetError(f"There is no {side} frame.", next_step="Give at least one recording to each side.")
    if settings.cache_mb:
        train, validation = (_cached(frames, settings.cache_mb / 2) for frames in (train, validation))
    device = choose_device(settings.device)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if settings.freeze_encoder:
        network.freeze_encoder()
    precision = choose_precision(network, device, state.precision if state else settings.precision)
    reach = _reach(network, settings)
    optimizer = make_optimizer(network, settings)
    indices = evenly(len(validation), settings.validation_frames)
    training = Training(
        network=network,
        settings=settings,
        train=train,
        dataset=DisparityDataset(
            train,
            _crop(train, settings),
            settings.augment,
            settings.seed,
            augmentation=settings.augmentation,
        ),
        stepper=Stepper(
            network, optimizer, device, precision.bf16, settings.clip_norm, reach, settings.auxiliary_weight
        ),
        schedule=make_schedule(optimizer, settings),
        stopping=EarlyStopping(settings.early_stop_patience, settings.early_stop_min_delta),
        validator=Validator(
            validation,
            indices,
            [indices[position] for position in evenly(len(indices), _SHOWN_FRAMES)],
            device,
            precision.bf16,
            reach,
            settings.num_workers,
        ),
        notes=_notes(network, settings, precision),
        spikes=SpikeWatch(settings.spike_factor),
    )
    if state is not None:
        training.restore(state)
    return training


def _cached(frames: SampleSource, limit_mb: float) -> SampleSource:
    return frames if isinstance(frames, CachedSamples) else CachedSamples(frames, limit_mb)


def _crop(train: SampleSource, settings: TrainingSettings) -> tuple[int, int]:
    """(width, height): the settings', but no larger than the first frame, so that steps compute no empty margins."""
    height, width = train[0].valid.shape
    return min(settings.crop_width, width), min(settings.crop_height, height)


def _reach(network: StereoNetwork, settings: TrainingSettings) -> float:
    """Largest disparity to learn, px: the settings' or the network's own; 0 for networks without a limit."""
    own: Any = getattr(network, "max_disparity", None)
    if own is None:
        return float(settings.max_disparity)
    return float(min(own, settings.max_disparity or own))


def _notes(network: StereoNetwork, settings: TrainingSettings, precision: PrecisionChoice) -> tuple[str, ...]:
    notes = [precision.note]
    if settings.freeze_encoder:
        notes.append("The encoder is frozen, its normalisation statistics too.")
    if settings.dropout_p > 0 and not any(isinstance(module, torch.nn.Dropout2d) for module in network.modules()):
        notes.append(f"{network.name} has no dropout: the setting has no effect.")
    return tuple(note for note in notes if note)
