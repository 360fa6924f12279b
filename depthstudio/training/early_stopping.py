"""EarlyStopping: remembers the best epoch and says when waiting for a better one is over."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import inf
from typing import Any


@dataclass
class EarlyStopping:
    """patience: epochs without improvement before stopping, 0 = never stop. min_delta: what counts as improvement.

    The best epoch is the one with the lowest validation loss, whatever min_delta says: the result is never worse than
    the best seen. Epoch 0 is the network as it came.
    """

    patience: int
    min_delta: float = 0.0
    best_epoch: int = 0
    best_loss: float = inf
    best_epe_px: float = inf
    waited: int = 0
    _counted_loss: float = inf

    def start_from(self, validation_loss: float, validation_epe_px: float) -> None:
        """Take the network as it came as the one to beat."""
        self.best_epoch, self.best_loss, self.best_epe_px = 0, validation_loss, validation_epe_px
        self._counted_loss = validation_loss

    def update(self, epoch: int, validation_loss: float, validation_epe_px: float = inf) -> bool:
        """Take one epoch's validation; True when it is the best so far."""
        if validation_loss < self._counted_loss - self.min_delta:
            self._counted_loss, self.waited = validation_loss, 0
        else:
            self.waited += 1
        if validation_loss >= self.best_loss:
            return False
        self.best_epoch, self.best_loss, self.best_epe_px = epoch, validation_loss, validation_epe_px
        return True

    @property
    def should_stop(self) -> bool:
        """True once patience is used up."""
        return 0 < self.patience <= self.waited

    def state(self) -> dict[str, Any]:
        """What a resumed run needs to go on counting; patience and min_delta come from the settings."""
        return {key: value for key, value in asdict(self).items() if key not in ("patience", "min_delta")}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave."""
        for key, value in state.items():
            setattr(self, key, value)
