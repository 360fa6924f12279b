"""TrainingSettings: the one place that knows every knob of fine-tuning, its range, unit and meaning.

The window's form, the command line's flags, the TOML files and the checks are all made from these fields.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

import tomlkit
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tomlkit.exceptions import TOMLKitError

from depthstudio.datasets.augmentation import AugmentationSettings
from depthstudio.datasets.labels import LabelMaskSettings
from depthstudio.errors import SettingsError
from depthstudio.storage import write_text

Optimizer = Literal["adam-l2", "adamw"]
Schedule = Literal["plateau", "cosine", "constant"]
Split = Literal["session", "order"]
Precision = Literal["auto", "fp32", "bf16"]

_CHOICE_ERRORS = {"literal_error", "enum"}


def setting(
    default: Any, title: str, help_text: str, group: str, *, unit: str = "", expert: bool = False, **limits: Any
) -> Any:
    """A field with everything that a form, a flag and an error message need. limits: ge, le, pattern."""
    extra: Any = {"unit": unit, "expert": expert, "group": group}
    return Field(default, title=title, description=help_text, json_schema_extra=extra, **limits)


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
        "Adam with an L2 penalty as in the classic recipe, or AdamW, which decays apart from the step.",
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
    clip_norm: float = setting(
        1.0,
        "Gradient clip",
        "Longest gradient allowed, so that one bad frame cannot spoil the network; 0 = no limit.",
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
        "Pull of all weights towards zero: more fights overfitting.",
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
    batchnorm_eval: bool = setting(
        True,
        "Keep normalisation statistics",
        "Uses the stored BatchNorm statistics instead of those of small batches.",
        "Regularisation",
        expert=True,
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
        "Smallest improvement",
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
            raise SettingsError(*_plain_words(cls, error)) from error

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


def load_settings(path: Path) -> TrainingSettings:
    """Settings from a TOML file; missing fields take their defaults. SettingsError says what is wrong with it."""
    return TrainingSettings.checked(read_toml(path))


def save_settings(settings: TrainingSettings, path: Path) -> None:
    """Write all fields as TOML, atomically. Comments and unknown fields of an existing file stay."""
    document = _existing_document(path)
    for name, value in settings.model_dump(mode="json").items():
        if name not in document or document[name] != value:
            document[name] = value
    write_text(path, tomlkit.dumps(document))


def read_toml(path: Path) -> dict[str, Any]:
    """The plain values of a TOML file; SettingsError when it is missing or broken."""
    try:
        return tomlkit.parse(path.read_text("utf-8")).unwrap()
    except FileNotFoundError as error:
        raise SettingsError(f"There is no file {path}.") from error
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise SettingsError(f"{path.name} cannot be read as settings.", f"{error}.") from error


def _existing_document(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, TOMLKitError):
        return tomlkit.document()  # nothing there, or nothing worth keeping


def _plain_words(model: type[BaseModel], error: ValidationError) -> tuple[str, str, str]:
    """what, why and next step of the first mistake, naming the field as the form does."""
    first = error.errors()[0]
    field = _field_at(model, first["loc"])
    name = ".".join(str(part) for part in first["loc"])
    if field is None:
        return f"The setting '{name}' is wrong.", f"{first['msg']}.", ""
    unit = (field.json_schema_extra or {}).get("unit", "")
    given = first.get("input")
    if first["type"] in _CHOICE_ERRORS:
        return f"{field.title} cannot be {given!r}.", f"It is one of {first['ctx']['expected']}.", ""
    low, high = field_range(field)
    if low is not None and high is not None:
        range_words = f"{low:g} to {high:g} {unit}".strip()
        return f"{field.title} cannot be {given}.", f"It lies in {range_words}.", f"Change '{name}'."
    return f"{field.title} cannot be {given!r}.", f"{field.description}", f"Change '{name}'."


def _field_at(model: type[BaseModel], location: tuple[int | str, ...]) -> Any:
    """The field that an error's location names, inside nested models too."""
    field = model.model_fields.get(str(location[0])) if location else None
    if field is None or len(location) == 1:
        return field
    nested = field.annotation
    if isinstance(nested, type) and issubclass(nested, BaseModel):
        return _field_at(nested, location[1:])
    return field


def field_range(field: Any) -> tuple[float | None, float | None]:
    """(smallest, largest) allowed value of a pydantic number field, None where it has no limit."""
    low = next((limit.ge for limit in field.metadata if hasattr(limit, "ge")), None)
    high = next((limit.le for limit in field.metadata if hasattr(limit, "le")), None)
    return low, high
