"""What a training run says while it goes on: the GUI, the command line and history.jsonl read the same stream."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from math import isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ErrorBand:
    """The error of the validation pixels whose label lies in low..high of `unit`: "m" of depth or "px" of disparity.

    high: None = no limit. epe_px: nan when pixels is 0.
    """

    low: float
    high: float | None
    unit: str
    epe_px: float
    pixels: int


@dataclass(frozen=True)
class FrameScore:
    """The error of one validation frame. index: in the validation side. bad_3: share of pixels more than 3 px off."""

    index: int
    name: str
    group: str
    epe_px: float
    bad_3: float
    pixels: int


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
    guard: str = ""  # what the generalisation guard measures, in words; empty without one


@dataclass(frozen=True)
class BaselineDone:
    """The validation of the network as it came, before the first step: epoch 0, and the value to beat.

    When no epoch beats it, best_epoch stays 0 and best.safetensors holds the network as it came.
    """

    validation_loss: float
    validation_epe_px: float
    seconds: float
    epoch: int = 0
    bands: tuple[ErrorBand, ...] = ()
    guard_epe_px: float | None = None


@dataclass(frozen=True)
class StepDone:
    """One optimiser step. loss and epe_px are per valid pixel of this batch's own frames; None when it had none.

    memory_mb: of the process, or of the accelerator when it computes there.
    """

    epoch: int
    step: int
    steps_per_epoch: int
    loss: float | None
    epe_px: float | None
    learning_rate: float
    gradient_norm: float | None
    samples_per_s: float
    memory_mb: float | None = None


@dataclass(frozen=True)
class EpochDone:
    """One epoch with its validation. Losses and EPE are means over all valid pixels, one mask for both.

    gradient_norm: mean over the epoch, before clipping. skipped_batches: those without any valid pixel.
    samples_per_s: of the training part, pauses left out. bands: the validation error by distance.
    guard_epe_px: error on scenes that the run does not learn from (see Started.guard); None without a guard or when it
    was not measured in this epoch.
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
    samples_per_s: float | None = None
    memory_mb: float | None = None
    bands: tuple[ErrorBand, ...] = ()
    guard_epe_px: float | None = None


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
class SettingChanged:
    """A setting was changed during the run; it holds from the step after this one on."""

    epoch: int
    step: int
    name: str
    before: float
    after: float


@dataclass(frozen=True)
class Paused:
    """The run stands still after this step."""

    epoch: int
    step: int


@dataclass(frozen=True)
class Continued:
    """The run goes on after a pause of so many seconds."""

    epoch: int
    step: int
    paused_s: float


@dataclass(frozen=True)
class Diverged:
    """Learning broke down; Failed follows. reason: "not a number" or "spike". usual_loss: of the steps before.

    What was saved stays good: best.safetensors, and the state after `last_good_epoch`.
    """

    epoch: int
    step: int
    reason: str
    loss: float | None
    usual_loss: float | None
    last_good_epoch: int


@dataclass(frozen=True)
class FrameScores:
    """How the best network does on every validation frame, worst first.

    Comes after the measurement before training, after each best epoch, and before Finished.
    """

    epoch: int
    frames: tuple[FrameScore, ...]


@dataclass(frozen=True)
class Finished:
    """The run is over and best.safetensors is the result.

    reason: "epochs", "early stopping", "stopped" or "discarded". guard: see EpochDone.guard_epe_px, of the network as
    it came and of the result.
    """

    reason: str
    epochs_run: int
    best_epoch: int
    best_validation_loss: float
    best_validation_epe_px: float
    seconds: float
    run_folder: str
    baseline_validation_epe_px: float | None = None
    guard_epe_px_before: float | None = None
    guard_epe_px_after: float | None = None


@dataclass(frozen=True)
class Failed:
    """The run ended by an error; what was saved before it stays."""

    message: str
    why: str = ""
    next_step: str = ""


TrainingEvent = (
    Started
    | BaselineDone
    | StepDone
    | EpochDone
    | SampleImages
    | CheckpointSaved
    | Warned
    | SettingChanged
    | Paused
    | Continued
    | Diverged
    | FrameScores
    | Finished
    | Failed
)
_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        Started,
        BaselineDone,
        StepDone,
        EpochDone,
        CheckpointSaved,
        Warned,
        SettingChanged,
        Paused,
        Continued,
        Diverged,
        FrameScores,
        Finished,
        Failed,
    )
}
_LISTS: dict[str, Any] = {"bands": ErrorBand, "frames": FrameScore}


def to_json(event: TrainingEvent) -> dict[str, Any]:
    """The event as JSON-able data with its type name under "event"; arrays are left out, nan becomes null."""
    values = {key: value for key, value in asdict(event).items() if not isinstance(value, np.ndarray)}
    return {"event": type(event).__name__, **_finite(values)}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def from_json(line: dict[str, Any]) -> TrainingEvent | None:
    """The event that `to_json` wrote, so that an old run replays as a live one; None for a kind without its arrays."""
    kind = _KINDS.get(line.get("event", ""))
    if kind is None:
        return None
    event: TrainingEvent = _made(kind, line)
    return event


def _made(kind: Any, line: dict[str, Any]) -> Any:
    """`kind` from the values that it knows; null becomes nan where a number is expected."""
    values = {}
    for entry in fields(kind):
        if entry.name not in line:
            continue
        value = line[entry.name]
        if isinstance(value, list):
            inner = _LISTS.get(entry.name)
            value = tuple(_made(inner, item) if inner else item for item in value)
        values[entry.name] = nan if value is None and entry.type == "float" else value
    return kind(**values)
