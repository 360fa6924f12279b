"""Predictor: camera images in, disparity of the rectified left view out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from depthstudio.errors import NetworkError
from depthstudio.frames import FloatMap, Image
from depthstudio.geometry import RectifiedGeometry, Rectifier
from depthstudio.inference.backend import BackendOutput
from depthstudio.inference.reach import set_max_disparity
from depthstudio.inference.selection import SelectedBackend
from depthstudio.models import StereoNetwork, load_network


@dataclass(frozen=True, eq=False)
class Prediction:
    """disparity_px: (H, W) float32 px of the rectified left view, at the input's size.

    confidence: (H, W) float32, probability of an error below 1 px (2 px at half resolution); None for methods without.
    left_rectified: (H, W, 3) uint8 RGB, the image that disparity_px belongs to.
    inference_ms: from the raw images to the finished map, rectification included.
    """

    disparity_px: FloatMap
    confidence: FloatMap | None
    left_rectified: Image
    inference_ms: float


class Predictor:
    """A network with everything around it: rectification, grey to RGB, scaling, padding.

    network: the network (which the predictor takes over) or a file of one. rectifier: None when images come rectified.
    device: auto, cpu, cuda ... threads: see TorchBackend. max_disparity: px searched, for networks that search.
    backend: torch, onnxruntime, openvino, openvino-bf16, openvino-fp16, or auto, the fastest that works here; see
    SelectedBackend and `notes`. Compiled ones take seconds for each new image size: warm_up() has it done beforehand.
    half_resolution: compute on images half as wide and high: about four times as fast, twice the reach, less detail.
    NetworkError when the file is unusable.
    """

    def __init__(
        self,
        network: StereoNetwork | Path | str,
        rectifier: Rectifier | None = None,
        device: str = "auto",
        *,
        threads: int | None = None,
        max_disparity: int | None = None,
        backend: str = "torch",
        half_resolution: bool = False,
    ) -> None:
        self._network = load_network(network).network if isinstance(network, Path | str) else network
        self._scale = 2 if half_resolution else 1
        if max_disparity is not None:
            set_max_disparity(self._network, -(-max_disparity // self._scale))
        self.network_name = self._network.name
        self.rectifier = rectifier
        self._backend = SelectedBackend(self._network, backend, device, threads)

    @property
    def name(self) -> str:
        """Network and backend, for people."""
        half = " at half resolution" if self._scale > 1 else ""
        return f"{self.network_name}{half} ({self.backend})"

    @property
    def backend(self) -> str:
        """What computes now: runtime, device and number format."""
        return self._backend.name

    @property
    def precision(self) -> str:
        """Number format of the computation: fp32, bf16 or fp16."""
        return self._backend.precision

    @property
    def notes(self) -> list[str]:
        """What was chosen among the backends and which ones cannot be used, in sentences."""
        return list(self._backend.notes)

    @property
    def max_disparity(self) -> int | None:
        """Largest disparity searched, px of the images given; None for networks that do not search."""
        searched = getattr(self._network, "max_disparity", None)
        return None if searched is None else searched * self._scale

    @property
    def geometry(self) -> RectifiedGeometry | None:
        """What turns the disparity into depth; None without a rectifier."""
        return None if self.rectifier is None else self.rectifier.geometry

    def warm_up(self, size: tuple[int, int]) -> None:
        """Choose and compile for images of this (width, height) and run once, so that the first real pair is not slow.

        May take seconds: never on a window's thread.
        """
        self._backend.prepare(self._network_size(size))

    def predict(self, left: Image, right: Image) -> Prediction:
        """Disparity of one pair as the cameras delivered it, (H, W) or (H, W, 3) RGB, uint8.

        NetworkError when the images do not fit together, CalibrationError when they do not fit the rectifier.
        """
        started = time.perf_counter()
        if self.rectifier is not None:
            left, right = self.rectifier.rectify_left(left), self.rectifier.rectify_right(right)
        left, right = _rgb(left), _rgb(right)
        if left.shape != right.shape:
            raise NetworkError(
                f"The left image is {_size(left)} px and the right one {_size(right)} px.",
                "A rectified pair has one size.",
                "Give images of one pair, or the calibration that rectifies them.",
            )
        disparity_px, confidence = self._run(left, right)
        return Prediction(disparity_px, confidence, left, (time.perf_counter() - started) * 1000.0)

    def _run(self, left: Image, right: Image) -> BackendOutput:
        if self._scale == 1:
            return self._backend.run(left, right)
        size = (left.shape[1], left.shape[0])
        smaller = (cv2.resize(image, self._network_size(size), interpolation=cv2.INTER_AREA) for image in (left, right))
        disparity_px, confidence = self._backend.run(*map(_rgb, smaller))
        enlarged = cv2.resize(disparity_px, size) * np.float32(size[0] / disparity_px.shape[1])
        return BackendOutput(enlarged, None if confidence is None else np.float32(1) * cv2.resize(confidence, size))

    def _network_size(self, size: tuple[int, int]) -> tuple[int, int]:
        return -(-size[0] // self._scale), -(-size[1] // self._scale)


def _rgb(image: Image | cv2.typing.MatLike) -> Image:
    """(H, W) grey or (H, W, 3) as contiguous (H, W, 3)."""
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise NetworkError(
            f"An image of {image.dtype} {image.shape} cannot be used.", "Images are 8 bit, grey or three channels."
        )
    return np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image, np.uint8)


def _size(image: Image) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
