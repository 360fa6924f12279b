"""ONNX Runtime and OpenVINO: backends that compile the exported graph for one image size at a time."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np

from depthstudio.errors import NetworkError
from depthstudio.frames import FloatMap, Image
from depthstudio.inference.backend import BackendOutput
from depthstudio.inference.onnx_graph import FREE_AXES, INPUTS, OnnxSource
from depthstudio.inference.runtimes import import_runtime

# (1, 3, H, W) float32 twice -> (1, H, W) float32 disparity and perhaps confidence, in memory of their own.
Program = Callable[[FloatMap, FloatMap], Sequence[FloatMap]]
# INFERENCE_PRECISION_HINT of each number format, and the capability by which OpenVINO says that the CPU has it.
_OPENVINO_PRECISIONS = {"fp32": ("f32", "FP32"), "bf16": ("bf16", "BF16"), "fp16": ("f16", "FP16")}


class CompiledBackend(ABC):
    """Compiles when the size or the searched range changes. threads: None leaves the runtime's choice."""

    precision = "fp32"

    def __init__(self, source: OnnxSource, threads: int | None = None) -> None:
        self._source = source
        self._threads = threads
        self._lock = threading.Lock()
        self._compiled: tuple[tuple[object, ...], Program] | None = None

    @property
    @abstractmethod
    def name(self) -> str:
        """See Backend.name."""

    def prepare(self, size: tuple[int, int]) -> None:
        """See Backend.prepare. NetworkError when the network cannot be exported; else whatever the runtime raises."""
        empty = np.zeros((size[1], size[0], 3), np.uint8)
        self.run(empty, empty)

    def run(self, left: Image, right: Image) -> BackendOutput:
        """See Backend.run."""
        with self._lock:
            program = self._program((left.shape[1], left.shape[0]))
            maps = program(as_input(left), as_input(right))
        return BackendOutput(maps[0][0], maps[1][0] if len(maps) > 1 else None)

    def _program(self, size: tuple[int, int]) -> Program:
        key = (*size, self._source.max_disparity)
        if self._compiled is None or self._compiled[0] != key:
            self._compiled = None  # its memory is free before the next one needs it
            self._compiled = key, self._compile(self._source.graph(), size)
        return self._compiled[1]

    @abstractmethod
    def _compile(self, model: bytes, size: tuple[int, int]) -> Program:
        """Make the graph ready to run for this (width, height)."""


class OnnxRuntimeBackend(CompiledBackend):
    """ONNX Runtime on the CPU, fp32. NetworkError when it is not installed."""

    def __init__(self, source: OnnxSource, threads: int | None = None) -> None:
        super().__init__(source, threads)
        import_runtime("onnxruntime")

    @property
    def name(self) -> str:
        """See Backend.name."""
        return "ONNX Runtime cpu fp32"

    def _compile(self, model: bytes, size: tuple[int, int]) -> Program:
        return onnxruntime_program(model, size, self._threads)


class OpenVinoBackend(CompiledBackend):
    """OpenVINO on the CPU. precision: fp32, bf16 or fp16.

    NetworkError when it is not installed, or when the CPU lacks the number format: emulated it is slower than fp32.
    """

    def __init__(self, source: OnnxSource, threads: int | None = None, precision: str = "fp32") -> None:
        super().__init__(source, threads)
        if precision not in openvino_precisions():
            raise NetworkError(f"This CPU does not compute in {precision}.", next_step="Use fp32.")
        self.precision = precision

    @property
    def name(self) -> str:
        """See Backend.name."""
        return f"OpenVINO cpu {self.precision}"

    def _compile(self, model: bytes, size: tuple[int, int]) -> Program:
        graph = _openvino_core().read_model(model)
        shape = [1, 3, size[1], size[0]]
        graph.reshape({0: shape, 1: shape})
        return openvino_program(graph, self.precision, self._threads)


def onnxruntime_program(model: bytes, size: tuple[int, int] | None = None, threads: int | None = None) -> Program:
    """An ONNX model of to_onnx made ready in ONNX Runtime; size: fixes the (width, height) of a dynamic one.

    NetworkError when ONNX Runtime is not installed.
    """
    runtime = import_runtime("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    # Waiting threads sleep: cameras, the window and a training need the processor between two frames.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads is not None:
        options.intra_op_num_threads = threads
    for name, length in zip(FREE_AXES, size or (), strict=False):
        options.add_free_dimension_override_by_name(name, length)
    session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda left, right: session.run(None, dict(zip(INPUTS, (left, right), strict=True)))


def openvino_program(model: Any, precision: str = "fp32", threads: int | None = None) -> Program:
    """A graph, or the path of one (.xml, .onnx), made ready in OpenVINO on the CPU. NetworkError when not installed."""
    options: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": _OPENVINO_PRECISIONS[precision][0],
    }
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = threads
    request = _openvino_core().compile_model(model, "CPU", options).create_infer_request()

    def program(left: FloatMap, right: FloatMap) -> list[FloatMap]:
        results = request.infer({0: left, 1: right}, share_inputs=True, share_outputs=True)
        return [np.array(results[index]) for index in range(len(results))]

    return program


def openvino_precisions() -> list[str]:
    """Number formats that OpenVINO computes in natively here, fp32 first. NetworkError when it is not installed."""
    there = _openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [precision for precision, (_, capability) in _OPENVINO_PRECISIONS.items() if capability in there]


def as_input(image: Image) -> FloatMap:
    """(H, W, 3) uint8 -> (1, 3, H, W) float32 in [0, 1]."""
    return np.asarray(cv2.dnn.blobFromImage(image, 1 / 255), np.float32)


@cache
def _openvino_core() -> Any:
    return import_runtime("openvino").Core()
