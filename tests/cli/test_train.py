"""train, evaluate and predict as typed by a user, on a data set in the layout of the older program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from depthstudio.cli import main
from depthstudio.cli.training_view import closing_table
from depthstudio.models import create_network, load_network, save_network
from depthstudio.training.events import EpochDone, Finished
from depthstudio.training.run import Run

WIDTH, HEIGHT = 96, 64
FOCAL_PX, BASELINE_M = 80.0, 0.1


@pytest.fixture(autouse=True)
def quiet_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHSTUDIO_WORKSPACE", str(tmp_path / "workspace"))
    torch.set_num_threads(1)


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    """As the older program wrote it: no size, no date."""
    K = np.array([[FOCAL_PX, 0, 47.5], [0, FOCAL_PX, 31.5], [0, 0, 1]])
    path = tmp_path / "manual_calibration_refined.npz"
    np.savez(path, K1=K, D1=np.zeros(5), K2=K, D2=np.zeros(5), R=np.eye(3), T=np.array([[-BASELINE_M], [0.0], [0.0]]))
    return path


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two runs of .npy frames: a wall at another distance in each frame."""
    rng = np.random.default_rng(0)
    for run in ("20260101_120000", "20260102_120000"):
        for number in range(1, 4):
            folder = tmp_path / "dataset" / "train" / run / f"{number:06d}"
            folder.mkdir(parents=True)
            shift = int(rng.integers(3, 9))
            scene = rng.integers(0, 256, (HEIGHT, WIDTH + shift, 3), dtype=np.uint8)
            np.save(folder / "color.npy", scene[:, :WIDTH])
            np.save(folder / "right.npy", scene[:, shift:])
            depth_mm = np.full((HEIGHT, WIDTH), 1000 * FOCAL_PX * BASELINE_M / shift, np.uint16)
            np.save(folder / "depth.npy", depth_mm)
            (folder / "meta.txt").write_text("exposure: 8000\n")
    return tmp_path / "dataset" / "train"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = create_network("depthstudio-s", channels=(8, 8, 8, 8, 8), match=8, groups=2, max_disparity=32)
    save_network(network, tmp_path / "tiny.safetensors", {})
    return tmp_path / "tiny.safetensors"


QUICK = ("--epochs", "2", "--crop-width", "96", "--crop-height", "64", "--device", "cpu", "--precision", "fp32")


def train(*words: object) -> int:
    return main(["train", *map(str, words)])


def test_the_older_command_line_runs_as_it_stands(runs: Path, calibration: Path, tmp_path: Path) -> None:
    old = create_network("siamese", dropout_p=0.0)
    torch.save({f"module.{name}": value for name, value in old.state_dict().items()}, tmp_path / "trained_25000.pth")
    code = train(
        "--dataset_dir", runs, "--calib_file", calibration, "--pretrained_model", tmp_path / "trained_25000.pth",
        "--epochs", 1, "--dropout_p", 0.2, "--lr", "5e-5", "--weight_decay", "1e-5", "--early_stop_patience", 15,
        "--mask-border-px", 4,
    )  # fmt: skip
    assert code == 0
    (folder,) = (tmp_path / "workspace" / "runs").iterdir()
    run = Run.open(folder)
    settings = run.settings
    assert (settings.learning_rate, settings.dropout_p, settings.weight_decay) == (5e-5, 0.2, 1e-5)
    assert (settings.optimizer, settings.freeze_encoder, settings.early_stop_patience) == ("adam-l2", True, 15)
    assert settings.mask.border_px == 4
    result = load_network(run.best_path).network
    assert result.name == "siamese" and result.options["dropout_p"] == 0.2
    assert run.summary().epochs_run == 1


