"""A network as an ONNX graph, in memory: what ONNX Runtime and OpenVINO read, and what export writes to a file."""

from __future__ import annotations

import copy
import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from depthstudio.errors import NetworkError
from depthstudio.inference.half_resolution import HalfResolution
from depthstudio.inference.runtimes import import_runtime
from depthstudio.models import StereoNetwork

OPSET = 17
INPUTS = ("left", "right")
OUTPUTS = ("disparity", "confidence")
FREE_AXES = ("width", "height")  # names of the free sizes in a dynamic graph
# Neither side is a multiple of what networks pad to, so that the padding becomes part of a dynamic graph.
_DYNAMIC_EXAMPLE = (150, 100)
_exporting = threading.Lock()  # torch.onnx keeps its state in globals


def to_onnx(network: StereoNetwork | HalfResolution, size: tuple[int, int] | None) -> bytes:
    """The network with its present weights and max_disparity as an ONNX model. The network itself stays as it is.

    size: (width, height) of the images; None leaves both free. Inputs "left", "right": (1, 3, H, W) float32 RGB in
    [0, 1]; padding and normalisation are inside. Outputs "disparity" (1, H, W) float32 px and, for networks that have
    it, "confidence" (1, H, W) float32. Raises NetworkError when torch cannot export it, or onnx is missing.
    """
    import_runtime("onnx")  # torch's exporter needs it
    graph, example = _graph_of(network), _example(size)
    with torch.inference_mode():
        count = len(graph(*(torch.zeros(1, 3, 64, 64),) * 2))
    outputs = OUTPUTS[:count]
    content = io.BytesIO()
    with _exporting, torch.inference_mode(), _quiet():
        try:
            torch.onnx.export(
                graph,
                (example, example),
                content,  # type: ignore[arg-type]  # a file object is fine for this exporter
                dynamo=False,  # the newer exporter needs a further package and gains nothing here
                opset_version=OPSET,
                input_names=list(INPUTS),
                output_names=list(outputs),
                dynamic_axes=_free_axes(outputs) if size is None else None,
            )
        except Exception as error:  # whatever an operator without an ONNX form raises
            raise NetworkError(
                f"{network.name} cannot be exported to ONNX.", f"{type(error).__name__}: {error}"
            ) from error
    return content.getvalue()


def to_torchscript(network: StereoNetwork | HalfResolution, size: tuple[int, int] | None) -> torch.jit.ScriptModule:
    """The same graph as to_onnx, with the same inputs and a tuple of its outputs, as traced TorchScript."""
    graph, example = _graph_of(network), _example(size)
    with _exporting, torch.inference_mode(), _quiet():
        try:
            traced: torch.jit.ScriptModule = torch.jit.trace(graph, (example, example), check_trace=False)
        except Exception as error:  # whatever an operator that cannot be traced raises
            raise NetworkError(
                f"{network.name} cannot be exported to TorchScript.", f"{type(error).__name__}: {error}"
            ) from error
    return traced


def _graph_of(network: StereoNetwork | HalfResolution) -> _Graph:
    copied = copy.deepcopy(network).to("cpu")
    for module in copied.modules():
        if hasattr(module, "exporting"):
            marked: Any = module
            marked.exporting = True  # the same numbers from operations that other runtimes are quick at
    return _Graph(copied).eval()


def _example(size: tuple[int, int] | None) -> Tensor:
    width, height = size or _DYNAMIC_EXAMPLE
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


class OnnxSource:
    """A network's graph for any image size, exported when first asked for and when the searched range changed."""

    def __init__(self, network: StereoNetwork) -> None:
        self._network = network
        self._lock = threading.Lock()
        self._last: tuple[int | None, bytes] | None = None

    @property
    def max_disparity(self) -> int | None:
        """The range that graph() searches now, px; None for networks that do not search."""
        return getattr(self._network, "max_disparity", None)

    def graph(self) -> bytes:
        """The ONNX model, see to_onnx; runtimes fix its size themselves, which is quicker than exporting each size."""
        with self._lock:
            if self._last is None or self._last[0] != self.max_disparity:
                self._last = self.max_disparity, to_onnx(self._network, None)
            return self._last[1]


class _Graph(nn.Module):
    """What is exported: outputs as a plain tuple, without the training's auxiliary ones."""

    def __init__(self, network: StereoNetwork | HalfResolution) -> None:
        super().__init__()
        self.network = network

    def forward(self, left: Tensor, right: Tensor) -> tuple[Tensor, ...]:
        """See to_onnx."""
        disparity, confidence, *_ = self.network(left, right)
        return (disparity,) if confidence is None else (disparity, confidence)


def _free_axes(outputs: tuple[str, ...]) -> dict[str, dict[int, str]]:
    width, height = FREE_AXES
    images = {name: {2: height, 3: width} for name in INPUTS}
    return images | {name: {1: height, 2: width} for name in outputs}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the tracer's warnings: the constants it speaks of are meant to be constants."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
