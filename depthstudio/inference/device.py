"""Which device computes."""

from __future__ import annotations

import torch

from depthstudio.errors import SettingsError


def choose_device(wish: str) -> torch.device:
    """Auto means a GPU when there is one; else cpu, cuda, cuda:1 or mps. SettingsError when it is not there."""
    if wish == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wish)
    except RuntimeError as error:
        raise SettingsError(f"There is no device '{wish}'.", next_step="Use auto, cpu, cuda or cuda:1.") from error
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(device.type, False):
        raise SettingsError(f"The device '{wish}' is not available here.", next_step="Use auto or cpu.")
    return device
