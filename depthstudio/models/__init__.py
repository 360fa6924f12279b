"""Stereo networks, their registry and their checkpoints."""

from depthstudio.models.base import StereoNetwork, StereoPrediction
from depthstudio.models.checkpoint import (
    LoadedNetwork,
    LoadReport,
    bundled_networks,
    load_network,
    resolve_network,
    save_network,
)
from depthstudio.models.registry import create_network, network_names

__all__ = [
    "LoadReport",
    "LoadedNetwork",
    "StereoNetwork",
    "StereoPrediction",
    "bundled_networks",
    "create_network",
    "load_network",
    "network_names",
    "resolve_network",
    "save_network",
]
