"""export as typed by a user: the file, what it says about itself, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from depthstudio.cli import main
from depthstudio.geometry import StereoCalibration
from depthstudio.inference.export import read_metadata
from depthstudio.models import create_network, save_network
from depthstudio.training.run import Run
from depthstudio.training.settings import TrainingSettings

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture(autouse=True)
def quiet_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHSTUDIO_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("DEPTHSTUDIO_DATA", raising=False)
    torch.set_num_threads(1)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run trained with a calibration file."""
    K = np.array([[80.0, 0, 48], [0, 80.0, 32], [0, 0, 1]])
    StereoCalibration(K, np.zeros(5), K, np.zeros(5), np.eye(3), np.array([-0.1, 0, 0]), (96, 64)).save(
        tmp_path / "rig.npz"
    )
    made = Run.create(tmp_path / "runs", "desk", TrainingSettings(), calibration=str(tmp_path / "rig.npz"))
    net = create_network("depthstudio-s", channels=(8, 8, 8, 8, 8), match=8, groups=2, fine_match=8, max_disparity=32)
    save_network(net, made.best_path, {"run": "desk", "epoch": 3})
    return made


def export(*words: object) -> int:
    return main(["export", *map(str, words)])


def test_a_run_is_exported_with_what_it_knows(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export("--model", run.folder, "-o", tmp_path / "net.onnx", "--size", "96x64", "--max-disparity", 64) == 0
    metadata = read_metadata(tmp_path / "net.onnx")
    assert metadata["calibration_id"] == StereoCalibration.load(tmp_path / "rig.npz").id
    assert metadata["run"] == "desk" and metadata["epoch"] == "3"
    assert metadata["size"] == "96x64" and metadata["max_disparity_px"] == "64"
    said = capsys.readouterr().out
    assert "net.onnx: depthstudio-s, 96x64 px" in said
    assert "against torch on 3 pairs" in said


def test_what_cannot_be_exported_is_one_clear_line(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = ("-o", tmp_path / "net.onnx")
    for words, said in (
        (("--model", "nobody", *output), "no network 'nobody'"),
        (("--model", run.folder, *output, "--size", "huge"), "'huge' is no image size"),
        (("--model", run.folder, *output, "--max-disparity", 999), "999"),
    ):
        assert export(*words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
    assert not (tmp_path / "net.onnx").exists()


def test_a_run_becomes_a_folder_for_use_elsewhere(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export("--model", run.folder, "--elsewhere", tmp_path / "out", "--half-resolution") == 0
    metadata = read_metadata(tmp_path / "out" / "network.onnx")
    assert metadata["size"] == "96x64" and metadata["resolution"] == "half"
    with np.load(tmp_path / "out" / "rectification.npz") as rig:
        assert float(rig["baseline_m"]) == pytest.approx(0.1)
    assert "depth.py" in capsys.readouterr().out


def test_something_must_be_written(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export("--model", run.folder) == 2
    assert "--elsewhere" in capsys.readouterr().err
    assert export("--model", run.folder, "-o", tmp_path / "net.trt") == 2
    assert ".onnx" in capsys.readouterr().err
