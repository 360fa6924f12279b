"""Several processes training one network together: what the loop needs of the others, and nothing when it is alone.

Started by torchrun (or any launcher that sets its variables), every process runs the same loop on its share of each
batch. Gradients are averaged by DistributedDataParallel through Lightning Fabric; only the first process writes.
"""

from __future__ import annotations

import atexit
import os
import warnings
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol, TypeVar

import torch
from torch import nn

Item = TypeVar("Item")

# The first process may pause for as long as its user likes, and the others wait for it.
_PATIENCE = timedelta(days=7)
_RANK, _COUNT, _LOCAL_COUNT = "RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"


class Processes(Protocol):
    """rank: which one this is, from 0. count: how many there are. device: None lets the settings choose."""

    @property
    def rank(self) -> int: ...  # noqa: D102 - said above

    @property
    def count(self) -> int: ...  # noqa: D102

    @property
    def device(self) -> torch.device | None: ...  # noqa: D102

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """This process's part; the parts are disjoint, cover everything, and differ in length by at most one."""

    def total(self, values: Sequence[float]) -> list[float]:
        """Sums over the processes, in double precision."""

    def gathered(self, items: Sequence[Item]) -> list[Item]:
        """The items of all processes, in the order of the sequence that `share` was given."""

    def agreed(self, value: Item) -> Item:
        """The first process's value, in all of them."""

    def joined(self, network: nn.Module) -> nn.Module:
        """What to call in a training step so that gradients are averaged; the weights stay `network`'s own."""


class OneProcess:
    """Training as usual."""

    rank, count, device = 0, 1, None

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """See Processes."""
        return items

    def total(self, values: Sequence[float]) -> list[float]:
        """See Processes."""
        return list(values)

    def gathered(self, items: Sequence[Item]) -> list[Item]:
        """See Processes."""
        return list(items)

    def agreed(self, value: Item) -> Item:
        """See Processes."""
        return value

    def joined(self, network: nn.Module) -> nn.Module:
        """See Processes."""
        return network


class FabricProcesses:
    """Joins the others that the launcher named; NCCL on GPUs, one process each, else gloo."""

    def __init__(self) -> None:
        from lightning_fabric import Fabric
        from lightning_fabric.strategies import DDPStrategy

        _keep_quiet()
        on_gpu = torch.cuda.is_available()
        local = int(os.environ.get(_LOCAL_COUNT, os.environ[_COUNT]))
        strategy = DDPStrategy(
            process_group_backend="nccl" if on_gpu else "gloo", timeout=_PATIENCE, find_unused_parameters=True
        )
        self._fabric = Fabric(
            accelerator="cuda" if on_gpu else "cpu",
            devices=local,
            num_nodes=max(1, int(os.environ[_COUNT]) // local),
            strategy=strategy,
        )
        self._fabric.launch()
        atexit.register(_part)

    @property
    def rank(self) -> int:
        """See Processes."""
        return int(self._fabric.global_rank)

    @property
    def count(self) -> int:
        """See Processes."""
        return int(self._fabric.world_size)

    @property
    def device(self) -> torch.device:
        """This process's own."""
        return self._fabric.device

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """See Processes."""
        return items[self.rank :: self.count]

    def total(self, values: Sequence[float]) -> list[float]:
        """See Processes."""
        summed = self._fabric.all_reduce(torch.tensor(values, dtype=torch.float64), reduce_op="sum")
        return [float(value) for value in summed]

    def gathered(self, items: Sequence[Item]) -> list[Item]:
        """See Processes."""
        parts: list[list[Item]] = [[] for _ in range(self.count)]
        torch.distributed.all_gather_object(parts, list(items))
        longest = max(len(part) for part in parts)
        return [part[position] for position in range(longest) for part in parts if position < len(part)]

    def agreed(self, value: Item) -> Item:
        """See Processes."""
        agreed: Item = self._fabric.broadcast(value)
        return agreed

    def joined(self, network: nn.Module) -> nn.Module:
        """See Processes."""
        if self.device.type == "cuda":
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # in place; there is none for the CPU
        joined: nn.Module = self._fabric.setup_module(network)
        return joined


def launched_processes() -> Processes:
    """The processes that a launcher such as torchrun started, or this one alone."""
    return FabricProcesses() if int(os.environ.get(_COUNT, "1")) > 1 else OneProcess()


def is_first_process() -> bool:
    """True where files are written and lines are printed; may be asked before joining the others."""
    return int(os.environ.get(_RANK, "0")) == 0


def _part() -> None:
    """Fabric does so for NCCL only; gloo's threads, still running when the process ends, now and then abort it."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _keep_quiet() -> None:
    """Warnings about what is meant so: a network may leave a head unused, and Fabric calls an older torch function."""
    warnings.filterwarnings("ignore", module="lightning_fabric")
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
