"""How computing in the background gives way to the window: imports come early, and helpers stand back.

A thread that waits for the interpreter lock waits also while the lock's holder waits for a processor. The holders are
the window, the camera's thread and the training's own thread; the helpers among which torch spreads a computation never
hold it. On a machine with few cores the helpers therefore run at a lower priority than all the others.
"""

from __future__ import annotations

import gc
import os
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path

_THREADS = Path("/proc/self/task")
_NICER, _NICEST = 10, 19
_ENOUGH_TO_SHARE = 1 << 20  # elements: torch computes this with all its threads


@cache
def begin_imports() -> threading.Thread:
    """Begin to import what a run needs, once per process, before its first step is waited for beside a live camera.

    The thread is a plain one: nothing can stop an import, and Qt may not outlive its own threads.
    """
    thread = threading.Thread(target=import_for_training, name="imports for training")
    thread.start()
    return thread


def import_for_training() -> None:
    """Import what a run needs.

    The first optimiser alone imports some 800 modules, torch's compiler among them: more than a second of processor
    time with the interpreter lock held for up to 170 ms on end. What is there by then stays, so that the collector need
    not look at half a million objects again, for as long, in the middle of a run.
    """
    import torch

    import depthstudio.training.loop
    import depthstudio.training.tensorboard_log  # noqa: F401

    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    gc.freeze()


def lower_helpers() -> None:
    """Start the threads that help this one in torch's computations, and lower their priority for good.

    Where the system gives no thread a priority of its own (all but Linux) they stay as they are.
    """
    import torch

    if not _THREADS.is_dir():
        return
    niceness = min(os.getpriority(os.PRIO_PROCESS, 0) + _NICER, _NICEST)
    before = set(_THREADS.iterdir())
    torch.ones(_ENOUGH_TO_SHARE).add_(1.0)
    for thread in set(_THREADS.iterdir()) - before:
        with suppress(OSError):  # another's that is over by now
            os.setpriority(os.PRIO_PROCESS, int(thread.name), niceness)
