"""How much memory a run takes."""

from __future__ import annotations

import psutil
import torch


def memory_mb(device: torch.device) -> float:
    """What PyTorch holds on a CUDA device, else the memory of this process; in MB of 1e6 bytes."""
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device) / 1e6
    return float(psutil.Process().memory_info().rss) / 1e6