def test_a_single_run_is_split_by_order_in_the_older_spelling_only(
    runs: Path, calibration: Path, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = runs / "20260101_120000"
    given = ("--calib_file", calibration, "--network", tiny, *QUICK, "--mask-border-px", 4)
    assert train("--dataset_dir", one, *given) == 0
    assert "on both sides" in capsys.readouterr().out
    assert train(one, *given) == 2
    assert "only one recording" in capsys.readouterr().err


def test_a_run_tells_what_it_came_to_and_resumes(
    runs: Path, calibration: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "my run"
    given = ("--calibration", calibration, "--network", tiny, "--out", out, "--mask-border-px", 4, "--lr", "1e-3")
    assert train(runs, *given, *QUICK) == 0
    shown = capsys.readouterr().out
    for words in ("3 of", "before", "epoch    1", "best epoch", "epochs saved", "best.safetensors"):
        assert words in shown
    assert train(runs, *given, *QUICK) == 2
    assert "already holds a run" in capsys.readouterr().err
    assert train("--resume", "--out", out, "--epochs", 3, "--preset", "recommended") == 0
    assert "keeps its own: --preset does not count" in capsys.readouterr().out
    assert Run.open(out).summary().epochs_run == 3 and Run.open(out).settings.epochs == 3


def test_two_processes_train_one_run_and_the_first_alone_speaks(
    runs: Path, calibration: Path, tiny: Path, tmp_path: Path
) -> None:
    words = ["train", runs, "--calibration", calibration, "--network", tiny, "--out", tmp_path / "run"]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "depthstudio"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    given = [*map(str, words), "--mask-border-px", "4", "--guard", "off", *QUICK]
    done = subprocess.run([*launch, *given], capture_output=True, text=True, timeout=250, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("The result is") == 1
    run = Run.open(tmp_path / "run")
    assert run.summary().epochs_run == 2
    assert [epoch.epoch for epoch in run.epochs()] == [1, 2]


def test_the_closing_table_tells_the_gap_of_the_best_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    epochs = [
        EpochDone(number, 1.0, 0.5, 1.2, epe_px, 1e-4, 2, 1.2, 0, 15, 1.0, number == 2)
        for number, epe_px in ((1, 0.9), (2, 0.75), (3, 0.8))
    ]
    end = Finished("early stopping", 3, 2, 1.2, 0.75, 3.0, "run", baseline_validation_epe_px=2.5)
    Console(width=100).print(closing_table(end, epochs, planned=50))
    lines = {line.split("│")[1].strip(): line for line in capsys.readouterr().out.splitlines() if "│" in line}
    for title, value in {
        "best epoch": "2",
        "epochs saved": "47",
        "gap, EPE": "+0.250 px",
        "validation EPE before": "2.500 px",
        "validation EPE, best": "0.750 px",
    }.items():
        assert value in lines[title]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--dropout_p", "0.9"), "Dropout cannot be 0.9. It lies in 0 to 0.5."),
        (("--lr", "fast"), "Learning rate cannot be fast."),
        (("--mask-border-px", "-3"), "Border width cannot be -3."),
        (("--preset", "mystery"), "There is no preset 'mystery'."),
        (("--network", "missing.pth"), "There is no network 'missing.pth'."),
        (("--calibration", "missing.npz"), "There is no file missing.npz."),
        (("--resume",), "There is no run to resume"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(
    runs: Path, calibration: Path, words: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = () if "--calibration" in words else ("--calibration", calibration)
    assert train(runs, *given, *words) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"depthstudio: {complaint}")


def test_training_without_data_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert train() == 2
    assert "There is no data to train on." in capsys.readouterr().err


def test_evaluate_compares_with_sgbm(
    runs: Path, calibration: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(tiny), str(runs), "--calibration", str(calibration), "--device", "cpu"]
    assert main([*words, "--limit", "3", "--report", str(tmp_path / "report")]) == 0
    shown = capsys.readouterr().out
    assert "SGBM" in shown and "every frame counts the same" in " ".join(shown.split())
    assert {path.name for path in (tmp_path / "report").iterdir()} == {
            "evaluation.json", "frames.csv", "methods.csv", "report.html"
        }  # fmt: skip
    assert main([*words, "--json", "--no-sgbm"]) == 0
    (evaluation,) = json.loads(capsys.readouterr().out)
    assert len(evaluation["frames"]) == 6 and evaluation["per_pixel"]["epe_px"] > 0


def test_a_refused_evaluation_leaves_no_report_folder(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["evaluate", str(tiny), str(tmp_path / "empty"), "--report", str(tmp_path / "report")]) == 2
    assert not (tmp_path / "report").exists()


def test_evaluate_of_a_run_uses_its_best_network(
    runs: Path, calibration: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert train(runs, "--calibration", calibration, "--network", tiny, "--out", out, *QUICK) == 0
    assert main(["evaluate", str(out), str(runs), "--calibration", str(calibration), "--no-sgbm"]) == 0
    assert main(["evaluate", "nothing", str(runs)]) == 2
    assert "There is no network 'nothing'." in capsys.readouterr().err


def test_evaluate_says_when_there_is_nothing_to_measure_or_nowhere_to_write(
    runs: Path, calibration: Path, tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(tiny), str(runs), "--calibration", str(calibration), "--no-sgbm", "--device", "cpu"]
    (tmp_path / "file").write_text("")
    for more, complaint in (
        (["--truth", "exact"], "Nothing could be measured"),
        (["--report", str(tmp_path / "file")], "file cannot be used"),
    ):
        assert main([*words, *more]) == 2
        assert complaint in capsys.readouterr().err.strip().splitlines()[-1]
