"""Simulated rigs: rendered scenes with exactly known cameras, and depth labels with a real camera's faults."""

from depthstudio.cameras.simulated.settings import SimulatedSettings
from depthstudio.cameras.simulated.source import SimulatedSource

__all__ = ["SimulatedSettings", "SimulatedSource"]
