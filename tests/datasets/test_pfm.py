from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from depthstudio.datasets.pfm import read_pfm, write_pfm
from depthstudio.errors import DatasetError


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
@pytest.mark.parametrize("big_endian", [False, True])
def test_values_come_back_as_written(tmp_path: Path, shape: tuple[int, ...], big_endian: bool) -> None:
    values = np.random.default_rng(0).random(shape, np.float32) * 100
    values[0, 0] = np.nan
    write_pfm(tmp_path / "x.pfm", values, big_endian=big_endian)
    np.testing.assert_array_equal(read_pfm(tmp_path / "x.pfm"), values)


def test_the_first_row_is_the_top_one(tmp_path: Path) -> None:
    (tmp_path / "x.pfm").write_bytes(b"Pf\n2 2\n-1.0\n" + np.array([[1, 2], [3, 4]], "<f4").tobytes())
    assert read_pfm(tmp_path / "x.pfm").tolist() == [[3, 4], [1, 2]]


@pytest.mark.parametrize(
    "header",
    [
        b"Pf\n2 1\n-0.003922\n",  # Middlebury: the scale is no factor
        b"Pf\n2 1 \n-1\n",  # trailing blank
        b"Pf 2 1 -1.0 ",
        b"Pf\r\n2 1\r\n-1.0\r\n",
        b"Pf\n# made by a renderer\n2 1\n# again\n-1.0\n",
    ],
)
def test_headers_of_all_writers_are_understood(tmp_path: Path, header: bytes) -> None:
    # The first byte of the data is a line feed: it must not be taken for white space of the header.
    values = np.frombuffer(b"\x0a\x0a\x28\x42" + np.float32(np.inf).tobytes(), "<f4")
    (tmp_path / "x.pfm").write_bytes(header + values.tobytes())
    read = read_pfm(tmp_path / "x.pfm")
    assert read[0, 0] == values[0]
    assert np.isnan(read[0, 1])


@pytest.mark.parametrize(
    "content", [b"", b"P6\n2 2\n255\n", b"Pf\n2 2\n-1.0\n1234", b"Pf\n2 2\n--\n", b"Pf\n0 0\n-1\n"]
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pfm").write_bytes(content)
    with pytest.raises(DatasetError, match=r"x\.pfm"):
        read_pfm(tmp_path / "x.pfm")
    with pytest.raises(DatasetError, match=r"none\.pfm"):
        read_pfm(tmp_path / "none.pfm")
