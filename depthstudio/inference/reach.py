"""How far a network searches."""

from __future__ import annotations

from typing import Any

from depthstudio.errors import SettingsError
from depthstudio.models import StereoNetwork


def set_max_disparity(network: StereoNetwork, max_disparity: int) -> None:
    """Let a network with a cost volume search up to this many px; saved with it. Others have no limit to set.

    SettingsError when it is beyond what the network can do.
    """
    if "max_disparity" not in network.options:
        return
    limited: Any = network
    try:
        limited.max_disparity = max_disparity
    except ValueError as error:
        raise SettingsError(f"Largest disparity cannot be {max_disparity} px.", f"{error}.") from error
    network.options["max_disparity"] = limited.max_disparity
