"""An exported file says what it is and computes what torch computes, or it is not written."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from depthstudio.errors import NetworkError, SettingsError
from depthstudio.inference import Predictor, export
from depthstudio.inference.compiled import as_input, onnxruntime_program
from depthstudio.inference.export import FORMATS, export_network, read_metadata
from depthstudio.inference.half_resolution import HalfResolution
from depthstudio.inference.image_size import parse_size
from depthstudio.inference.onnx_graph import to_onnx
from depthstudio.inference.probe import probe_pair
from depthstudio.models import StereoNetwork, create_network

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
PAIRS = [probe_pair((80, 50), 10)]


def network(name: str = "depthstudio-s") -> StereoNetwork:
    return create_network(name, channels=(8, 8, 8, 8, 8), match=8, groups=2, fine_match=8, max_disparity=32).eval()


def test_a_fixed_size_is_checked_and_described(tmp_path: Path) -> None:
    report = export_network(network(), tmp_path / "net.onnx", (96, 64), PAIRS, {"calibration_id": "1234abcd"})
    assert max(report.difference_px) < 0.05
    assert "96x64 px" in report.lines()[0]
    metadata = read_metadata(tmp_path / "net.onnx")
    assert metadata == report.metadata
    assert metadata["network"] == "depthstudio-s" and metadata["max_disparity_px"] == "32"
    assert metadata["calibration_id"] == "1234abcd" and metadata["size"] == "96x64"
    assert "inside the graph" in metadata["normalisation"]


def test_a_dynamic_file_takes_any_size(tmp_path: Path) -> None:
    net = network()
    export_network(net, tmp_path / "net.onnx", None, PAIRS)
    program = onnxruntime_program((tmp_path / "net.onnx").read_bytes())
    for size in ((64, 64), (101, 67)):
        left, right = probe_pair(size, 10)
        answer = program(as_input(left), as_input(right))[0][0]
        expected = Predictor(net, device="cpu").predict(left, right).disparity_px
        assert answer.shape == expected.shape
        assert np.percentile(np.abs(answer - expected), 99) < 0.05


def test_exporting_leaves_the_network_as_it_was() -> None:
    net = network()
    net.train()
    to_onnx(net, (64, 64))
    assert net.training and not net.exporting


def test_a_file_that_computes_something_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = network()
    for weights in other.parameters():
        weights.data.normal_(std=0.2)
    wrong = to_onnx(other, None)
    monkeypatch.setattr(export, "to_onnx", lambda *_: wrong)
    with pytest.raises(NetworkError, match="nothing was written"):
        export_network(network(), tmp_path / "net.onnx", None, PAIRS)
    assert list(tmp_path.iterdir()) == []


def test_without_the_onnx_package_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(NetworkError, match="pip install onnx"):
        export_network(network(), tmp_path / "net.onnx", (64, 64), PAIRS)


def test_sizes_are_read_as_people_write_them() -> None:
    assert parse_size("640x480") == (640, 480)
    for text in ("640", "640x", "axb", "16x480"):
        with pytest.raises(SettingsError, match="no image size"):
            parse_size(text)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("half", [False, True], ids=["full", "half"])
def test_every_format_computes_what_torch_computes(tmp_path: Path, suffix: str, half: bool) -> None:
    if suffix == ".xml":
        pytest.importorskip("openvino")
    report = export_network(network(), tmp_path / f"net{suffix}", None, PAIRS, {"run": "desk"}, half_resolution=half)
    assert max(report.difference_px) < 0.001
    assert read_metadata(report.path) == report.metadata
    assert report.metadata["run"] == "desk"
    assert report.metadata["max_disparity_px"] == ("64" if half else "32")
    assert all(path.is_file() for path in report.paths)
    assert sorted(tmp_path.iterdir()) == sorted(report.paths)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_network_that_enlarges_its_images_is_exported_with_that(tmp_path: Path, suffix: str) -> None:
    if suffix == ".xml":
        pytest.importorskip("openvino")
    report = export_network(network("depthstudio-m"), tmp_path / f"net{suffix}", None, PAIRS)
    assert max(report.difference_px) < 0.001


def test_half_resolution_keeps_the_size_of_the_images(tmp_path: Path) -> None:
    net = network()
    export_network(net, tmp_path / "net.onnx", (96, 64), PAIRS, half_resolution=True)
    program = onnxruntime_program((tmp_path / "net.onnx").read_bytes())
    left, right = probe_pair((96, 64), 10)
    answer = program(as_input(left), as_input(right))[0][0]
    with torch.inference_mode():
        expected = HalfResolution(net)(torch.from_numpy(as_input(left)), torch.from_numpy(as_input(right))).disparity[0]
    np.testing.assert_allclose(answer, expected.numpy(), atol=0.01)
    assert answer.shape == (64, 96)


def test_another_ending_is_refused_with_those_that_work(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"net\.trt") as caught:
        export_network(network(), tmp_path / "net.trt", None, PAIRS)
    assert ".onnx" in caught.value.why and ".xml" in caught.value.why
