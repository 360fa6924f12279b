"""Predictor: camera images in, disparity of the rectified left view out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from depthstudio.errors import NetworkError
from depthstudio.frames import FloatMap, Image
from depthstudio.geometry import RectifiedGeometry, Rectifier
from depthstudio.inference.backend import Backend, TorchBackend
from depthstudio.inference.reach import set_max_disparity
from depthstudio.models import StereoNetwork, load_network


@dataclass(frozen=True, eq=False)
class Prediction:
    """disparity_px: (H, W) float32 px of the rectified left view, at the input's size.

    confidence: (H, W) float32, probability of an error below 1 px; None for methods without.
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
    ) -> None:
        loaded = load_network(network).network if isinstance(network, Path | str) else network
        if max_disparity is not None:
            set_max_disparity(loaded, max_disparity)
        self.network_name = loaded.name
        self.max_disparity: int | None = getattr(loaded, "max_disparity", None)
        self.rectifier = rectifier
        self._backend: Backend = TorchBackend(loaded, device, threads)

    @property
    def name(self) -> str:
        """Network and backend, for people."""
        return f"{self.network_name} ({self._backend.name})"

    @property
    def geometry(self) -> RectifiedGeometry | None:
        """What turns the disparity into depth; None without a rectifier."""
        return None if self.rectifier is None else self.rectifier.geometry

    def warm_up(self, size: tuple[int, int]) -> None:
        """Run once on empty images of this (width, height), so that the first real pair is not slow."""
        empty = np.zeros((size[1], size[0], 3), np.uint8)
        self._backend.run(empty, empty)

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
        disparity_px, confidence = self._backend.run(left, right)
        return Prediction(disparity_px, confidence, left, (time.perf_counter() - started) * 1000.0)


def _rgb(image: Image) -> Image:
    """(H, W) grey or (H, W, 3) as contiguous (H, W, 3)."""
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise NetworkError(
            f"An image of {image.dtype} {image.shape} cannot be used.", "Images are 8 bit, grey or three channels."
        )
    return np.ascontiguousarray(np.repeat(image[:, :, None], 3, axis=2) if image.ndim == 2 else image)


def _size(image: Image) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
