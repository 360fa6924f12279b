"""Where a long solve stands, told to the caller, and stopped when he asks."""

from __future__ import annotations

from collections.abc import Callable

from depthstudio.cancel import CancelToken
from depthstudio.errors import CalibrationError

Progress = Callable[[float, str], None]


class CalibrationStopped(CalibrationError):  # noqa: N818 - asked for, not an error
    """The user stopped the solver."""


class Steps:
    """Tells the caller where the solver is, and stops it when asked."""

    def __init__(self, progress: Progress | None, cancel: CancelToken | None) -> None:
        self._progress = progress
        self._cancel = cancel

    def __call__(self, share: float, doing: str) -> None:
        """Here now, with this share of the work done."""
        self.pause()
        if self._progress is not None:
            self._progress(share, doing)

    def pause(self) -> None:
        """Stop here when asked to."""
        if self._cancel is not None and self._cancel.is_cancelled:
            raise CalibrationStopped("Calibration was stopped.")
