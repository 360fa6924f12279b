"""In which number format to compute; measured rather than assumed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from math import inf

import torch

from depthstudio.models.base import StereoNetwork
from depthstudio.training.optimisation import autocast, channels_last

_PASSES = 3
_PROBE_HEIGHT, _PROBE_WIDTH = 64, 128
_WORTHWHILE = 1.1
_HOPELESS = 3.0


@dataclass(frozen=True)
class PrecisionChoice:
    """bf16: compute in bf16 autocast. note: what the choice rests on, for the run's notes."""

    bf16: bool
    note: str = ""

    @property
    def name(self) -> str:
        """bf16 or fp32."""
        return "bf16" if self.bf16 else "fp32"


def choose_precision(network: StereoNetwork, device: torch.device, wish: str) -> PrecisionChoice:
    """fp32 or bf16 as wished; auto times a few small passes in both and takes bf16 when it is clearly faster.

    On a CPU bf16 is 6 times faster with AMX and 6 times slower without, so no list of devices would do.
    """
    if wish != "auto":
        return PrecisionChoice(wish == "bf16")
    if device.type == "mps":
        return PrecisionChoice(False)
    try:
        seconds_fp32 = _best_seconds(network, device, bf16=False, hopeless=inf)
        seconds_bf16 = _best_seconds(network, device, bf16=True, hopeless=_HOPELESS * seconds_fp32)
    except RuntimeError as error:
        return PrecisionChoice(False, f"bf16 does not work here ({error}).")
    ratio = seconds_fp32 / seconds_bf16
    return PrecisionChoice(ratio > _WORTHWHILE, f"bf16 measured {ratio:.2g} times as fast as fp32.")


def _best_seconds(network: StereoNetwork, device: torch.device, *, bf16: bool, hopeless: float) -> float:
    """Shortest of a few passes after one to warm up; given up after one that takes longer than `hopeless`."""
    _pass_seconds(network, device, bf16=bf16)
    shortest = inf
    for _ in range(_PASSES):
        shortest = min(shortest, _pass_seconds(network, device, bf16=bf16))
        if shortest > hopeless:
            break
    return shortest


def _pass_seconds(network: StereoNetwork, device: torch.device, *, bf16: bool) -> float:
    """Time of a small forward and backward pass. In eval mode, so that no statistic and no random number changes."""
    was_training = network.training
    network.eval()
    images = channels_last(torch.full((1, 3, _PROBE_HEIGHT, _PROBE_WIDTH), 0.5, device=device))
    _wait(device)
    started = time.perf_counter()
    with autocast(device, bf16):
        disparity = network(images, images).disparity
    disparity.float().mean().backward()
    _wait(device)
    seconds = time.perf_counter() - started
    network.zero_grad(set_to_none=True)
    network.train(was_training)
    return seconds


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
