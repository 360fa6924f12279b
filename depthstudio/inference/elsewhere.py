"""A folder that predicts depth without DepthStudio: the network, the rectification, a short script and notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from depthstudio.errors import SettingsError
from depthstudio.frames import Image
from depthstudio.geometry import Rectifier
from depthstudio.inference.export import ExportReport, export_network
from depthstudio.models import StereoNetwork
from depthstudio.resources import resource_path
from depthstudio.storage import atomic_path, write_bytes, write_text

SCRIPT = "depth.py"
REQUIREMENTS = "numpy\nopencv-python-headless\nonnxruntime\n"
_README = """\
# {network} for use without DepthStudio

```sh
pip install -r requirements.txt
python depth.py left.png right.png disparity.npy
```

| file | what it is |
|---|---|
| `network.onnx` | {inputs}; {outputs} |
| `rectification.npz` | {rectification} |
| `depth.py` | reads a pair, writes disparity (.npy, float32 px){depth} |
| `ROS2.md` | the same as a ROS 2 node |

- Image size: {size}. Largest disparity searched: {max_disparity_px} px. Computed at {resolution} resolution.
- {normalisation}.
- Depth: {depth_formula}.
- Made by {producer}. Checked against torch: 99.9 % of the pixels differ by at most {difference_px:.4f} px.
"""


@dataclass(frozen=True)
class ElsewhereReport:
    """network: the export's own report. rectified: whether maps are among the files."""

    folder: Path
    network: ExportReport
    rectified: bool

    def lines(self) -> list[str]:
        """For people."""
        maps = "with rectification maps" if self.rectified else "for pairs that are rectified already"
        return [
            f"{self.folder}: network, script and notes, {maps}",
            *self.network.lines()[1:],
            f"Try it: pip install -r {self.folder / 'requirements.txt'}; "
            f"python {self.folder / SCRIPT} left.png right.png disparity.npy",
        ]


def write_elsewhere(
    folder: Path,
    network: StereoNetwork,
    rectifier: Rectifier | None,
    size: tuple[int, int] | None,
    pairs: Iterable[tuple[Image, Image]],
    *,
    metadata: Mapping[str, str] | None = None,
    half_resolution: bool = False,
) -> ElsewhereReport:
    """Write the folder; the network is checked as in export_network, and nothing is written when it fails.

    rectifier: None for pairs that come rectified, with unknown geometry. size: None for any, which a rectifier's maps
    rule out: with one, its own size is used. SettingsError when `size` says something else.
    """
    if rectifier is not None:
        made_for = rectifier.raw_size
        if size is not None and size != made_for:
            raise SettingsError(
                f"The calibration is for {made_for[0]}x{made_for[1]} px, not {size[0]}x{size[1]}.",
                "The rectification maps hold for one image size.",
                "Leave the size out, or choose another calibration.",
            )
        size = made_for
    report = export_network(network, folder / "network.onnx", size, pairs, metadata, half_resolution=half_resolution)
    maps = folder / "rectification.npz"
    if rectifier is None:
        maps.unlink(missing_ok=True)  # of an earlier export into the same folder
    else:
        with atomic_path(maps) as temporary:
            np.savez_compressed(temporary, allow_pickle=False, **rectification_arrays(rectifier))
    for name in (SCRIPT, "ROS2.md"):
        write_bytes(folder / name, (resource_path("elsewhere") / name).read_bytes())
    write_text(folder / "requirements.txt", REQUIREMENTS)
    write_text(folder / "README.md", _readme(report, rectifier))
    return ElsewhereReport(folder, report, rectifier is not None)


def rectification_arrays(rectifier: Rectifier) -> dict[str, Any]:
    """For cv2.remap: left_map_x, left_map_y, right_map_x, right_map_y (H, W) float32, absent for pairs that come
    rectified; and focal_px, baseline_m, cx, cy, disparity_shift_px of the rectified pair.
    """
    arrays: dict[str, Any] = {}
    if not rectifier.is_identity:
        c, size = rectifier.calibration, rectifier.raw_size
        left = c.left.rectify_maps(rectifier.R1, rectifier.P1, size, cv2.CV_32FC1)
        right = c.right.rectify_maps(rectifier.R2, rectifier.P2, size, cv2.CV_32FC1)
        names = ("left_map_x", "left_map_y", "right_map_x", "right_map_y")
        arrays |= dict(zip(names, (*left, *right), strict=True))
    g = rectifier.geometry
    for name in ("focal_px", "baseline_m", "cx", "cy", "disparity_shift_px"):
        arrays[name] = np.array(getattr(g, name), np.float64)
    return arrays


def _readme(report: ExportReport, rectifier: Rectifier | None) -> str:
    if rectifier is None:
        rectification = "not there: pairs must come rectified (rows of both images match)"
    elif rectifier.is_identity:
        rectification = "focal length and baseline; this camera's pairs come rectified, so there are no maps"
    else:
        rectification = "maps for cv2.remap that rectify the raw images, focal length, baseline, principal point"
    facts = report.metadata
    return _README.format(
        **{key: facts[key] for key in ("network", "inputs", "outputs", "size", "max_disparity_px", "resolution")},
        normalisation=facts["normalisation"][:1].upper() + facts["normalisation"][1:],
        producer=facts["producer"],
        rectification=rectification,
        depth=" and depth (16-bit PNG, millimetres)" if rectifier is not None else "",
        depth_formula=facts["depth"],
        difference_px=max(report.difference_px),
    )
