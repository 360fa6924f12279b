"""One live result as a folder of files that other programs read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.frames import DepthMm, FloatMap, Image
from depthstudio.inference.live import NETWORK, LiveResult
from depthstudio.storage import atomic_path, write_bytes, write_text

_DEPTH_LIMIT_MM = 65535


def write_snapshot(folder: Path, result: LiveResult, about: Mapping[str, Any]) -> None:
    """Write left.png, right.png, a .npy of disparities (float32 px, NaN = none) and a 16-bit .png of depth per method.

    left.png and all maps are the rectified left view; right.png is as the camera delivered it. Depth is in millimetres,
    0 = none or beyond 65.5 m. settings.json holds `about`, the geometry and the frame's number and time. OSError when
    the disk refuses.
    """
    _write_png(folder / "left.png", result.prediction.left_rectified)
    if result.frame.right is not None:
        _write_png(folder / "right.png", result.frame.right)
    for name, disparity_px in result.disparity_px.items():
        prefix = "" if name == NETWORK else f"{name}_"
        with atomic_path(folder / f"{prefix}disparity.npy") as temporary:
            np.save(temporary, disparity_px)
        if name in result.depth_m:
            _write_png(folder / f"{prefix}depth.png", millimetres(result.depth_m[name]))
    geometry = result.geometry
    facts = {
        **about,
        "frame": result.frame.number,
        "timestamp_s": result.frame.timestamp_s,
        "inference_ms": round(result.prediction.inference_ms, 2),
        "focal_px": geometry and geometry.focal_px,
        "baseline_m": geometry and geometry.baseline_m,
        "cx": geometry and geometry.cx,
        "cy": geometry and geometry.cy,
        "disparity_shift_px": geometry and geometry.disparity_shift_px,
    }
    write_text(folder / "settings.json", json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


def millimetres(depth_m: FloatMap) -> DepthMm:
    """(H, W) float32 metres, NaN = none, as uint16 millimetres, 0 = none or out of range."""
    mm = np.rint(depth_m * np.float32(1000))
    return np.where((mm > 0) & (mm <= _DEPTH_LIMIT_MM), mm, 0).astype(np.uint16)


def _write_png(path: Path, pixels: Image | NDArray[np.uint16]) -> None:
    stored = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    done, encoded = cv2.imencode(".png", stored)
    if not done:
        raise OSError(f"{path.name} cannot be encoded")
    write_bytes(path, encoded.tobytes())
