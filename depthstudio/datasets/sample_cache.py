"""CachedSamples: rectified samples kept in memory, so that only the first epoch reads and rectifies."""

from __future__ import annotations

import dataclasses
import os
import threading
from typing import Any

import numpy as np

from depthstudio.datasets.stereo_sample import SampleSource, StereoSample, as_rgb

DEFAULT_LIMIT_MB = 2048


class CachedSamples:
    """Keeps samples until `limit_mb` is full, then passes the rest through.

    Nothing is thrown out again: epochs visit every sample once in a new order, and then dropping the oldest would throw
    away what is needed next; keeping what fits saves exactly its share. Grey images are kept as one channel. Safe from
    several threads; a worker process starts with what was cached when it was forked and then fills its own copy.
    """

    def __init__(self, source: SampleSource, limit_mb: float = DEFAULT_LIMIT_MB) -> None:
        self.source = source
        self.title = source.title
        self.groups = source.groups
        self.roles = source.roles
        self.limit_bytes = int(limit_mb * 1e6)
        self._kept: dict[int, StereoSample] = {}
        self._bytes = 0
        self._lock = threading.Lock()
        self._process = os.getpid()

    def __len__(self) -> int:
        return len(self.source)

    @property
    def cached_bytes(self) -> int:
        """Memory in use."""
        return self._bytes

    def __getitem__(self, index: int) -> StereoSample:
        kept = self._kept.get(index)
        if kept is None:
            sample = self.source[index]
            self._keep(index, sample)
            return sample
        return dataclasses.replace(kept, left=as_rgb(kept.left), right=as_rgb(kept.right))

    def _keep(self, index: int, sample: StereoSample) -> None:
        slim = dataclasses.replace(sample, left=_one_channel(sample.left), right=_one_channel(sample.right))
        fields = (getattr(slim, entry.name) for entry in dataclasses.fields(slim))
        size = sum(value.nbytes for value in fields if isinstance(value, np.ndarray))
        if self._process != os.getpid():  # forked, perhaps while a thread of the parent held the lock
            self._renew_lock()
        with self._lock:
            if index not in self._kept and self._bytes + size <= self.limit_bytes:
                self._kept[index] = slim
                self._bytes += size

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lock": None, "_kept": {}, "_bytes": 0}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._renew_lock()


def _one_channel(image: np.ndarray) -> np.ndarray:
    grey = image[:, :, :1]
    return grey.copy() if np.array_equal(grey, image[:, :, 1:2]) and np.array_equal(grey, image[:, :, 2:]) else image
