"""predict writes float32 pixels at the input's size, and says what is wrong on one line."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from depthstudio.cli import main
from depthstudio.datasets.disparity_file import write_disparity
from depthstudio.datasets.pfm import read_pfm
from depthstudio.geometry import StereoCalibration
from depthstudio.models import create_network, save_network

WIDTH, HEIGHT = 75, 50


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    rng = np.random.default_rng(0)
    for name in ("left", "right"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))
    return str(tmp_path / "left.png"), str(tmp_path / "right.png")


@pytest.fixture
def network(tmp_path: Path) -> str:
    torch.manual_seed(0)
    net = create_network("depthstudio-s", channels=(8, 8, 8, 8, 8), match=8, groups=2, max_disparity=32)
    save_network(net, tmp_path / "tiny.safetensors", {})
    return str(tmp_path / "tiny.safetensors")


def predict(*words: object) -> int:
    return main(["predict", *map(str, words), "--device", "cpu"])


def test_all_formats_hold_the_same_disparity(pair: tuple[str, str], network: str, tmp_path: Path) -> None:
    for suffix in ("npy", "pfm", "png"):
        assert predict(*pair, "-o", tmp_path / f"out.{suffix}", "--network", network) == 0
    exact = np.load(tmp_path / "out.npy")
    assert exact.shape == (HEIGHT, WIDTH) and exact.dtype == np.float32 and np.isfinite(exact).all()
    assert np.array_equal(read_pfm(tmp_path / "out.pfm"), exact)
    png = cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED)
    assert png.dtype == np.uint16
    np.testing.assert_allclose(png / 256, exact, atol=1 / 256)


def test_a_png_says_when_it_cannot_hold_the_disparity(tmp_path: Path) -> None:
    assert write_disparity(tmp_path / "a.png", np.full((4, 4), 255.0, np.float32)) == ""
    assert write_disparity(tmp_path / "b.png", np.full((4, 4), 300.0, np.float32)).startswith("100.0% of the pixels")
    write_disparity(tmp_path / "c.png", np.full((4, 4), np.nan, np.float32))
    assert not cv2.imread(str(tmp_path / "c.png"), cv2.IMREAD_UNCHANGED).any()


def test_the_case_of_a_suffix_does_not_matter(tmp_path: Path) -> None:
    disparity = np.arange(16, dtype=np.float32).reshape(4, 4)
    for name in ("A.NPY", "A.PFM", "A.PNG"):
        write_disparity(tmp_path / name, disparity)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["A.NPY", "A.PFM", "A.PNG"]
    assert np.array_equal(np.load(tmp_path / "A.NPY"), disparity)


def test_a_map_that_the_disk_does_not_take_is_an_error_and_replaces_nothing(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    disparity = np.random.default_rng(0).uniform(0, 200, (64, 64)).astype(np.float32)
    target = tmp_path / "a.png"
    target.write_bytes(b"before")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        with pytest.raises(OSError, match="large"):
            write_disparity(target, disparity)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert target.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_calibration_rectifies_the_pair_first(pair: tuple[str, str], network: str, tmp_path: Path) -> None:
    K = np.array([[60.0, 0, 37], [0, 60.0, 25], [0, 0, 1]])
    calibration = StereoCalibration(
        K, [0.1, 0, 0, 0, 0], K, [-0.1, 0, 0, 0, 0], np.eye(3), [-0.1, 0, 0], (WIDTH, HEIGHT)
    )
    calibration.save(tmp_path / "c.npz")
    assert predict(*pair, "-o", tmp_path / "raw.npy", "--network", network) == 0
    assert predict(*pair, "-o", tmp_path / "out.npy", "--network", network, "--calibration", tmp_path / "c.npz") == 0
    assert np.load(tmp_path / "out.npy").shape == (HEIGHT, WIDTH)
    assert not np.array_equal(np.load(tmp_path / "out.npy"), np.load(tmp_path / "raw.npy"))


def test_bad_input_is_one_clear_line_and_exit_code_2(
    pair: tuple[str, str], network: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left, right = pair
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "torn.png").write_bytes(Path(left).read_bytes()[:900])
    (tmp_path / "text.safetensors").write_text("no network")
    cv2.imwrite(str(tmp_path / "small.png"), np.zeros((40, 40, 3), np.uint8))
    out, good = tmp_path / "out.npy", ("--network", network)
    cases = [
        ((left, tmp_path / "none.png", "-o", out, *good), "none.png is missing"),
        ((left, tmp_path / "text.png", "-o", out, *good), "text.png is damaged"),
        ((left, tmp_path, "-o", out, *good), "cannot be read"),
        ((left, tmp_path / "small.png", "-o", out, *good), "75x50 px and the right one 40x40 px"),
        ((left, right, "-o", tmp_path / "out.jpg", *good), "Use one of .npy, .pfm, .png"),
        ((left, right, "-o", out, "--network", tmp_path / "text.safetensors"), "cannot be read"),
        ((left, right, "-o", out, "--network", left), "left.png is not a checkpoint. It is a PNG image"),
        ((left, right, "-o", tmp_path / "text.png" / "out.npy", *good), "text.png cannot be used"),
        ((left, tmp_path / "torn.png", "-o", out, *good), "torn.png is damaged"),
        ((left, right, "-o", out, *good, "--max-disparity", 4000), "Largest disparity cannot be 4000 px"),
        ((left, right, "-o", out, *good, "--calibration", left), "cannot be read as a calibration"),
    ]
    for words, complaint in cases:
        assert predict(*words) == 2, words
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith("depthstudio: ") and complaint in line
    assert not out.exists()
