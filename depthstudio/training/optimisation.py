"""Optimiser, schedule and the single training step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler, ReduceLROnPlateau

from depthstudio.errors import NetworkError
from depthstudio.models.base import StereoNetwork, StereoPrediction
from depthstudio.training.batches import STAND_IN, Batch
from depthstudio.training.divergence import DivergedError
from depthstudio.training.losses import BatchLoss, LossShape, batch_loss, usable_pixels
from depthstudio.training.pretrain_loss import LossWeights, classification_loss, pretraining_loss
from depthstudio.training.processes import OneProcess, Processes
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.start_pull import StartPull
from depthstudio.training.teacher import Teacher
from depthstudio.training.weight_average import WeightAverage

_COUNTERS = ("best", "num_bad_epochs", "cooldown_counter", "last_epoch", "_step_count", "_last_lr")


def make_optimizer(network: StereoNetwork, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Adam with an L2 penalty on all weights; AdamW, which leaves biases and normalisation weights undecayed; or Adam
    without decay for L2-SP, whose penalty StartPull adds.

    Encoder and matching part form groups of their own at their share of the rate; frozen parameters are left out.
    """
    factors = {"head": 1.0, "aggregation": settings.aggregation_lr_factor, "encoder": settings.encoder_lr_factor}
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for part, parameters in network.parameter_groups().items():
        learning_rate = settings.learning_rate * factors[part]
        for parameter in parameters:
            if not parameter.requires_grad or learning_rate == 0.0:
                continue
            groups.setdefault((learning_rate, _decay(parameter, settings)), []).append(parameter)
    if not groups:
        raise NetworkError("Nothing is left to train.", "All parameters of the network are frozen.")
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    ordered = sorted(groups.items(), key=lambda entry: -entry[0][0])  # the full rate first: it is the one reported
    return kind([{"params": members, "lr": lr, "weight_decay": decay} for (lr, decay), members in ordered])


def _decay(parameter: nn.Parameter, settings: TrainingSettings) -> float:
    if settings.optimizer == "l2-sp" or (settings.optimizer == "adamw" and parameter.ndim <= 1):
        return 0.0
    return settings.weight_decay


def make_schedule(optimizer: torch.optim.Optimizer, settings: TrainingSettings) -> LRScheduler:
    """The schedule of the settings, stepped once per epoch through `advance`."""
    if settings.lr_schedule == "plateau":
        return ReduceLROnPlateau(
            optimizer, "min", factor=settings.lr_factor, patience=settings.lr_patience, min_lr=settings.min_lr
        )
    if settings.lr_schedule == "cosine":
        return CosineAnnealingLR(optimizer, settings.epochs, eta_min=min(settings.min_lr, settings.learning_rate))
    return ConstantLR(optimizer, factor=1.0)


def advance(schedule: LRScheduler, validation_loss: float) -> None:
    """Tell the schedule that an epoch is over."""
    if isinstance(schedule, ReduceLROnPlateau):
        schedule.step(validation_loss)
    else:
        schedule.step()


def counters(schedule: LRScheduler) -> dict[str, Any]:
    """What a schedule has counted so far, without its limits, which come from the settings."""
    return {name: value for name, value in schedule.state_dict().items() if name in _COUNTERS}


@dataclass(frozen=True)
class StepResult:
    """loss: None when the batch had no valid pixel and no step was made. labelled: labelled pixels of the batch."""

    loss: BatchLoss | None
    labelled: int
    gradient_norm: float = 0.0


class _Amounts(NamedTuple):
    """How much a batch holds: pixels of each kind, the user's frames, synthetic pairs and their weight."""

    pixels: float
    labelled: float
    unlabelled: float
    own: float
    practice: float
    practice_weight: float

    @classmethod
    def of(cls, batch: Batch, practice: Batch | None, mask: Tensor) -> _Amounts:
        own = int((batch["index"] != STAND_IN).sum())
        pairs, weight = (0, 0.0) if practice is None else (len(practice["left"]), float(practice["weight"].sum()))
        unlabelled = int((~_answered(batch, mask)).sum())
        return cls(int(mask.sum()), int(batch["valid"].sum()), unlabelled, own, pairs, weight)


