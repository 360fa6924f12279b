"""Portable float maps (.pfm): the disparity files of Middlebury and SceneFlow. An own reader, because image libraries
divide by the header's scale (Middlebury's disparities come out 250 times too large) or refuse SceneFlow's header.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depthstudio.errors import DatasetError
from depthstudio.storage import write_bytes

# Comments may stand before any token.
_GAP = rb"(?:\s+(?:#[^\n]*\n\s*)*)"
_HEADER = re.compile(rb"(P[Ff])" + _GAP + rb"(\d+)" + _GAP + rb"(\d+)" + _GAP + rb"([-+.\deE]+)")


def read_pfm(path: Path) -> NDArray[np.float32]:
    """Values of a .pfm, top row first: (H, W) or (H, W, 3) float32, infinite ones (unknown) as NaN.

    The sign of the header's scale gives the byte order; its size is ignored, as the data sets mean it.
    DatasetError when the file is missing, no PFM, or too short.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"The file {path} cannot be read.", f"{error.strerror or error}.") from error
    header = _HEADER.match(content)
    if header is None:
        raise DatasetError(f"{path} is not a PFM file.", "It does not begin with 'PF' or 'Pf', width, height, scale.")
    channels = 3 if header[1] == b"PF" else 1
    width, height = int(header[2]), int(header[3])
    try:
        order = "<" if float(header[4]) < 0 else ">"
    except ValueError as error:
        raise DatasetError(f"{path} is not a PFM file.", f"Its scale is {header[4].decode()!r}.") from error
    count = width * height * channels
    # Writers end the header with one white space, two or three; the data may begin with bytes that look like more.
    begin = len(content) - 4 * count
    if count == 0 or not 1 <= begin - header.end() <= 3 or not content[header.end() : begin].isspace():
        raise DatasetError(
            f"{path} is cut off or damaged.", f"Its size does not fit the {width}x{height} px of its header."
        )
    values = np.frombuffer(content, f"{order}f4", count, begin).astype(np.float32)
    rows = values.reshape((height, width, 3) if channels == 3 else (height, width))[::-1].copy()
    rows[~np.isfinite(rows)] = np.nan
    return rows


def write_pfm(path: Path, values: NDArray[np.float32], *, big_endian: bool = False) -> None:
    """Write (H, W) or (H, W, 3) values, top row first; NaN is written as infinity, the format's unknown. Atomic."""
    if values.ndim not in (2, 3) or values.shape[2:] not in ((), (3,)):
        raise ValueError(f"a PFM holds (H, W) or (H, W, 3) values, not {values.shape}")
    kind = "PF" if values.ndim == 3 else "Pf"
    header = f"{kind}\n{values.shape[1]} {values.shape[0]}\n{1.0 if big_endian else -1.0}\n"
    rows = np.where(np.isnan(values), np.float32(np.inf), values)[::-1].astype(">f4" if big_endian else "<f4")
    write_bytes(path, header.encode() + rows.tobytes())
