"""Two real processes, joined over gloo as torchrun joins them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, sys
import torch
from depthstudio.training.processes import launched_processes

def main():
    processes = launched_processes()
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 1)
    network.unused = torch.nn.Linear(3, 1)
    inputs = torch.arange(12.0).view(4, 3)
    mine = torch.stack(list(processes.share(inputs)))
    joined = processes.joined(network)
    joined(mine).mean().backward()
    items = ["a", "b", "c", "d", "e"]
    result = {
        "rank": processes.rank,
        "count": processes.count,
        "gradient": network.weight.grad.tolist(),
        "total": processes.total([processes.rank + 1.0, 1e-9]),
        "gathered": processes.gathered(processes.share(items)),
        "agreed": processes.agreed({"rank": processes.rank}),
    }
    with open(f"{sys.argv[1]}/{processes.rank}.json", "w") as file:
        json.dump(result, file)

main()
"""


def launch(count: int, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command under torchrun, one thread a process."""
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": root}
    run = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={count}", "--standalone", *command]
    return subprocess.run(run, capture_output=True, text=True, timeout=120, env=environment, check=False)


def test_two_processes_share_sum_gather_and_average_gradients(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    done = launch(2, str(tmp_path / "script.py"), str(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    results = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]

    assert [result["rank"] for result in results] == [0, 1]
    for result in results:
        assert result["count"] == 2
        assert result["gradient"] == [[4.5, 5.5, 6.5]]  # the mean over all four rows
        assert result["total"] == [3.0, 2e-9]
        assert result["gathered"] == ["a", "b", "c", "d", "e"]
        assert result["agreed"] == {"rank": 0}


TRAIN = """
import json, sys
from pathlib import Path
from depthstudio.training.events import BaselineDone, EpochDone, FrameScores
from depthstudio.training.loop import fine_tune
from depthstudio.training.processes import launched_processes
from depthstudio.training.run import Run
from tests.training.fixtures import MemorySamples, quick_settings, tiny_network

processes, folder = launched_processes(), Path(sys.argv[1])
settings = quick_settings(
    epochs=3, batch_size=4, batchnorm_eval=True, augment=True, ema_decay=0.9, **json.loads(sys.argv[2])
)
run = Run.create_at(folder / "run", settings) if processes.rank == 0 else None
run = Run.open(Path(processes.agreed(str(run.folder) if run else "")))
curve = []
train, validation = MemorySamples(11, holes=(3,)), MemorySamples(5, seed=1)
for event in fine_tune(tiny_network(), train, validation, settings, run, processes=processes):
    if isinstance(event, BaselineDone):
        curve.append([event.validation_loss, event.validation_epe_px])
    if isinstance(event, EpochDone):
        curve.append([event.train_loss, event.train_epe_px, event.validation_loss, event.validation_epe_px])
    if isinstance(event, FrameScores):
        curve.append([frame.epe_px for frame in event.frames])
(folder / f"curve{processes.rank}.json").write_text(json.dumps(curve))
"""


def curves(folder: Path, count: int, **settings: object) -> list[list[list[float]]]:
    """Train in `count` processes; the curve as each of them saw it."""
    folder.mkdir()
    (folder / "script.py").write_text(TRAIN)
    done = launch(count, str(folder / "script.py"), str(folder), json.dumps(settings))
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((folder / f"curve{rank}.json").read_text()) for rank in range(count)]


@pytest.mark.parametrize(
    ("settings", "tolerance"),
    # Each process averages its own synthetic pairs' cells, which do not all hold the same number of pixels.
    [
        ({}, {"abs": 1e-3}),
        ({"teacher_weight": 2.0, "learning_rate": 1e-3}, {"abs": 1e-3}),
        ({"rehearsal_share": 0.5, "rehearsal_scenes": 4}, {"rel": 0.05}),
    ],
    ids=["plain", "teacher", "rehearsal"],
)
def test_two_processes_learn_as_one_does_at_the_same_batch(
    tmp_path: Path, settings: dict[str, object], tolerance: dict[str, float]
) -> None:
    (alone,) = curves(tmp_path / "one", 1, **settings)
    first, second = curves(tmp_path / "two", 2, **settings)
    assert first == second
    assert [len(line) for line in first] == [len(line) for line in alone]
    for mine, theirs in zip(first, alone, strict=True):
        assert mine == pytest.approx(theirs, **tolerance)
    epochs = [line for line in alone if len(line) == 4]
    assert len(epochs) == 3 and epochs[-1][2:] != alone[0]  # it learned something

    history = (tmp_path / "two" / "run" / "history.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["event"] for line in history]
    assert kinds.count("EpochDone") == 3  # one writer
