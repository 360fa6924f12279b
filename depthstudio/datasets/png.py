"""PNG files written at camera rate.

Two thirds of OpenCV's time for a PNG go into zlib, which zlib-ng does in less than half. What is written is ordinary
PNG: one filter for all rows, one IDAT (W3C Portable Network Graphics, third edition).
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

try:
    from zlib_ng import zlib_ng as deflate
except ImportError:  # the standard one has the same interface and takes as long as OpenCV
    deflate = zlib  # type: ignore[misc]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
_SUB, _UP = 1, 2
_WINDOW_BITS, _MEMORY = 15, 9


def encode_png(pixels: NDArray) -> bytes:
    """A PNG of uint8 (H, W), uint8 RGB (H, W, 3) or uint16 (H, W). ValueError for anything else.

    Of camera images, whose noise never repeats, only the frequencies of differences are coded: searching repetitions
    takes three times as long and makes larger files. uint16 is depth, with holes and steps, which do repeat.
    """
    is_rgb = pixels.ndim == 3
    kinds = (np.uint8,) if is_rgb else (np.uint8, np.uint16)
    if pixels.shape[2:] not in ((), (3,)) or pixels.dtype not in kinds or not pixels.size:
        raise ValueError(f"{pixels.dtype} {pixels.shape} is no picture")
    if pixels.dtype == np.uint8:
        rows = _rows(pixels)
        filtered, level, strategy = _filtered_up(rows), 1, zlib.Z_HUFFMAN_ONLY
    else:
        rows = _rows(pixels.astype(">u2"))
        filtered, level, strategy = _filtered_sub(rows, 2), 2, zlib.Z_DEFAULT_STRATEGY
    packer = deflate.compressobj(level, zlib.DEFLATED, _WINDOW_BITS, _MEMORY, strategy)
    data = packer.compress(filtered) + packer.flush()
    height, width = pixels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, _RGB if is_rgb else _GREY, 0, 0, 0)
    return b"".join((_SIGNATURE, *_chunk(b"IHDR", header), *_chunk(b"IDAT", data), *_chunk(b"IEND", b"")))


def _rows(pixels: NDArray) -> NDArray[np.uint8]:
    return np.ascontiguousarray(pixels).view(np.uint8).reshape(pixels.shape[0], -1)


def _filtered_up(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Differences to the row above (9.2, filter type 2), modulo 256."""
    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = _UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    return filtered


def _filtered_sub(rows: NDArray[np.uint8], pixel_bytes: int) -> NDArray[np.uint8]:
    """Differences to the pixel at the left (9.2, filter type 1), modulo 256, byte by byte."""
    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = _SUB
    filtered[:, 1 : 1 + pixel_bytes] = rows[:, :pixel_bytes]
    np.subtract(rows[:, pixel_bytes:], rows[:, :-pixel_bytes], out=filtered[:, 1 + pixel_bytes :])
    return filtered


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, bytes, bytes]:
    """Length and type, data, checksum (5.3)."""
    return struct.pack(">I", len(data)) + kind, data, struct.pack(">I", deflate.crc32(data, zlib.crc32(kind)))
