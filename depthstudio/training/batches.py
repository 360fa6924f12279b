"""Frames on their way into the step: shuffled per epoch, prepared ahead by threads, always in the same order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

Item = TypeVar("Item")
Batch = dict[str, Tensor]


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


def training_batches(
    load: Callable[[int], Batch], count: int, *, batch_size: int, seed: int, epoch: int, threads: int
) -> Iterator[Batch]:
    """Every frame once, in the epoch's order, stacked into batches; the last one may be smaller."""
    items = prefetch(load, epoch_order(count, seed, epoch), threads, ahead=2 * batch_size)
    group: list[Batch] = []
    for position, item in enumerate(items, start=1):
        group.append(item)
        if len(group) == batch_size or position == count:
            yield {key: torch.stack([entry[key] for entry in group]) for key in group[0]}
            group = []
