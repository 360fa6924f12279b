"""TrainingSettings: the one place that knows every knob of fine-tuning, its range, unit and meaning.

The window's form, the command line's flags, the TOML files and the checks are all made from these fields.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from depthstudio.datasets.augmentation import AugmentationSettings
from depthstudio.datasets.labels import LabelMaskSettings
from depthstudio.errors import SettingsError
from depthstudio.setting_fields import first_mistake, setting

Optimizer = Literal["adam-l2", "adamw", "l2-sp"]
Schedule = Literal["plateau", "cosine", "constant"]
Split = Literal["session", "order"]
Precision = Literal["auto", "fp32", "bf16"]


class TrainingSettings(BaseModel):
    """Everything that decides how a fine-tuning run goes. Immutable; `changed` gives a checked copy.

    Fields that this version does not know (from a newer one, or a note of the user's) are kept and written again.
    """

    model_config = ConfigDict(frozen=True, extra="allow", validate_default=True, allow_inf_nan=False)

    network: str = setting(
        "depthstudio-s",
        "Network",
        "The network to start from: a shipped one, a checkpoint file or an earlier run.",
        "Run",
    )
    epochs: int = setting(
        50,
        "Epochs",
        "How often the training frames are seen at most; early stopping usually ends sooner.",
        "Run",
        ge=1,
        le=1000,
    )
    batch_size: int = setting(
        4, "Batch size", "Frames per step: more smooths the gradient and needs more memory.", "Run", ge=1, le=128
    )
    crop_width: int = setting(
        512,
        "Crop width",
        "Width of the piece cut from each training frame; it must exceed the largest disparity.",
        "Run",
        unit="px",
        ge=32,
        le=4096,
    )
    crop_height: int = setting(
        320,
        "Crop height",
        "Height of the piece cut from each training frame; smaller is faster.",
        "Run",
        unit="px",
        ge=32,
        le=4096,
    )

    learning_rate: float = setting(
        1e-4,
        "Learning rate",
        "Size of each step: lower preserves what the network knew, higher adapts faster.",
        "Optimiser",
        ge=1e-8,
        le=1e-2,
    )
    optimizer: Optimizer = setting(
        "adamw",
        "Optimiser",
        "What weight decay pulls to: zero with Adam (classic) or AdamW (apart from the step), the start with L2-SP.",
        "Optimiser",
    )
    encoder_lr_factor: float = setting(
        0.1,
        "Encoder rate factor",
        "The encoder learns at this share of the learning rate; less keeps its features.",
        "Optimiser",
        expert=True,
        ge=0.0,
        le=1.0,
    )
    aggregation_lr_factor: float = setting(
        0.3,
        "Matching rate factor",
        "The matching part learns at this share of the learning rate.",
        "Optimiser",
        expert=True,
        ge=0.0,
        le=1.0,
    )
    auxiliary_weight: float = setting(
        0.3,
        "Intermediate weight",
        "How much the network's intermediate disparities count beside its final one.",
        "Optimiser",
        expert=True,
        ge=0.0,
        le=1.0,
    )
    robust_px: float = setting(
        0.0,
        "Robust beyond",
        "Errors beyond this count ever less, so that gross ones and wrong labels do not spoil the fine ones; 0 = off.",
        "Optimiser",
        unit="px",
        expert=True,
        ge=0.0,
        le=1000.0,
    )
    matching_weight: float = setting(
        1.0,
        "Matching weight",
        "How much the choice among possible matches counts beside the exact disparity: it is what mends gross errors.",
        "Optimiser",
        expert=True,
        ge=0.0,
        le=10.0,
    )
    clip_norm: float = setting(
        1.0,
        "Gradient clip",
        "Longest gradient allowed, so that one bad frame cannot spoil the network; 0 = no limit.",
        "Optimiser",
        expert=True,
        ge=0.0,
        le=1000.0,
    )

    spike_factor: float = setting(
        10.0,
        "Stop on a spike",
        "The run stops when the loss of several steps is this many times what it was; 0 = never.",
        "Optimiser",
        expert=True,
        ge=0.0,
        le=1000.0,
    )

    dropout_p: float = setting(
        0.0,
        "Dropout",
        "Share of feature maps switched off at random: more fights overfitting, too much blurs.",
        "Regularisation",
        ge=0.0,
        le=0.5,
    )
    weight_decay: float = setting(
        1e-4,
        "Weight decay",
        "Pull of all weights to zero, or with L2-SP to where they started: more fights overfitting.",
        "Regularisation",
        ge=0.0,
        le=0.1,
    )
    freeze_encoder: bool = setting(
        False,
        "Freeze encoder",
        "Keeps the encoder, its normalisation statistics too, exactly as it was.",
        "Regularisation",
    )
    freeze_aggregation: bool = setting(
        False,
        "Freeze matching",
        "Keeps the matching part as it was: only how its result is refined and drawn is learned.",
        "Regularisation",
        expert=True,
    )
    freeze_head: bool = setting(
        False,
        "Freeze refinement",
        "Keeps the refining part as it was, to learn matching or features alone.",
        "Regularisation",
        expert=True,
    )
    batchnorm_eval: bool = setting(
        True,
        "Keep normalisation statistics",
        "Uses the stored BatchNorm statistics instead of those of small batches.",
        "Regularisation",
        expert=True,
    )

    rehearsal_share: float = setting(
        0.0,
        "Rehearsal",
        "Share of each batch that is synthetic scenes, so that the network keeps what it knew; 0 = none.",
        "Keeping what it knew",
        ge=0.0,
        le=0.9,
    )
    rehearsal_scenes: int = setting(
        200,
        "Rehearsal scenes",
        "How many synthetic scenes are rehearsed, cut and lit anew each time; each is rendered once per computer.",
        "Keeping what it knew",
        unit="scenes",
        expert=True,
        ge=1,
        le=100000,
    )
    teacher_weight: float = setting(
        0.0,
        "Frozen teacher",
        "How much pixels without a label are held to what the network said before fine-tuning; 0 = not at all.",
        "Keeping what it knew",
        ge=0.0,
        le=10.0,
    )
    ema_decay: float = setting(
        0.0,
        "Weight average",
        "Judges and saves a moving average of the weights, which forgets this little per step; 0 = the weights.",
        "Keeping what it knew",
        expert=True,
        ge=0.0,
        le=0.9999,
    )
    guard: str = setting(
        "synthetic",
        "Generalisation guard",
        "What is measured but never learned each epoch: synthetic scenes, off, or a folder of pairs with disparity.",
        "Keeping what it knew",
        expert=True,
        pattern=r"\S",
    )

    lr_schedule: Schedule = setting(
        "plateau",
        "Rate schedule",
        "When the learning rate falls: on a plateau of the validation loss, along a cosine, never.",
        "Schedule",
        expert=True,
    )
    lr_factor: float = setting(
        0.5,
        "Rate reduction",
        "The learning rate is multiplied by this on a plateau.",
        "Schedule",
        expert=True,
        ge=0.05,
        le=0.95,
    )
    lr_patience: int = setting(
        5,
        "Reduction patience",
        "Epochs without a better validation loss before the learning rate falls.",
        "Schedule",
        unit="epochs",
        expert=True,
        ge=0,
        le=100,
    )
    min_lr: float = setting(
        1e-7, "Smallest rate", "The learning rate never falls below this.", "Schedule", expert=True, ge=0.0, le=1e-3
    )

    early_stop_patience: int = setting(
        15,
        "Early-stop patience",
        "Epochs without a better validation loss before the run ends; 0 = never end early.",
        "Early stopping",
        unit="epochs",
        ge=0,
        le=1000,
    )
    early_stop_min_delta: float = setting(
        0.0,
        "Minimum change",
        "The validation loss must fall by more than this to count as better.",
        "Early stopping",
        expert=True,
        ge=0.0,
        le=10.0,
    )

    split: Split = setting(
        "session",
        "Split",
        "Whole recordings for validation, or the last fifth of all frames, which flatters the result.",
        "Data",
        expert=True,
    )
    max_disparity: int = setting(
        0,
        "Largest disparity",
        "Labels beyond this are left out, and networks search up to it; 0 = the network's own.",
        "Data",
        unit="px",
        expert=True,
        ge=0,
        le=1024,
    )
    validation_frames: int = setting(
        0,
        "Validation frames",
        "At most this many validation frames, evenly spread, are measured per epoch; 0 = all.",
        "Data",
        unit="frames",
        expert=True,
        ge=0,
        le=100000,
    )

    mask: LabelMaskSettings = setting(
        LabelMaskSettings(), "Label masks", "Which pixels of the measured depth are learned from.", "Label masks"
    )

    augment: bool = setting(
        True,
        "Augmentation",
        "Varies scale, light, noise and alignment of the training frames, so that few go further.",
        "Augmentation",
    )
    augmentation: AugmentationSettings = setting(
        AugmentationSettings(),
        "Augmentation strength",
        "How strongly the training frames are varied.",
        "Augmentation",
        expert=True,
    )

    seed: int = setting(
        0,
        "Seed",
        "Start of all random numbers: the same seed repeats the same run.",
        "Machine",
        expert=True,
        ge=0,
        le=2**31 - 1,
    )
    device: str = setting(
        "auto",
        "Device",
        "Where to compute: auto, cpu, cuda, cuda:1 or mps.",
        "Machine",
        expert=True,
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$",
    )
    precision: Precision = setting(
        "auto",
        "Precision",
        "Number format of the computation; auto measures which is faster here.",
        "Machine",
        expert=True,
    )
    cache_mb: int = setting(
        2048,
        "Frame memory",
        "Memory for rectified frames, so that only the first epoch reads the disk; 0 = none.",
        "Machine",
        unit="MB",
        expert=True,
        ge=0,
        le=1000000,
    )
    num_workers: int = setting(
        1,
        "Loader threads",
        "Threads that prepare frames ahead of the training step; 0 = prepare in the step itself.",
        "Machine",
        expert=True,
        ge=0,
        le=32,
    )

    @classmethod
    def checked(cls, values: dict[str, Any]) -> Self:
        """Settings from plain values; SettingsError names the first field that is wrong and its range."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise SettingsError(*first_mistake(cls, error)) from error

    def changed(self, **changes: Any) -> Self:
        """A checked copy with some fields replaced; unknown fields of a file stay. SettingsError as in `checked`.

        A dictionary for a nested group (mask, augmentation) replaces only the fields it names.
        """
        for name in changes:
            if name not in type(self).model_fields:
                raise SettingsError(f"There is no training setting '{name}'.")
        values = self.model_dump()
        for name, value in changes.items():
            values[name] = {**values[name], **value} if isinstance(value, dict) else value
        return self.checked(values)

    def differences(self, other: TrainingSettings) -> tuple[str, ...]:
        """Names of the fields whose values differ."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) != getattr(other, name))
