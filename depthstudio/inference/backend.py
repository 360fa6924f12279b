"""Backend: what computes a network. The predictor does everything around it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from depthstudio.frames import FloatMap, Image
from depthstudio.inference.device import choose_device
from depthstudio.models import StereoNetwork


class BackendOutput(NamedTuple):
    """disparity_px: (H, W) float32 at the input's size. confidence: (H, W) float32 in 0..1, None when there is none."""

    disparity_px: FloatMap
    confidence: FloatMap | None


class Backend(Protocol):
    """One way to run a network. Scaling, normalisation and padding are its own business."""

    @property
    def name(self) -> str:
        """For people: runtime, device and number format."""
        ...

    @property
    def precision(self) -> str:
        """Number format of the computation: fp32, bf16 or fp16."""
        ...

    def prepare(self, size: tuple[int, int]) -> None:
        """Do now what the first run at this (width, height) would have to do; may take seconds."""
        ...

    def run(self, left: Image, right: Image) -> BackendOutput:
        """left, right: (H, W, 3) uint8 RGB, rectified, contiguous, any size."""
        ...


class TorchBackend:
    """PyTorch in fp32. Takes the network over: moves it to the device and puts it into evaluation mode.

    threads: computing threads of the whole process on a CPU; None leaves torch's choice.
    """

    precision = "fp32"

    def __init__(self, network: StereoNetwork, device: str = "auto", threads: int | None = None) -> None:
        self.device = choose_device(device)
        self._network = network.to(self.device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        if threads is not None:
            torch.set_num_threads(threads)

    @property
    def name(self) -> str:
        """See Backend.name."""
        return f"torch {self.device} fp32"

    def prepare(self, size: tuple[int, int]) -> None:
        """See Backend.prepare."""
        empty = np.zeros((size[1], size[0], 3), np.uint8)
        self.run(empty, empty)

    @torch.inference_mode()
    def run(self, left: Image, right: Image) -> BackendOutput:
        """See Backend.run."""
        prediction = self._network(self._tensor(left), self._tensor(right))
        confidence = None if prediction.confidence is None else _map(prediction.confidence)
        return BackendOutput(_map(prediction.disparity), confidence)

    def _tensor(self, image: Image) -> Tensor:
        """(H, W, 3) uint8 -> (1, 3, H, W) float32 in [0, 1]; the image's own memory order is channels_last already."""
        readable = image if image.flags.writeable else image.copy()
        return torch.from_numpy(readable).to(self.device).permute(2, 0, 1)[None].float().div_(255)


def _map(values: Tensor) -> FloatMap:
    return np.ascontiguousarray(values[0].float().cpu().numpy())
