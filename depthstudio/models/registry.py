"""Networks by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from depthstudio.errors import NetworkError
from depthstudio.models.base import StereoNetwork
from depthstudio.models.siamese import SiameseStereoNet
from depthstudio.models.volume_network import VolumeStereoNetwork

_NETWORKS: dict[str, Callable[..., StereoNetwork]] = {
    "siamese": SiameseStereoNet,
    "depthstudio-s": partial(VolumeStereoNetwork, "depthstudio-s"),
    "depthstudio-m": partial(VolumeStereoNetwork, "depthstudio-m"),
    "siamese-volume": partial(VolumeStereoNetwork, "siamese-volume"),
}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "depthstudio-m": {"enlarge": 2},
    "siamese-volume": {"encoder": "reference"},
}


def network_names() -> list[str]:
    """Every name that create_network knows."""
    return list(_NETWORKS)


def create_network(name: str, **options: Any) -> StereoNetwork:
    """A network with fresh random weights. options override the constructor's defaults. Raises NetworkError."""
    if name not in _NETWORKS:
        raise NetworkError(f"There is no network '{name}'.", next_step=f"Known are: {', '.join(_NETWORKS)}.")
    try:
        return _NETWORKS[name](**(_DEFAULTS.get(name, {}) | options))
    except (TypeError, ValueError) as error:
        raise NetworkError(f"The network '{name}' cannot be built.", str(error)) from error
