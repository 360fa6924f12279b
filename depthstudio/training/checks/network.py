"""The start network against data and machine: how far it searches and how much memory its training takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psutil
import torch

from depthstudio.errors import SettingsError
from depthstudio.inference.device import choose_device
from depthstudio.models.base import StereoNetwork
from depthstudio.training.checks.finding import Finding
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.start import start_network
from depthstudio.workspace import Workspace

_PROBE_SIZE = (96, 192)  # height, width: large enough that margins do not count
_COPIES = 4  # weights, gradients and two moments of Adam
_LIBRARIES_MB = 450.0
_TEMPORARIES = 1.6  # what the backward pass holds beside the kept maps; measured 1.2 to 1.7
_TIGHT, _MEGA = 0.8, 1024.0**2
_PIXEL_BYTES = 11  # of a cached frame: two RGB views, a float label and its mask


@dataclass(frozen=True)
class NetworkLook:
    """What is known of a start network. reach_px: None when it has no limit. kept_bytes_per_px: of the maps that one
    training step keeps for its backward pass, per pixel of the crops.
    """

    spec: str
    name: str
    parameters: int
    reach_px: float | None
    has_dropout: bool
    kept_bytes_per_px: float


def look_at_network(settings: TrainingSettings, workspace: Workspace | None = None) -> NetworkLook:
    """Load the network and try one small step. NetworkError when it cannot be loaded."""
    network, _ = start_network(settings.changed(max_disparity=0), workspace)
    if settings.freeze_encoder:
        network.freeze_encoder()
    limit: Any = getattr(network, "max_disparity", None)
    return NetworkLook(
        spec=settings.network,
        name=network.name,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        reach_px=None if limit is None else float(limit),
        has_dropout=any(isinstance(module, torch.nn.Dropout2d) for module in network.modules()),
        kept_bytes_per_px=_kept_bytes(network) / (_PROBE_SIZE[0] * _PROBE_SIZE[1]),
    )


def memory_mb(look: NetworkLook, settings: TrainingSettings, image_size: tuple[int, int], frames: int) -> float:
    """Estimate of what a run takes at its peak, MB: libraries, weights, kept maps, cached frames.

    image_size: (width, height) px. frames: of both sides, as far as the cache holds them.
    """
    crop_px = min(settings.crop_width, image_size[0]) * min(settings.crop_height, image_size[1])
    maps_mb = settings.batch_size * crop_px * look.kept_bytes_per_px * _TEMPORARIES / _MEGA
    if settings.precision == "bf16":
        maps_mb *= 0.6
    cached_mb = min(float(settings.cache_mb), frames * image_size[0] * image_size[1] * _PIXEL_BYTES / _MEGA)
    return _LIBRARIES_MB + look.parameters * 4 * _COPIES / _MEGA + maps_mb + cached_mb


def check_memory(needed_mb: float, settings: TrainingSettings) -> list[Finding]:
    """Too little free memory on the device that will train."""
    free_mb = _free_mb(settings)
    if free_mb is None or needed_mb < _TIGHT * free_mb:
        return []
    what = f"The run needs about {needed_mb / 1024:.1f} GB of memory; {free_mb / 1024:.1f} GB are free."
    tight = needed_mb < free_mb
    return [Finding(what, "Choose a smaller batch size, crop or frame memory.", "warning" if tight else "bad")]


def check_dropout(look: NetworkLook, settings: TrainingSettings) -> list[Finding]:
    """A dropout that this network does not have."""
    if look.has_dropout or not settings.dropout_p:
        return []
    return [Finding(f"{look.name} has no dropout: the setting has no effect.", "Use weight decay or augmentation.")]


def _kept_bytes(network: StereoNetwork) -> float:
    """Bytes of the maps that autograd keeps for one pair, weights not counted."""
    own = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    own |= {buffer.untyped_storage().data_ptr() for buffer in network.buffers()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    left, right = torch.rand(2, 1, 3, *_PROBE_SIZE)
    network.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        prediction = network(left, right)
    total = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    del prediction
    return float(total)


def _free_mb(settings: TrainingSettings) -> float | None:
    """Free memory of the device; None when it is unknown or not there, which the start of the run says."""
    try:
        device = choose_device(settings.device)
    except SettingsError:
        return None
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0] / _MEGA)
    return float(psutil.virtual_memory().available / _MEGA)
