from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from depthstudio.errors import DatasetError
from depthstudio.geometry import RectifiedGeometry
from depthstudio.geometry.point_cloud import PointCloud, point_cloud, read_ply, write_ply

GEOMETRY = RectifiedGeometry(100.0, 0.1, 31.5, 23.5, (64, 48))


def test_points_lie_where_the_pixels_see_them() -> None:
    disparity = np.full((48, 64), np.nan, np.float32)
    disparity[10, 41] = 5.0  # f * B / d = 2 m
    colors = np.zeros((48, 64, 3), np.uint8)
    colors[10, 41] = (9, 8, 7)
    cloud = point_cloud(disparity, GEOMETRY, colors)
    np.testing.assert_allclose(cloud.points_m, [[(41 - 31.5) * 2 / 100, (10 - 23.5) * 2 / 100, 2.0]], rtol=1e-6)
    assert cloud.colors.tolist() == [[9, 8, 7]]


def test_a_cloud_is_cropped_by_distance_and_by_what_is_kept_and_thinned_out() -> None:
    disparity = np.full((48, 64), 5.0, np.float32)
    disparity[:, :32] = 20.0  # 0.5 m
    grey = np.full((48, 64), 77, np.uint8)
    far = point_cloud(disparity, GEOMETRY, grey, near_m=1.0)
    assert len(far) == 48 * 32
    assert (far.colors == 77).all()
    assert len(point_cloud(disparity, GEOMETRY, grey, far_m=0.2)) == 0
    keep = np.zeros((48, 64), bool)
    keep[:, 0] = True
    assert len(point_cloud(disparity, GEOMETRY, grey, keep=keep)) == 48
    thin = point_cloud(disparity, GEOMETRY, grey, max_points=500)
    assert 250 < len(thin) <= 500
    whole = point_cloud(disparity, GEOMETRY, grey)
    assert {tuple(p) for p in thin.points_m.round(5)} <= {tuple(p) for p in whole.points_m.round(5)}


def test_a_ply_reads_back_as_it_was_written(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    cloud = PointCloud(
        random.normal(size=(500, 3)).astype(np.float32), random.integers(0, 256, (500, 3), dtype=np.uint8)
    )
    write_ply(tmp_path / "cloud.ply", cloud)
    read = read_ply(tmp_path / "cloud.ply")
    assert np.array_equal(read.points_m, cloud.points_m)
    assert np.array_equal(read.colors, cloud.colors)
    write_ply(tmp_path / "empty.ply", PointCloud(np.empty((0, 3), np.float32), np.empty((0, 3), np.uint8)))
    assert len(read_ply(tmp_path / "empty.ply")) == 0


def test_points_without_colours_or_in_doubles_are_read(tmp_path: Path) -> None:
    header = "ply\nformat binary_little_endian 1.0\nelement vertex 2\nproperty double x\nproperty double y\n"
    header += "property double z\nend_header\n"
    (tmp_path / "plain.ply").write_bytes(header.encode() + np.arange(6.0).tobytes())
    read = read_ply(tmp_path / "plain.ply")
    assert read.points_m.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (read.colors == 255).all()


@pytest.mark.parametrize(
    "content",
    [
        b"no cloud at all",
        b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n1\n",
        b"ply\nformat binary_little_endian 1.0\nelement vertex 9\n"
        b"property float x\nproperty float y\nproperty float z\nend_header\n1234",
        b"ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty list uchar int n\nend_header\n1234",
        b"ply\nformat binary_little_endian 1.0\nelement face 1\nend_header\n",
        b"ply\nformat binary_little_endian 1.0\nelement vertex many\nproperty float x\nend_header\n",
        b"ply\nformat binary_little_endian 1.0\nelement\nend_header\n",
    ],
)
def test_another_file_is_called_that(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "wrong.ply").write_bytes(content)
    with pytest.raises(DatasetError, match=r"wrong\.ply"):
        read_ply(tmp_path / "wrong.ply")


@pytest.mark.parametrize(("size", "most"), [((5, 5), 7), ((481, 641), 77080), ((3, 1000), 100)])
def test_there_are_never_more_points_than_asked_for(size: tuple[int, int], most: int) -> None:
    disparity = np.full(size, 5.0, np.float32)
    thin = point_cloud(disparity, GEOMETRY, np.zeros(size, np.uint8), max_points=most)
    assert most / 8 < len(thin) <= most
