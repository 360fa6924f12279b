"""The background process of a ScenePool: `python -m depthstudio.synthetic.refresh SETTINGS SHARE PROCESSES INDEX`.

It ends when its standard input delivers a byte or closes: when the pool stops it, and when the parent dies.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import traceback
from pathlib import Path

import cv2
import psutil

from depthstudio.synthetic.pool import ScenePool


def refresh(
    pool: ScenePool, stop: threading.Event, replace_share: float = 0.3, processes: int = 1, index: int = 0
) -> None:
    """Render scenes into the pool until stopped; of `processes` such loops, this one takes every processes-th seed.

    replace_share: share of the time that it works once the pool is full.
    """
    seed = max([pool.seed - 1, *pool.seeds()]) + 1
    seed += (index - seed) % processes
    while not stop.is_set():
        started = time.monotonic()
        try:
            pool.render(seed)
        except (ArithmeticError, ValueError, cv2.error):
            traceback.print_exc()  # a fault of the generator; one scene less is no reason to stop for the night
        seed += processes
        if len(pool.seeds()) > pool.count:
            pool.trim()
            worked_s = time.monotonic() - started
            stop.wait(worked_s * (1 / replace_share - 1))


def main(arguments: list[str]) -> None:
    """Refresh the pool that ScenePool.start_refresh describes, at the lowest priority, until standard input ends."""
    settings, replace_share, processes, index = json.loads(arguments[0]), *arguments[1:]
    # 19 is the lowest priority of POSIX; 64 is IDLE_PRIORITY_CLASS, the lowest of Windows.
    psutil.Process().nice(64 if sys.platform == "win32" else 19)
    cv2.setNumThreads(1)
    stop = threading.Event()

    def wait_for_end_of_input() -> None:
        sys.stdin.buffer.read(1)
        stop.set()

    threading.Thread(target=wait_for_end_of_input, daemon=True).start()
    pool = ScenePool(**settings | {"folder": Path(settings["folder"]), "size": tuple(settings["size"])})
    refresh(pool, stop, float(replace_share), int(processes), int(index))


if __name__ == "__main__":
    main(sys.argv[1:])
