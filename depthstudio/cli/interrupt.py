"""Ctrl+C as a request."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from depthstudio.cancel import CancelToken


@contextmanager
def stop_on_interrupt() -> Iterator[CancelToken]:
    """The first Ctrl+C asks to stop and keep what is there; the second one breaks off."""
    cancel = CancelToken()

    def ask(signal_number: int, frame: FrameType | None) -> None:
        if cancel.is_cancelled:
            raise KeyboardInterrupt
        cancel.cancel()

    previous = signal.signal(signal.SIGINT, ask)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, previous)
