"""Writes a network as an ONNX file that says what it is, after checking that it computes what torch computes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np

from depthstudio import __version__
from depthstudio.errors import NetworkError
from depthstudio.frames import Image
from depthstudio.inference.backend import TorchBackend
from depthstudio.inference.compiled import as_input, onnxruntime_program
from depthstudio.inference.onnx_graph import to_onnx
from depthstudio.inference.runtimes import import_runtime
from depthstudio.models import StereoNetwork
from depthstudio.storage import write_bytes

LIMIT_PX = 0.05
LIMIT_PERCENTILE = 99.9


@dataclass(frozen=True)
class ExportReport:
    """difference_px: |ONNX - torch| at the 99.9th percentile, one value per pair checked. megabytes: of the file."""

    path: Path
    size: tuple[int, int] | None
    megabytes: float
    difference_px: tuple[float, ...]
    metadata: dict[str, str]

    def lines(self) -> list[str]:
        """For people: the file, what goes in and out, and how the check came out."""
        size = "any size" if self.size is None else f"{self.size[0]}x{self.size[1]} px"
        return [
            f"{self.path}: {self.metadata['network']}, {size}, {self.megabytes:.1f} MB",
            f"In: {self.metadata['inputs']}",
            f"Out: {self.metadata['outputs']}",
            f"Checked with ONNX Runtime against torch on {len(self.difference_px)} pairs: "
            f"99.9 % of the pixels differ by at most {max(self.difference_px):.4f} px (allowed: {LIMIT_PX} px).",
        ]


def export_network(
    network: StereoNetwork,
    path: Path,
    size: tuple[int, int] | None,
    pairs: Iterable[tuple[Image, Image]],
    metadata: Mapping[str, str] | None = None,
) -> ExportReport:
    """Export, check, then write atomically.

    size: (width, height), None for any. pairs: rectified (H, W, 3) uint8 RGB, at least one, scaled to `size` for the
    check; the network should match in them. metadata: further entries for the file.
    NetworkError when onnx or onnxruntime is missing, or when the exported graph differs from torch by more than
    LIMIT_PX at LIMIT_PERCENTILE in any pair; nothing is written then.
    """
    model = _with_metadata(to_onnx(network, size), describe(network, size) | dict(metadata or {}))
    differences = tuple(_differences_px(network, model, size, pairs))
    if not differences:
        raise NetworkError("There is no pair to check the export with.")
    if not max(differences) < LIMIT_PX:
        raise NetworkError(
            f"The exported {network.name} does not compute what torch computes; nothing was written.",
            f"0.1 % of the pixels differ by more than {max(differences):.3f} px; {LIMIT_PX} px is allowed.",
            "Report it with the versions that 'depthstudio doctor' shows.",
        )
    write_bytes(path, model)
    return ExportReport(path, size, len(model) / 1e6, differences, read_metadata(path))


def describe(network: StereoNetwork, size: tuple[int, int] | None) -> dict[str, str]:
    """What a user of the file must know, by name."""
    searched = getattr(network, "max_disparity", None)
    shape = "1x3xHxW, any H and W" if size is None else f"1x3x{size[1]}x{size[0]}"
    return {
        "network": network.name,
        "options": json.dumps(network.options),
        "max_disparity_px": "none" if searched is None else str(searched),
        "size": "dynamic" if size is None else f"{size[0]}x{size[1]}",
        "inputs": f"left, right: float32 {shape}, RGB in 0..1, rectified",
        "normalisation": "inside the graph: ImageNet mean and deviation; padding is inside as well",
        "outputs": "disparity: float32 1xHxW, px of the left view; confidence (where there is one): float32 1xHxW, "
        "probability of an error below 1 px",
        "depth": "metres = focal length of the rectified pair in px * baseline in metres / disparity",
        "producer": f"depthstudio {__version__}, torch {version('torch')}",
    }


def read_metadata(path: Path) -> dict[str, str]:
    """The entries that export_network stored in a file. NetworkError when onnx is missing or the file is none."""
    onnx = import_runtime("onnx")
    try:
        model = onnx.load(path)
    except Exception as error:  # protobuf's errors are its own
        raise NetworkError(f"{path} is no ONNX file.", f"{type(error).__name__}: {error}") from error
    return {entry.key: entry.value for entry in model.metadata_props}


def _with_metadata(model: bytes, metadata: Mapping[str, str]) -> bytes:
    onnx = import_runtime("onnx")
    graph = onnx.load_from_string(model)
    onnx.helper.set_model_props(graph, dict(metadata))
    onnx.checker.check_model(graph)
    content: bytes = graph.SerializeToString()
    return content


def _differences_px(
    network: StereoNetwork, model: bytes, size: tuple[int, int] | None, pairs: Iterable[tuple[Image, Image]]
) -> Iterable[float]:
    reference = TorchBackend(network, "cpu")
    program = onnxruntime_program(model)
    for pair in pairs:
        left, right = (_fitted(image, size) for image in pair)
        disparity_px = program(as_input(left), as_input(right))[0][0]
        expected_px = reference.run(left, right).disparity_px
        yield float(np.percentile(np.abs(disparity_px - expected_px), LIMIT_PERCENTILE))


def _fitted(image: Image, size: tuple[int, int] | None) -> Image:
    """(H, W, 3) at the size wanted."""
    if size is None:
        return np.ascontiguousarray(image)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
