"""Writes a network as a file for other runtimes, after checking that it computes what torch computes.

ONNX (.onnx), OpenVINO IR (.xml with its .bin beside it) and TorchScript (.pt), all with the same inputs and outputs,
and all saying about themselves what goes in and comes out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch

from depthstudio import __version__
from depthstudio.errors import NetworkError
from depthstudio.frames import FloatMap, Image
from depthstudio.inference.compiled import Program, as_input, onnxruntime_program, openvino_program
from depthstudio.inference.half_resolution import HalfResolution
from depthstudio.inference.onnx_graph import to_onnx, to_torchscript
from depthstudio.inference.runtimes import import_runtime
from depthstudio.models import StereoNetwork
from depthstudio.storage import atomic_path, check_target

LIMIT_PX = 0.05
LIMIT_PERCENTILE = 99.9
FORMATS = {".onnx": "ONNX", ".xml": "OpenVINO IR", ".pt": "TorchScript"}
_CHECKED_WITH = {".onnx": "ONNX Runtime", ".xml": "OpenVINO", ".pt": "TorchScript"}
_METADATA_FILE = "depthstudio.json"  # inside a TorchScript archive
_METADATA_SECTION = "depthstudio"  # of an OpenVINO file's run-time information


@dataclass(frozen=True)
class ExportReport:
    """difference_px: |exported - torch| at the 99.9th percentile, one value per pair checked. megabytes: all files.

    paths: what was written; `path`, the first, is the one to open.
    """

    paths: tuple[Path, ...]
    size: tuple[int, int] | None
    megabytes: float
    difference_px: tuple[float, ...]
    metadata: dict[str, str]

    @property
    def path(self) -> Path:
        """The file to open."""
        return self.paths[0]

    def lines(self) -> list[str]:
        """For people: the file, what goes in and out, and how the check came out."""
        size = "any size" if self.size is None else f"{self.size[0]}x{self.size[1]} px"
        half = ", computed at half resolution" if self.metadata["resolution"] == "half" else ""
        return [
            f"{self.path}: {self.metadata['network']}, {size}{half}, {self.megabytes:.1f} MB",
            f"In: {self.metadata['inputs']}",
            f"Out: {self.metadata['outputs']}",
            f"Checked with {_CHECKED_WITH[self.path.suffix]} against torch on {len(self.difference_px)} pairs: "
            f"99.9 % of the pixels differ by at most {max(self.difference_px):.4f} px (allowed: {LIMIT_PX} px).",
        ]


def check_format(path: Path) -> None:
    """NetworkError when a network cannot be written under this name."""
    if path.suffix not in FORMATS:
        known = ", ".join(f"{suffix} ({name})" for suffix, name in FORMATS.items())
        raise NetworkError(
            f"A network cannot be exported as '{path.name}'.",
            f"The ending of the name says the format: {known}.",
            "Choose one of these endings.",
        )


def export_network(
    network: StereoNetwork,
    path: Path,
    size: tuple[int, int] | None,
    pairs: Iterable[tuple[Image, Image]],
    metadata: Mapping[str, str] | None = None,
    *,
    half_resolution: bool = False,
) -> ExportReport:
    """Export in the format that the suffix names, check, then put in place.

    size: (width, height), None for any. pairs: rectified (H, W, 3) uint8 RGB, at least one, scaled to `size` for the
    check; the network should match in them. metadata: further entries for the file.
    half_resolution: see HalfResolution.
    NetworkError for another suffix, when a package is missing, or when the exported graph differs from torch by more
    than LIMIT_PX at LIMIT_PERCENTILE in any pair; nothing is written then.
    """
    check_format(path)
    check_target(path)
    whole: StereoNetwork | HalfResolution = HalfResolution(network) if half_resolution else network
    facts = describe(whole, size) | dict(metadata or {})
    write, load = _WRITERS[path.suffix]
    with TemporaryDirectory() as folder:  # built and checked here, so that a refused export leaves nothing behind
        files = write(whole, Path(folder) / path.name, size, facts)
        differences = tuple(_differences_px(whole, load(files[0]), size, pairs))
        _judge(whole, differences)
        paths = tuple(path.with_name(file.name) for file in files)
        for file, target in reversed(list(zip(files, paths, strict=True))):
            with atomic_path(target) as temporary:
                temporary.write_bytes(file.read_bytes())
    megabytes = sum(file.stat().st_size for file in paths) / 1e6
    return ExportReport(paths, size, megabytes, differences, facts)


def describe(network: StereoNetwork | HalfResolution, size: tuple[int, int] | None) -> dict[str, str]:
    """What a user of the file must know, by name."""
    searched = getattr(network, "max_disparity", None)
    shape = "1x3xHxW, any H and W" if size is None else f"1x3x{size[1]}x{size[0]}"
    half = isinstance(network, HalfResolution)
    return {
        "network": network.network.name if isinstance(network, HalfResolution) else network.name,
        "options": json.dumps(network.options),
        "max_disparity_px": "none" if searched is None else str(searched),
        "size": "dynamic" if size is None else f"{size[0]}x{size[1]}",
        "resolution": "half" if half else "full",
        "inputs": f"left, right: float32 {shape}, RGB in 0..1, rectified",
        "normalisation": "inside the graph: ImageNet mean and deviation; padding is inside as well",
        "outputs": "disparity: float32 1xHxW, px of the left view; confidence (where there is one): float32 1xHxW, "
        f"probability of an error below {2 if half else 1} px",
        "depth": "metres = focal length of the rectified pair in px * baseline in metres / disparity",
        "producer": f"depthstudio {__version__}, torch {version('torch')}",
    }


def read_metadata(path: Path) -> dict[str, str]:
    """The entries that export_network stored in a file. NetworkError when the file is none of these formats."""
    check_format(path)
    try:
        return _READERS[path.suffix](path)
    except NetworkError:
        raise
    except Exception as error:  # every library has errors of its own
        raise NetworkError(f"{path} is no {FORMATS[path.suffix]} file.", f"{type(error).__name__}: {error}") from error


# ---- the formats: (network, target, size, facts) -> files written, the one to open first; and how to run it

Writer = Callable[[StereoNetwork | HalfResolution, Path, tuple[int, int] | None, Mapping[str, str]], list[Path]]


def _write_onnx(
    network: StereoNetwork | HalfResolution, path: Path, size: tuple[int, int] | None, facts: Mapping[str, str]
) -> list[Path]:
    onnx = import_runtime("onnx")
    graph = onnx.load_from_string(to_onnx(network, size))
    onnx.helper.set_model_props(graph, dict(facts))
    onnx.checker.check_model(graph)
    path.write_bytes(graph.SerializeToString())
    return [path]


def _write_openvino(
    network: StereoNetwork | HalfResolution, path: Path, size: tuple[int, int] | None, facts: Mapping[str, str]
) -> list[Path]:
    openvino = import_runtime("openvino")
    graph = openvino.Core().read_model(to_onnx(network, size))
    for name, value in facts.items():
        graph.set_rt_info(value, [_METADATA_SECTION, name])
    openvino.save_model(graph, path, compress_to_fp16=False)
    return [path, path.with_suffix(".bin")]


def _write_torchscript(
    network: StereoNetwork | HalfResolution, path: Path, size: tuple[int, int] | None, facts: Mapping[str, str]
) -> list[Path]:
    torch.jit.save(to_torchscript(network, size), str(path), {_METADATA_FILE: json.dumps(dict(facts))})
    return [path]


def _torchscript_program(path: Path) -> Program:
    module = torch.jit.load(str(path), map_location="cpu")

    @torch.inference_mode()
    def program(left: FloatMap, right: FloatMap) -> list[FloatMap]:
        return [output.numpy() for output in module(torch.from_numpy(left), torch.from_numpy(right))]

    return program


_WRITERS: dict[str, tuple[Writer, Callable[[Path], Program]]] = {
    ".onnx": (_write_onnx, lambda path: onnxruntime_program(path.read_bytes())),
    ".xml": (_write_openvino, lambda path: openvino_program(str(path))),
    ".pt": (_write_torchscript, _torchscript_program),
}


def _read_onnx(path: Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in import_runtime("onnx").load(path).metadata_props}


def _read_openvino(path: Path) -> dict[str, str]:
    found = import_runtime("openvino").Core().read_model(str(path)).get_rt_info([_METADATA_SECTION]).value
    return {str(name): str(getattr(value, "value", value)) for name, value in found.items()}


def _read_torchscript(path: Path) -> dict[str, str]:
    stored = {_METADATA_FILE: ""}
    torch.jit.load(str(path), map_location="cpu", _extra_files=stored)
    return dict(json.loads(stored[_METADATA_FILE]))


_READERS = {".onnx": _read_onnx, ".xml": _read_openvino, ".pt": _read_torchscript}


def _differences_px(
    network: StereoNetwork | HalfResolution,
    program: Program,
    size: tuple[int, int] | None,
    pairs: Iterable[tuple[Image, Image]],
) -> Iterable[float]:
    was_training = network.training
    network.eval()
    try:
        for pair in pairs:
            left, right = (as_input(_fitted(image, size)) for image in pair)
            disparity_px = program(left, right)[0][0]
            expected_px = _torch_disparity(network, left, right)
            yield float(np.percentile(np.abs(disparity_px - expected_px), LIMIT_PERCENTILE))
    finally:
        network.train(was_training)


@torch.inference_mode()
def _torch_disparity(network: StereoNetwork | HalfResolution, left: FloatMap, right: FloatMap) -> FloatMap:
    where = next(network.parameters()).device
    prediction = network(torch.from_numpy(left).to(where), torch.from_numpy(right).to(where))
    return np.asarray(prediction.disparity[0].float().cpu().numpy(), np.float32)


def _judge(network: StereoNetwork | HalfResolution, differences_px: tuple[float, ...]) -> None:
    if not differences_px:
        raise NetworkError("There is no pair to check the export with.")
    if not max(differences_px) < LIMIT_PX:
        raise NetworkError(
            f"The exported {network.name} does not compute what torch computes; nothing was written.",
            f"0.1 % of the pixels differ by more than {max(differences_px):.3f} px; {LIMIT_PX} px is allowed.",
            "Report it with the versions that 'depthstudio doctor' shows.",
        )


def _fitted(image: Image, size: tuple[int, int] | None) -> Image:
    """(H, W, 3) at the size wanted."""
    if size is None:
        return np.ascontiguousarray(image)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