@dataclass
class Stepper:
    """Forward, loss, backward, clip, step. max_disparity: largest label used, px; 0 = no limit.

    teacher, pull, average: the parts of a careful fine-tuning, each None when it is off.
    processes: those that train together; all sums of a StepResult are over them.
    """

    network: StereoNetwork
    optimizer: torch.optim.Optimizer
    device: torch.device
    bf16: bool
    clip_norm: float
    max_disparity: float
    shape: LossShape
    matching_weight: float = 0.0
    teacher: Teacher | None = None
    pull: StartPull | None = None
    average: WeightAverage | None = None
    steps: int = 0
    processes: Processes = field(default_factory=OneProcess)

    def __post_init__(self) -> None:
        self._joined = self.processes.joined(self.network)

    def step(self, batch: Batch, rehearsal: Batch | None = None) -> StepResult:
        """One optimiser step on frames and synthetic pairs; every frame and pair weighs the same.

        Raises DivergedError before anything of the network changes.
        """
        batch = self._here(batch)
        practice = None if rehearsal is None else self._here(rehearsal)
        disparity = batch["disparity"]
        mask = usable_pixels(disparity, batch["valid"], self.max_disparity)
        mine = _Amounts.of(batch, practice, mask)
        everyone = _Amounts(*self.processes.total(list(mine)))
        if not everyone.pixels:
            return StepResult(None, int(everyone.labelled))
        prediction, practised = self._predict(batch, practice)
        loss = batch_loss(prediction.disparity, disparity, mask)
        # Gradients are averaged over the processes: each weighs by its share of the pixels, as if it were one batch.
        count = self.processes.count
        objective = self._objective(prediction, batch, mask) * (mine.pixels * count / everyone.pixels)
        if self.teacher is not None:
            taught = self._taught(self.teacher, prediction, batch, _answered(batch, mask))
            objective = objective + taught * (mine.unlabelled * count / max(everyone.unlabelled, 1))
        if practice is not None and practised is not None:
            practice_loss, _ = pretraining_loss(practised, practice["disparity"], practice["weight"], LossWeights())
            practice_loss = practice_loss * (mine.practice_weight * count / max(everyone.practice_weight, 1e-9))
            objective = everyone.own * objective + everyone.practice * practice_loss
            objective = objective / (everyone.own + everyone.practice)
        norm = self._descend(objective)
        total, error_px = self.processes.total([float(loss.total.detach()), loss.error_px])
        whole = BatchLoss(torch.tensor(total, dtype=torch.float64), error_px, int(everyone.pixels))
        return StepResult(whole, int(everyone.labelled), norm)

    def _objective(self, prediction: StereoPrediction, batch: Batch, mask: Tensor) -> Tensor:
        if not mask.any():
            return prediction.disparity.sum() * 0
        disparity = batch["disparity"]
        objective = self.shape.of(prediction, disparity, mask, batch.get("weight"))
        trust = mask * batch["weight"] if "weight" in batch else mask.float()
        return objective + self._matched(prediction, disparity, trust)

    def _matched(self, prediction: StereoPrediction, disparity: Tensor, trust: Tensor) -> Tensor:
        """Cross-entropy of the volume's scores; 0 for networks without. trust: (N, H, W), 0 = not usable.

        A disparity is read around the highest score, so its own loss refines a match but cannot choose another one.
        """
        scores = prediction.auxiliary.get("scores")
        if scores is None or self.matching_weight == 0:
            return disparity.new_zeros(())
        return self.matching_weight * classification_loss(scores, disparity, trust, prediction.volume_stride)

    def _here(self, batch: Batch) -> Batch:
        return {key: value.to(self.device, non_blocking=True) for key, value in batch.items()}

    def _predict(self, batch: Batch, practice: Batch | None) -> tuple[StereoPrediction, StereoPrediction | None]:
        """Both kinds of pairs in one pass."""
        left, right = (
            batch[side] if practice is None else torch.cat((batch[side], practice[side])) for side in ("left", "right")
        )
        with autocast(self.device, self.bf16):
            prediction = self._joined(channels_last(left), channels_last(right))
        own = len(batch["left"])
        if practice is None:
            return prediction, None
        return _part(prediction, slice(0, own)), _part(prediction, slice(own, None))

    def _taught(self, teacher: Teacher, prediction: StereoPrediction, batch: Batch, answered: Tensor) -> Tensor:
        with autocast(self.device, self.bf16):
            taught = teacher.teach(channels_last(batch["clean_left"]), channels_last(batch["clean_right"]))
        return teacher.loss(prediction.disparity, taught, answered)

    def _descend(self, objective: Tensor) -> float:
        """Backward, clip, step; returns the gradient's norm before clipping."""
        self.network.zero_grad(set_to_none=True)
        objective.backward()
        learning = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        norm = float(nn.utils.clip_grad_norm_(learning, self.clip_norm or inf))
        diverged = not (isfinite(norm) and isfinite(float(objective.detach())))
        if self.processes.total([diverged])[0]:
            self.network.zero_grad(set_to_none=True)
            raise DivergedError
        if self.pull is not None:
            self.pull.apply()
        self.optimizer.step()
        self.steps += 1
        if self.average is not None:
            self.average.update(self.network, self.steps)
        return norm

    @property
    def learning_rate(self) -> float:
        """The rate of the parts that learn fastest. Setting it keeps the proportions of the parts."""
        return float(self.optimizer.param_groups[0]["lr"])

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        now = self.learning_rate
        for group in self.optimizer.param_groups:
            group["lr"] *= value / max(now, 1e-30)


def _answered(batch: Batch, mask: Tensor) -> Tensor:
    """(N, H, W) bool: pixels that the teacher is not asked about, all of a stand-in among them."""
    return mask | (batch["index"] == STAND_IN)[:, None, None]


def _part(prediction: StereoPrediction, which: slice) -> StereoPrediction:
    """Some of the pairs of a batch."""
    confidence = None if prediction.confidence is None else prediction.confidence[which]
    auxiliary = {name: value[which] for name, value in prediction.auxiliary.items()}
    return StereoPrediction(prediction.disparity[which], confidence, auxiliary, prediction.volume_stride)


def autocast(device: torch.device, bf16: bool) -> AbstractContextManager:
    """bf16 autocast on this device, or nothing."""
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16)


def channels_last(images: Tensor) -> Tensor:
    """(N, C, H, W) in the memory layout in which convolutions are fastest."""
    return images.contiguous(memory_format=torch.channels_last)


def set_training_mode(network: nn.Module, batchnorm_eval: bool) -> None:
    """Training mode for a step; BatchNorm keeps its stored statistics when batchnorm_eval, and where it is frozen."""
    network.train()
    for module in batchnorms(network):
        if batchnorm_eval or not all(parameter.requires_grad for parameter in module.parameters()):
            module.eval()


def batchnorms(network: nn.Module) -> Iterator[nn.Module]:
    """All BatchNorm layers."""
    return (module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm))
