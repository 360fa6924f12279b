"""Frames on their way into the step: shuffled per epoch, prepared ahead by threads, always in the same order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from depthstudio.training.processes import OneProcess, Processes

Item = TypeVar("Item")
Batch = dict[str, Tensor]

STAND_IN = -1  # the index of a frame that only keeps a process in step with the others


def epoch_order(count: int, seed: int, epoch: int) -> list[int]:
    """A shuffle of 0..count-1 that depends on seed and epoch alone, so that a resumed run sees the same order."""
    return np.random.default_rng([seed, epoch]).permutation(count).tolist()


def prefetch(
    load: Callable[[int], Item], indices: Sequence[int], threads: int, ahead: int
) -> Generator[Item, None, None]:
    """load(i) for each index in order, up to `ahead` of them prepared by `threads` threads before they are asked for.

    Threads rather than processes: decoding and remapping release the interpreter lock, and a window can hold the run.
    """
    if threads == 0:
        yield from map(load, indices)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="frames")
    waiting: deque[Future[Item]] = deque()
    try:
        for index in indices:
            waiting.append(pool.submit(load, index))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class Mixture:
    """What a step consists of: `own` of the user's frames and `rehearsed` synthetic ones."""

    own: int
    rehearsed: int = 0

    @classmethod
    def of(cls, batch_size: int, rehearsal_share: float) -> Mixture:
        """The share rounded to whole frames; at least one frame of the user's and, unless the share is 0, one other.

        A batch of one therefore becomes one of two.
        """
        if rehearsal_share == 0:
            return cls(batch_size)
        rehearsed = max(1, min(round(batch_size * rehearsal_share), batch_size - 1))
        return cls(max(batch_size - rehearsed, 1), rehearsed)

    def steps(self, frames: int) -> int:
        """Batches of an epoch in which each of the user's frames comes once."""
        return -(-frames // self.own)


def training_batches(
    load: Callable[[int], Batch],
    order: Sequence[int],
    mixture: Mixture,
    *,
    threads: int,
    rehearse: Callable[[int], Batch] | None = None,
    processes: Processes | None = None,
) -> Iterator[tuple[Batch, Batch | None]]:
    """Every frame once, in this order, stacked into batches of which the last may be smaller, beside synthetic ones.

    rehearse(p): the epoch's p-th synthetic item. processes: this one gets its share of every batch.
    """
    share = (processes or OneProcess()).share
    steps: list[tuple[list[Callable[[], Batch]], list[Callable[[], Batch]]]] = []
    for number, start in enumerate(range(0, len(order), mixture.own)):
        together = order[start : start + mixture.own]
        mine: list[Callable[[], Batch]] = [partial(load, index) for index in share(together)]
        synthetic = range(number * mixture.rehearsed, (number + 1) * mixture.rehearsed)
        practice: list[Callable[[], Batch]] = [partial(rehearse, i) for i in share(synthetic)] if rehearse else []
        steps.append((mine or [partial(_without_labels, load, together[0])], practice))
    jobs = [job for own, practice in steps for job in (*own, *practice)]
    ahead = 2 * (mixture.own + mixture.rehearsed)
    items = prefetch(lambda job: jobs[job](), range(len(jobs)), threads, ahead)
    for own, practice in steps:
        yield _stacked(items, len(own)), _stacked(items, len(practice)) if practice else None


def _without_labels(load: Callable[[int], Batch], index: int) -> Batch:
    """For a process without a share of the last batch: the others wait for its gradients, which are then zero."""
    item = load(index)
    return {**item, "valid": torch.zeros_like(item["valid"]), "index": torch.full_like(item["index"], STAND_IN)}


def _stacked(items: Iterator[Batch], count: int) -> Batch:
    group = list(islice(items, count))
    return {key: torch.stack([entry[key] for entry in group]) for key in group[0]}
