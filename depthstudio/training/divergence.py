"""Noticing that learning broke down: the loss is no number any more, or many times what it was."""

from __future__ import annotations

from collections import deque
from math import isfinite
from statistics import median

from depthstudio.errors import NetworkError

_RECENT = 8
_USUAL = 64
_HARMLESS = 1.0  # losses below this many px are no catastrophe, however often they multiplied


class DivergedError(NetworkError):
    """Learning broke down. reason: "not a number" or "spike". loss, usual_loss: of the last steps and of those before.

    step: of the epoch, 0 in its validation.
    """

    def __init__(
        self, reason: str = "not a number", loss: float | None = None, usual_loss: float | None = None
    ) -> None:
        what = "The loss is no longer a number."
        if reason == "spike":
            what = f"The loss rose to {loss:.3g}, from {usual_loss:.3g}."
        super().__init__(
            what,
            "The steps were too large for this data.",
            "Lower the learning rate or set a gradient clip; the best network so far is kept.",
        )
        self.reason, self.loss, self.usual_loss = reason, loss, usual_loss
        self.step = 0


class SpikeWatch:
    """Compares the median loss of the last few steps with that of the steps before, so that one bad frame is no alarm.

    factor: how many times higher is an alarm; 0 = never.
    """

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self._losses: deque[float] = deque(maxlen=_USUAL + _RECENT)

    def look(self, loss: float) -> None:
        """Take the next step's loss. DivergedError on an alarm."""
        self._losses.append(loss)
        if not self.factor or len(self._losses) < 3 * _RECENT:
            return
        losses = list(self._losses)
        recent, usual = median(losses[-_RECENT:]), median(losses[:-_RECENT])
        if isfinite(recent) and recent > max(self.factor * usual, _HARMLESS):
            raise DivergedError("spike", recent, usual)
