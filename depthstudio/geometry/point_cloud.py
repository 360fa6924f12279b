"""Point clouds: the points of a disparity map with their colours, and .ply files of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthstudio.errors import DatasetError
from depthstudio.geometry.disparity import disparity_to_depth
from depthstudio.geometry.rectified_geometry import RectifiedGeometry
from depthstudio.storage import atomic_path

FloatMap = NDArray[np.float32]
_VERTEX = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("red", "u1"), ("green", "u1"), ("blue", "u1")])
_PLY_TYPES = {
    **{"char": "<i1", "int8": "<i1", "uchar": "<u1", "uint8": "<u1", "short": "<i2", "int16": "<i2"},
    **{"ushort": "<u2", "uint16": "<u2", "int": "<i4", "int32": "<i4", "uint": "<u4", "uint32": "<u4"},
    **{"float": "<f4", "float32": "<f4", "double": "<f8", "float64": "<f8"},
}
_HEADER_LIMIT = 65536


@dataclass(frozen=True, eq=False)
class PointCloud:
    """points_m: (N, 3) float32 metres; x right, y down, z forward from the rectified left camera.

    colors: (N, 3) uint8 RGB.
    """

    points_m: FloatMap
    colors: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.points_m)


def point_cloud(
    disparity: FloatMap,
    geometry: RectifiedGeometry,
    colors: NDArray[np.uint8],
    *,
    near_m: float = 0.0,
    far_m: float = math.inf,
    keep: NDArray[np.bool_] | None = None,
    max_points: int | None = None,
) -> PointCloud:
    """The points of a disparity map (H, W) float32 px, NaN = none, that lie within near_m..far_m and where `keep` is.

    colors: (H, W, 3) RGB or (H, W) grey uint8. max_points: take only every n-th row and column, so that there are no
    more points than this, wherever the valid pixels lie.
    """
    height, width = disparity.shape
    step = 1 if max_points is None else max(1, math.ceil(math.sqrt(height * width / max_points)))
    while max_points is not None and math.ceil(height / step) * math.ceil(width / step) > max(max_points, 1):
        step += 1  # sides that are no multiples of the step give more
    depth_m = disparity_to_depth(disparity[::step, ::step], geometry)
    chosen = (depth_m >= near_m) & (depth_m <= far_m)
    if keep is not None:
        chosen &= keep[::step, ::step]
    rows, columns = np.nonzero(chosen)
    z = depth_m[rows, columns]
    x = (columns * step - geometry.cx).astype(np.float32) * z / np.float32(geometry.focal_px)
    y = (rows * step - geometry.cy).astype(np.float32) * z / np.float32(geometry.focal_px)
    taken = colors[::step, ::step][rows, columns]
    rgb = np.repeat(taken[:, None], 3, axis=1) if taken.ndim == 1 else taken
    return PointCloud(np.stack([x, y, z], axis=1), np.ascontiguousarray(rgb))


def write_ply(path: Path, cloud: PointCloud) -> None:
    """Write a binary .ply (metres, RGB) and read it back before it takes its name. OSError when the disk refuses."""
    vertices = np.empty(len(cloud), _VERTEX)
    for i, name in enumerate("xyz"):
        vertices[name] = cloud.points_m[:, i]
    for i, name in enumerate(("red", "green", "blue")):
        vertices[name] = cloud.colors[:, i]
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        "comment metres; x right, y down, z forward from the left camera",
        f"element vertex {len(cloud)}",
        *(f"property float {name}" for name in "xyz"),
        *(f"property uchar {name}" for name in ("red", "green", "blue")),
        "end_header",
    ]
    with atomic_path(path) as temporary:
        temporary.write_bytes("\n".join(lines).encode() + b"\n" + vertices.tobytes())
        read = read_ply(temporary)
        if not (np.array_equal(read.points_m, cloud.points_m) and np.array_equal(read.colors, cloud.colors)):
            raise OSError(f"{path.name} reads differently from what was written")


def read_ply(path: Path) -> PointCloud:
    """Points and colours of a binary little-endian .ply whose vertices come first; points without colour are white.

    DatasetError when it is another kind of file, or cut short.
    """
    content = path.read_bytes()
    end = content.find(b"end_header\n", 0, _HEADER_LIMIT)
    if not content.startswith(b"ply\n") or end < 0:
        raise DatasetError(f"{path.name} is not a .ply file.")
    try:
        vertex, count = _vertex_layout(content[:end].decode("ascii", "replace"), path.name)
    except (IndexError, ValueError) as error:
        raise DatasetError(f"{path.name} is damaged.", f"Its header cannot be read: {error}.") from error
    start = end + len(b"end_header\n")
    if len(content) < start + count * vertex.itemsize:
        raise DatasetError(f"{path.name} is cut short.", f"It should hold {count} points.")
    found = np.frombuffer(content, vertex, count, start)
    points = np.stack([found[name].astype(np.float32) for name in "xyz"], axis=1)
    if {"red", "green", "blue"} <= set(vertex.names or ()):
        colors = np.stack([found[name].astype(np.uint8) for name in ("red", "green", "blue")], axis=1)
    else:
        colors = np.full((count, 3), 255, np.uint8)
    return PointCloud(points, colors)


def _vertex_layout(header: str, name: str) -> tuple[np.dtype, int]:
    """The type of one vertex, and how many there are."""
    fields: list[tuple[str, str]] = []
    count, element = 0, ""
    for words in (line.split() for line in header.splitlines()):
        if words[:1] == ["format"] and words[1:2] != ["binary_little_endian"]:
            raise DatasetError(f"{name} is a .ply of another format.", "Only binary little-endian ones are read.")
        if words[:1] == ["element"]:
            if not element and words[1] != "vertex":
                raise DatasetError(f"{name} does not begin with its vertices.")
            element = words[1]
            count = int(words[2]) if element == "vertex" else count
        elif words[:1] == ["property"] and element == "vertex":
            if words[1] not in _PLY_TYPES:
                raise DatasetError(f"{name} has vertices of a kind that cannot be read: {words[1]}.")
            fields.append((words[-1], _PLY_TYPES[words[1]]))
    if not {"x", "y", "z"} <= {field for field, _ in fields}:
        raise DatasetError(f"{name} holds no points.")
    return np.dtype(fields), count
