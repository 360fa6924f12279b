"""What a pretraining run keeps between starts: weights, their average, the optimiser, the time used, random numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import torch

from depthstudio.errors import NetworkError
from depthstudio.models import StereoNetwork, create_network
from depthstudio.models.volume_network import VolumeStereoNetwork, finer
from depthstudio.storage import atomic_path
from depthstudio.training.weight_average import WeightAverage


@dataclass
class PretrainState:
    """Everything that a resumed run continues from."""

    network: StereoNetwork
    average: WeightAverage
    optimizer: torch.optim.Optimizer
    elapsed_s: float = 0.0
    step: int = 0
    crops: int = 0
    best_score: float = float("inf")
    settings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def fresh(cls, settings: dict[str, Any], device: torch.device) -> Self:
        """New weights. settings: network, options, seed, decay and weight_decay are read here."""
        torch.manual_seed(settings["seed"])
        network = create_network(settings["network"], **settings["options"])
        network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        decayed = [parameter for parameter in network.parameters() if parameter.ndim > 1]
        plain = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": settings["weight_decay"]}, {"params": plain, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=settings["learning_rate"])
        return cls(network, WeightAverage(network, settings["decay"]), optimizer, settings=settings)

    def begin_with(self, weights: StereoNetwork) -> None:
        """Take another network's weights, made finer where this one enlarges. Raises NetworkError when none fit."""
        network = self.network
        if isinstance(network, VolumeStereoNetwork) and isinstance(weights, VolumeStereoNetwork):
            weights = finer(weights, network.name) if network.enlarge > weights.enlarge else weights
        try:
            for own in (network, self.average.network):
                own.load_state_dict(weights.state_dict())
        except RuntimeError as error:
            raise NetworkError(
                f"{network.name} cannot begin with the weights of {weights.name}.", str(error)
            ) from error

    def save(self, path: Path) -> None:
        """Replace `path` atomically."""
        content = {
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "elapsed_s": self.elapsed_s,
            "step": self.step,
            "crops": self.crops,
            "best_score": self.best_score,
            "settings": self.settings,
            "rng": torch.get_rng_state(),
        }
        with atomic_path(path) as temporary:
            torch.save(content, temporary)

    @classmethod
    def resumed(cls, path: Path, device: torch.device) -> Self:
        """The state saved at `path`. Raises NetworkError when it cannot be read."""
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
            state = cls.fresh(content["settings"], device)
            state.network.load_state_dict(content["network"])
            state.average.network.load_state_dict(content["average"])
            state.optimizer.load_state_dict(content["optimizer"])
            torch.set_rng_state(content["rng"])
        except Exception as error:  # torch raises many kinds for a damaged file
            raise NetworkError(f"{path} is no pretraining state.", str(error), "Start without --resume.") from error
        state.elapsed_s, state.step, state.crops = content["elapsed_s"], content["step"], content["crops"]
        state.best_score = content["best_score"]
        return state
