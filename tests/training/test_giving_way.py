from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

import pytest
import torch

from depthstudio.training.giving_way import begin_imports, lower_helpers

THREADS = Path("/proc/self/task")


def in_a_thread(work: object) -> None:
    thread = threading.Thread(target=work)  # type: ignore[arg-type]
    thread.start()
    thread.join()


@pytest.mark.skipif(not THREADS.is_dir(), reason="no threads with a priority of their own")
def test_only_the_helpers_of_a_computation_stand_back() -> None:
    found: dict[int, int] = {}

    def compute() -> None:
        torch.set_num_threads(2)
        lower_helpers()
        for thread in THREADS.iterdir():
            found[int(thread.name)] = os.getpriority(os.PRIO_PROCESS, int(thread.name))
        found[0] = found[threading.get_native_id()]

    threads = torch.get_num_threads()
    in_a_thread(compute)
    torch.set_num_threads(threads)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert found[0] == own == found[os.getpid()]
    assert max(found.values()) == min(own + 10, 19)


def test_a_full_collection_is_short_once_everything_is_imported() -> None:
    begin_imports().join()
    assert gc.get_freeze_count() > len(gc.get_objects())
