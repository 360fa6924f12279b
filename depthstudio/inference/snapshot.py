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
from depthstudio.geometry import Rectifier
from depthstudio.geometry.point_cloud import point_cloud, write_ply
from depthstudio.inference.live_result import NETWORK, LiveResult
from depthstudio.storage import atomic_path, write_bytes, write_text

_DEPTH_LIMIT_MM = 65535


def write_snapshot(folder: Path, result: LiveResult, about: Mapping[str, Any], rectifier: Rectifier | None) -> None:
    """Write one frame and everything made of it.

    left.png, right.png: the rectified pair. left_raw.png, right_raw.png: as the cameras delivered it, where a rectifier
    makes a difference; likewise color.png and depth_raw.png (16-bit mm). disparity.npy (float32 px, NaN = none),
    depth.png (16 bit, mm, 0 = none or beyond 65.5 m) and confidence.npy: the network's own; other methods and the steps
    after the network have their name in front. cloud.ply: metres, colours. settings.json: `about`, the steps, the
    geometry and the frame's number and time. OSError when the disk refuses.
    """
    _write_pictures(folder, result, rectifier)
    for name, disparity_px in result.disparity_px.items():
        prefix = "" if name == NETWORK else f"{name}_"
        _write_array(folder / f"{prefix}disparity.npy", disparity_px)
        if name in result.depth_m:
            _write_png(folder / f"{prefix}depth.png", millimetres(result.depth_m[name]))
    for name, confidence in result.confidence.items():
        _write_array(folder / f"{'' if name == NETWORK else f'{name}_'}confidence.npy", confidence)
    if result.geometry is not None:
        cloud = point_cloud(result.prediction.disparity_px, result.geometry, result.prediction.left_rectified)
        write_ply(folder / "cloud.ply", cloud)
    write_text(folder / "settings.json", json.dumps(_facts(result, about), indent=2, ensure_ascii=False) + "\n")


def millimetres(depth_m: FloatMap) -> DepthMm:
    """(H, W) float32 metres, NaN = none, as uint16 millimetres, 0 = none or out of range."""
    mm = np.rint(depth_m * np.float32(1000))
    return np.where((mm > 0) & (mm <= _DEPTH_LIMIT_MM), mm, 0).astype(np.uint16)


def _write_pictures(folder: Path, result: LiveResult, rectifier: Rectifier | None) -> None:
    frame = result.frame
    _write_png(folder / "left.png", result.prediction.left_rectified)
    if frame.right is not None:
        right = frame.right if rectifier is None else rectifier.rectify_right(frame.right)
        _write_png(folder / "right.png", right)
        if rectifier is not None:
            _write_png(folder / "right_raw.png", frame.right)
    if rectifier is not None:
        _write_png(folder / "left_raw.png", frame.left)
    if frame.color is not None:
        _write_png(folder / "color.png", frame.color)
    if frame.depth_mm is not None:
        _write_png(folder / "depth_raw.png", frame.depth_mm)


def _facts(result: LiveResult, about: Mapping[str, Any]) -> dict[str, Any]:
    geometry, steps = result.geometry, result.steps
    return {
        **about,
        "frame": result.frame.number,
        "timestamp_s": result.frame.timestamp_s,
        "inference_ms": round(result.prediction.inference_ms, 2),
        "least_confidence": steps.least_confidence,
        "smoothing": steps.smoothing,
        "fill_holes": steps.fill_holes,
        "focal_px": geometry and geometry.focal_px,
        "baseline_m": geometry and geometry.baseline_m,
        "cx": geometry and geometry.cx,
        "cy": geometry and geometry.cy,
        "disparity_shift_px": geometry and geometry.disparity_shift_px,
    }


def _write_array(path: Path, values: FloatMap) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, values)


def _write_png(path: Path, pixels: Image | NDArray[np.uint16]) -> None:
    stored = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    done, encoded = cv2.imencode(".png", stored)
    if not done:
        raise OSError(f"{path.name} cannot be encoded")
    write_bytes(path, encoded.tobytes())
