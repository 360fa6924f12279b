"""What a training run says while it goes on: the GUI, the command line and history.jsonl read the same stream."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from math import isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Started:
    """The run is set up: everything is known that will not change."""

    run_folder: str
    network: str
    parameters: int
    trainable_parameters: int
    train_frames: int
    validation_frames: int
    epochs: int
    steps_per_epoch: int
    device: str
    precision: str
    first_epoch: int = 1
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class BaselineDone:
    """The validation of the network as it came, before the first step: epoch 0, and the value to beat.

    When no epoch beats it, best_epoch stays 0 and best.safetensors holds the network as it came.
    """

    validation_loss: float
    validation_epe_px: float
    seconds: float
    epoch: int = 0


@dataclass(frozen=True)
class StepDone:
    """One optimiser step. loss and epe_px are per valid pixel of this batch; None when it had none."""

    epoch: int
    step: int
    steps_per_epoch: int
    loss: float | None
    epe_px: float | None
    learning_rate: float
    gradient_norm: float | None
    samples_per_s: float


@dataclass(frozen=True)
class EpochDone:
    """One epoch with its validation. Losses and EPE are means over all valid pixels, one mask for both.

    gradient_norm: mean over the epoch, before clipping. skipped_batches: those without any valid pixel.
    """

    epoch: int
    train_loss: float
    train_epe_px: float
    validation_loss: float
    validation_epe_px: float
    learning_rate: float
    best_epoch: int
    best_validation_loss: float
    epochs_without_improvement: int
    patience: int
    seconds: float
    is_best: bool
    gradient_norm: float | None = None
    skipped_batches: int = 0
    train_pixels: int = 0
    validation_pixels: int = 0


@dataclass(frozen=True)
class SampleImages:
    """A validation frame predicted after an epoch. Arrays stay out of history.jsonl; files lie in the run's samples/.

    left: (H, W, 3) uint8. label, prediction: (H, W) float32 px; NaN in label = none.
    """

    epoch: int
    index: int
    left: NDArray[np.uint8] = field(repr=False)
    label: NDArray[np.float32] = field(repr=False)
    prediction: NDArray[np.float32] = field(repr=False)


@dataclass(frozen=True)
class CheckpointSaved:
    """A file of the run was replaced."""

    epoch: int
    path: str
    reason: str


@dataclass(frozen=True)
class Warned:
    """Something the user should know; training goes on."""

    message: str
    epoch: int = 0


@dataclass(frozen=True)
class Finished:
    """The run is over and best.safetensors is the result. reason: "epochs", "early stopping" or "stopped"."""

    reason: str
    epochs_run: int
    best_epoch: int
    best_validation_loss: float
    best_validation_epe_px: float
    seconds: float
    run_folder: str
    baseline_validation_epe_px: float | None = None


@dataclass(frozen=True)
class Failed:
    """The run ended by an error; what was saved before it stays."""

    message: str
    why: str = ""
    next_step: str = ""


TrainingEvent = (
    Started | BaselineDone | StepDone | EpochDone | SampleImages | CheckpointSaved | Warned | Finished | Failed
)
_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (Started, BaselineDone, StepDone, EpochDone, CheckpointSaved, Warned, Finished, Failed)
}


def to_json(event: TrainingEvent) -> dict[str, Any]:
    """The event as JSON-able data with its type name under "event"; arrays are left out, nan becomes null."""
    values = {key: value for key, value in asdict(event).items() if not isinstance(value, np.ndarray)}
    values = {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in values.items()}
    return {"event": type(event).__name__, **values}


def from_json(line: dict[str, Any]) -> TrainingEvent | None:
    """The event that `to_json` wrote, so that an old run replays as a live one; None for a kind without its arrays."""
    kind = _KINDS.get(line.get("event", ""))
    if kind is None:
        return None
    values = {}
    for entry in fields(kind):
        if entry.name in line:
            value = line[entry.name]
            values[entry.name] = tuple(value) if isinstance(value, list) else value
            if value is None and entry.type == "float":
                values[entry.name] = nan
    event: TrainingEvent = kind(**values)
    return event
