"""The packages that only some ways of running a network need; without them the others still work."""

from __future__ import annotations

import importlib
from typing import Any

from depthstudio.errors import NetworkError

_TITLES = {"onnx": "ONNX", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}


def import_runtime(module: str) -> Any:
    """The module onnx, onnxruntime or openvino. NetworkError when it is missing or does not load here."""
    try:
        return importlib.import_module(module)
    except (ImportError, OSError) as error:
        raise NetworkError(
            f"{_TITLES[module]} cannot be used here.", f"{error}.", f"It comes with: pip install {module}"
        ) from error
