"""The zero-shot table: sets, methods, and reading pairs from disk."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.cli import main
from depthstudio.errors import DatasetError
from depthstudio.evaluation.benchmark_pairs import BenchmarkPair, read_benchmark_pairs
from depthstudio.evaluation.zero_shot import SGBM_FILLED, SGBM_VALID, as_json, zero_shot
from depthstudio.models import create_network

SHIFT_PX = 10


def shifted_pair(name: str, seed: int = 0) -> BenchmarkPair:
    wide = np.random.default_rng(seed).integers(0, 255, (64, 128 + SHIFT_PX, 3), dtype=np.uint8)
    truth = np.full((64, 128), SHIFT_PX, np.float32)
    return BenchmarkPair(name, wide[:, :128], wide[:, SHIFT_PX:], truth)


def test_every_method_gets_a_row_per_set() -> None:
    first, second = shifted_pair("a"), shifted_pair("b", 1)
    options = {"channels": (4, 4, 8, 8, 8), "match": 8, "fine_match": 4, "aggregation": (4, 4, 4), "hidden": 4}
    networks = {"tiny": create_network("depthstudio-s", **options)}
    rows = list(zero_shot(networks, {"a": [first], "both": [first, second]}, max_disparity=64))
    assert [(row.method, row.set_name) for row in rows] == [
        (method, name) for method in (SGBM_VALID, SGBM_FILLED, "tiny") for name in ("a", "both")
    ]
    found = {(row.method, row.set_name): row for row in rows}
    assert found[SGBM_VALID, "both"].metrics.bad_1 < 0.05
    assert found[SGBM_FILLED, "both"].metrics.density == 1
    assert found["tiny", "both"].metrics.density == 1
    assert all(row.milliseconds > 0 for row in rows)
    assert len(json.loads(json.dumps(as_json(rows)))["rows"]) == 6


def test_pairs_are_read_as_rgb_with_their_truth(tmp_path: Path) -> None:
    pair = shifted_pair("scene")
    (tmp_path / "scene").mkdir()
    for side, image in (("left", pair.left), ("right", pair.right)):
        cv2.imwrite(str(tmp_path / "scene" / f"{side}.png"), image[:, :, ::-1])
    np.save(tmp_path / "scene" / "disp.npy", pair.disparity_px)
    (read,) = read_benchmark_pairs(tmp_path)
    np.testing.assert_array_equal(read.left, pair.left)
    assert read.largest_disparity_px == SHIFT_PX
    holes = pair.disparity_px.copy()
    holes[0, :3] = np.inf, 0, -1
    np.save(tmp_path / "scene" / "disp.npy", holes)
    (read,) = read_benchmark_pairs(tmp_path)
    assert read.largest_disparity_px == SHIFT_PX
    assert np.isnan(read.disparity_px[0, :3]).all() and np.isfinite(read.disparity_px).sum() == holes.size - 3
    np.save(tmp_path / "scene" / "disp.npy", pair.disparity_px[:-1])
    with pytest.raises(DatasetError, match="does not fit together"):
        read_benchmark_pairs(tmp_path)


def test_a_pair_that_cannot_be_judged_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "scene"
    folder.mkdir()
    for side in ("left", "right"):
        cv2.imwrite(str(folder / f"{side}.png"), np.zeros((4, 6, 3), np.uint8))
    np.save(folder / "disp.npy", np.full((4, 6), np.nan))
    with pytest.raises(DatasetError, match="knows no disparity"):
        read_benchmark_pairs(tmp_path)
    np.save(folder / "disp.npy", np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(DatasetError, match="cannot be read as a disparity"):
        read_benchmark_pairs(tmp_path)
    np.save(folder / "disp.npy", np.ones((4, 6)))
    (folder / "meta.json").write_text("{")
    with pytest.raises(DatasetError, match=r"meta\.json cannot be read"):
        read_benchmark_pairs(tmp_path)


def test_a_folder_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no stereo pairs"):
        read_benchmark_pairs(tmp_path)


def test_an_unknown_benchmark_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["bench", "nothing"])
    assert caught.value.code == 2
    assert "zero-shot" in capsys.readouterr().err
