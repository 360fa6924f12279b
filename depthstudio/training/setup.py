"""Everything a run needs, put together once before the first step."""

from __future__ import annotations

import copy
from typing import Any

import torch

from depthstudio.datasets.sample_cache import CachedSamples
from depthstudio.datasets.split import evenly
from depthstudio.datasets.stereo_sample import SampleSource
from depthstudio.datasets.torch_dataset import DisparityDataset
from depthstudio.errors import DatasetError, SettingsError
from depthstudio.inference.device import choose_device
from depthstudio.models.base import StereoNetwork
from depthstudio.training.batches import Mixture
from depthstudio.training.divergence import SpikeWatch
from depthstudio.training.early_stopping import EarlyStopping
from depthstudio.training.guard import Guard
from depthstudio.training.losses import LossShape
from depthstudio.training.optimisation import Stepper, make_optimizer, make_schedule
from depthstudio.training.precision import PrecisionChoice, choose_precision
from depthstudio.training.processes import OneProcess, Processes
from depthstudio.training.rehearsal import Rehearsal
from depthstudio.training.running import Training
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.start_pull import StartPull
from depthstudio.training.state import TrainingState
from depthstudio.training.teacher import Teacher
from depthstudio.training.validation import Validator
from depthstudio.training.weight_average import WeightAverage

_SHOWN_FRAMES = 3
_CELL = 32


def needs_start(settings: TrainingSettings) -> bool:
    """The run goes on comparing with the weights that it started from."""
    return settings.optimizer == "l2-sp" or settings.teacher_weight > 0


def prepare_training(
    network: StereoNetwork,
    sides: tuple[SampleSource, SampleSource],
    settings: TrainingSettings,
    state: TrainingState | None,
    start: StereoNetwork | None = None,
    *,
    processes: Processes | None = None,
) -> Training:
    """Move the network to its device, freeze, build optimiser, loader and validator; go back to `state` when given.

    sides: training and validation. start: the network as it came, where `needs_start`. processes: who trains together.
    """
    processes = processes or OneProcess()
    train, validation = sides
    for frames, side in ((train, "training"), (validation, "validation")):
        if len(frames) == 0:
            raise DatasetError(f"There is no {side} frame.", next_step="Give at least one recording to each side.")
    if settings.cache_mb:
        train, validation = (_cached(frames, settings.cache_mb / 2) for frames in (train, validation))
    device = processes.device or choose_device(settings.device)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    _freeze(network, settings)
    precision = processes.agreed(choose_precision(network, device, state.precision if state else settings.precision))
    reach = reach_px(network, settings)
    crop = _crop(train, settings)
    rehearsed = settings.rehearsal_share > 0
    mixture = _mixture(settings, processes.count)
    stepper = _stepper(network, device, settings, precision=precision, reach=reach, start=start, processes=processes)
    training = Training(
        network=network,
        settings=settings,
        train=train,
        dataset=DisparityDataset(
            train,
            crop,
            settings.augment,
            settings.seed,
            augmentation=settings.augmentation,
            with_clean=stepper.teacher is not None,
        ),
        stepper=stepper,
        schedule=make_schedule(stepper.optimizer, settings),
        stopping=EarlyStopping(settings.early_stop_patience, settings.early_stop_min_delta),
        validator=_validator(validation, settings, device, precision=precision, reach=reach, processes=processes),
        notes=_notes(network, settings, precision),
        spikes=SpikeWatch(settings.spike_factor),
        mixture=mixture,
        rehearsal=Rehearsal(settings.rehearsal_scenes, crop, reach, settings.seed) if rehearsed else None,
        guard=Guard.of(settings.guard),
        processes=processes,
    )
    if state is not None:
        training.restore(state)
    return training


def _mixture(settings: TrainingSettings, processes: int) -> Mixture:
    mixture = Mixture.of(settings.batch_size, settings.rehearsal_share)
    if min(mixture.own, mixture.rehearsed or mixture.own) < processes:
        raise SettingsError(
            f"A batch of {settings.batch_size} is too small for {processes} processes.",
            "Each of them needs at least one frame of every kind.",
            "Raise the batch size or start fewer processes.",
        )
    return mixture


def _freeze(network: StereoNetwork, settings: TrainingSettings) -> None:
    if settings.freeze_encoder:
        network.freeze_encoder()
    parts = network.parameter_groups()
    for part, frozen in (("aggregation", settings.freeze_aggregation), ("head", settings.freeze_head)):
        for parameter in parts[part] if frozen else ():
            parameter.requires_grad_(False)


def _stepper(
    network: StereoNetwork,
    device: torch.device,
    settings: TrainingSettings,
    *,
    precision: PrecisionChoice,
    reach: float,
    start: StereoNetwork | None,
    processes: Processes,
) -> Stepper:
    """The step with those parts of careful fine-tuning that are on."""
    teacher = pull = None
    if start is not None:
        frozen = copy.deepcopy(start).eval().requires_grad_(False)
        frozen.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        teacher = Teacher(frozen, settings.teacher_weight, reach) if settings.teacher_weight else None
        pull = StartPull(network, frozen, settings.weight_decay) if settings.optimizer == "l2-sp" else None
    return Stepper(
        network,
        make_optimizer(network, settings),
        device,
        precision.bf16,
        settings.clip_norm,
        reach,
        LossShape(settings.auxiliary_weight, settings.robust_px),
        settings.matching_weight,
        teacher=teacher,
        pull=pull,
        average=WeightAverage(network, settings.ema_decay) if settings.ema_decay else None,
        processes=processes,
    )


def _validator(
    validation: SampleSource,
    settings: TrainingSettings,
    device: torch.device,
    *,
    precision: PrecisionChoice,
    reach: float,
    processes: Processes,
) -> Validator:
    indices = evenly(len(validation), settings.validation_frames)
    shown = [indices[position] for position in evenly(len(indices), _SHOWN_FRAMES)]
    return Validator(validation, indices, shown, device, precision.bf16, reach, settings.num_workers, processes)


def _cached(frames: SampleSource, limit_mb: float) -> SampleSource:
    return frames if isinstance(frames, CachedSamples) else CachedSamples(frames, limit_mb)


def _crop(train: SampleSource, settings: TrainingSettings) -> tuple[int, int]:
    """(width, height): the settings', but no larger than the first frame, so that steps compute no empty margins.

    With rehearsal a multiple of 32: its loss compares the volume's cells with the pixels that they cover.
    """
    height, width = train[0].valid.shape
    width, height = min(settings.crop_width, width), min(settings.crop_height, height)
    if settings.rehearsal_share > 0:
        return max(width // _CELL, 1) * _CELL, max(height // _CELL, 1) * _CELL
    return width, height


def reach_px(network: StereoNetwork, settings: TrainingSettings) -> float:
    """Largest disparity to learn and judge, px: the settings' or the network's own; 0 for networks without a limit."""
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
    if settings.auxiliary_weight > 0 and network.name == "siamese":
        notes.append("siamese has no intermediate disparities: their weight has no effect.")
    if settings.rehearsal_share > 0:
        mixture = Mixture.of(settings.batch_size, settings.rehearsal_share)
        notes.append(f"Each step has {mixture.own} of your frames and {mixture.rehearsed} synthetic ones.")
    if settings.teacher_weight > 0 and not settings.augment:
        notes.append("Without augmentation the teacher sees the same pictures as the student and teaches less.")
    if settings.ema_decay > 0:
        notes.append("Validation and the saved network use the average of the weights.")
    return tuple(note for note in notes if note)
