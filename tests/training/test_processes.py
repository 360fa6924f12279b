"""Two real processes, joined over gloo as torchrun joins them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, sys
import torch
from depthstudio.training.processes import launched_processes

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
"""


def launch(count: int, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command under torchrun, one thread a process."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
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
