"""RunControl: how a window or a script steers a run that goes on in another thread."""

from __future__ import annotations

import threading
import time
from typing import Any

from depthstudio.cancel import CancelToken
from depthstudio.errors import SettingsError
from depthstudio.training.settings import TrainingSettings

CHANGEABLE = ("learning_rate", "lr_patience", "early_stop_patience", "epochs")
_POLL_S = 0.1


class RunControl:
    """Requests from any thread; the training loop looks at them after every step.

    stop: end now, keep the best, drop the unfinished epoch. finish_epoch: end after this epoch, keep the best.
    discard: end now and remove the run's folder. pause and go_on; change: see CHANGEABLE.
    """

    def __init__(self, cancel: CancelToken | None = None) -> None:
        self.cancel = cancel or CancelToken()
        self._running = threading.Event()
        self._running.set()
        self._finish = threading.Event()
        self._discard = threading.Event()
        self._lock = threading.Lock()
        self._changes: dict[str, Any] = {}

    def stop(self) -> None:
        """End now and keep the best."""
        self.cancel.cancel()

    def finish_epoch(self) -> None:
        """End after the epoch that goes on, and keep the best."""
        self._finish.set()

    def discard(self) -> None:
        """End now and remove everything the run has written."""
        self._discard.set()
        self.cancel.cancel()

    def pause(self) -> None:
        """Stand still after the step that goes on; memory stays in use."""
        self._running.clear()

    def go_on(self) -> None:
        """End a pause."""
        self._running.set()

    def change(self, **changes: Any) -> None:
        """Use other values from the next step on. learning_rate: of the parts that learn fastest, from now on.

        SettingsError when a value is out of range or cannot change during a run.
        """
        for name in changes:
            if name not in CHANGEABLE:
                raise SettingsError(
                    f"'{name}' cannot be changed while a run goes on.", f"Can: {', '.join(CHANGEABLE)}."
                )
        TrainingSettings().changed(**changes)
        with self._lock:
            self._changes.update(changes)

    @property
    def is_cancelled(self) -> bool:
        """True once the run is to end at once."""
        return self.cancel.is_cancelled

    @property
    def is_finishing(self) -> bool:
        """True once the run is to end after its epoch."""
        return self._finish.is_set()

    @property
    def is_discarded(self) -> bool:
        """True once nothing of the run is wanted."""
        return self._discard.is_set()

    @property
    def is_paused(self) -> bool:
        """True while the run is to stand still."""
        return not self._running.is_set()

    def take_changes(self) -> dict[str, Any]:
        """What was asked to change since the last call, for the loop."""
        with self._lock:
            changes, self._changes = self._changes, {}
        return changes

    def wait_while_paused(self) -> float:
        """For the loop: stand still until the pause or the run ends; returns the seconds it took."""
        started = time.perf_counter()
        while not self._running.wait(_POLL_S) and not self.is_cancelled:
            pass
        return time.perf_counter() - started
