from __future__ import annotations

import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.datasets import png
from depthstudio.datasets.png import encode_png
from depthstudio.datasets.session_format import read_pixels


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (48, 64), (5, 3, 3), (48, 65, 3)])
@pytest.mark.parametrize("standard", [False, True])
def test_a_png_comes_back_as_it_was(
    shape: tuple[int, ...], standard: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if standard:
        monkeypatch.setattr(png, "deflate", zlib)
    rng = np.random.default_rng(len(shape))
    pictures = [rng.integers(0, 256, shape, np.uint8), np.full(shape, 255, np.uint8)]
    if len(shape) == 2:
        pictures += [rng.integers(0, 65536, shape, np.uint16), np.zeros(shape, np.uint16)]
    for picture in pictures:
        path = tmp_path / "a.png"
        path.write_bytes(encode_png(picture))
        back = read_pixels(path)
        assert back.dtype == picture.dtype and np.array_equal(back, picture)


def test_views_are_written_as_seen() -> None:
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 256, (20, 60, 3), np.uint8)
    back = cv2.imdecode(np.frombuffer(encode_png(wide[::2, ::-3]), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(back[:, :, ::-1], wide[::2, ::-3])


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 4), np.float32), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.uint16)]
)
def test_what_is_no_picture_is_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="no picture"):
        encode_png(pixels)


def test_checksums_let_any_reader_notice_damage() -> None:
    content = encode_png(np.arange(64, dtype=np.uint8).reshape(8, 8))
    kinds = [content[at + 4 : at + 8] for at in (8, 33)]
    assert kinds == [b"IHDR", b"IDAT"]
    for at in (8, 33):
        length = int.from_bytes(content[at : at + 4], "big")
        stored = int.from_bytes(content[at + 8 + length : at + 12 + length], "big")
        assert stored == zlib.crc32(content[at + 4 : at + 8 + length])
