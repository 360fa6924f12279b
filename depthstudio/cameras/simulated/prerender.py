"""Render a loop ahead, in processes of their own so that the window's threads are not held up."""

from __future__ import annotations

import os
import subprocess
import sys

from depthstudio.cameras.simulated.settings import SimulatedSettings
from depthstudio.cameras.simulated.store import LoopStore

_STOP_S = 2.0


class BackgroundRenderer:
    """Child processes that fill the loop's store from the first frame on, `workers` of them taking turns."""

    def __init__(self, settings: SimulatedSettings, workers: int = 1) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self._children = [
            subprocess.Popen(
                [sys.executable, "-m", __package__, settings.to_url(), str(first), str(workers)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
            for first in range(workers)
        ]

    @property
    def is_running(self) -> bool:
        """False once all children have ended, done or not."""
        return any(child.poll() is None for child in self._children)

    def stop(self) -> None:
        """End the children; what they rendered stays."""
        for child in self._children:
            child.terminate()
        for child in self._children:
            try:
                child.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def fill(url: str, first: int, step: int) -> None:
    """Render every `step`-th frame from `first` on that is not there yet; stop when the parent process is gone."""
    parent = os.getppid()
    store = LoopStore(SimulatedSettings.from_url(url))
    for index in range(first, store.count, step):
        if os.getppid() != parent:
            return
        if not store.has(index):
            store.get(index)
