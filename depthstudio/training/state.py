"""last.pt: everything a run needs to go on as if it had never been interrupted."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from depthstudio.errors import NetworkError
from depthstudio.storage import atomic_path

_FORMAT = 1


@dataclass
class TrainingState:
    """State after a finished epoch. Random numbers need no place here: each epoch seeds them by seed and epoch.

    learning_rate: the settings' at that time, not the schedule's current one. average: the averaged weights, when there
    are any, and how many steps they took in. guard_epe_px: of the network as it came and of the best so far.
    """

    epoch: int
    network: dict[str, Any]
    optimizer: dict[str, Any]
    schedule: dict[str, Any]
    learning_rate: float
    early_stopping: dict[str, Any]
    precision: str
    baseline_epe_px: float
    seconds: float
    best_frames: list[dict[str, Any]] = field(default_factory=list)
    average: dict[str, Any] | None = None
    average_steps: int = 0
    guard_epe_px: tuple[float | None, float | None] = (None, None)

    def save(self, path: Path) -> None:
        """Replace `path` atomically."""
        with atomic_path(path) as temporary:
            torch.save({"format": _FORMAT, **self.__dict__}, temporary)

    @classmethod
    def load(cls, path: Path) -> TrainingState:
        """Read tensors and plain values only, never code. NetworkError when the file is unusable."""
        try:
            values = torch.load(path, map_location="cpu", weights_only=True)
            if values.pop("format") != _FORMAT:
                raise ValueError("it was written by another version")
            return cls(**values)
        except Exception as error:  # torch raises many kinds for a damaged file
            raise NetworkError(
                f"The state {path.name} of this run cannot be read.",
                f"{error}",
                "Start a new run from its best.safetensors.",
            ) from error
