"""CancelToken: how the window, Ctrl+C or a test asks a long task to end soon."""

from __future__ import annotations

import threading


class CancelToken:
    """Set from any thread, polled by the task at every step."""

    def __init__(self) -> None:
        self._requested = threading.Event()

    def cancel(self) -> None:
        """Ask the task to stop at its next safe point."""
        self._requested.set()

    @property
    def is_cancelled(self) -> bool:
        """True once somebody asked."""
        return self._requested.is_set()
