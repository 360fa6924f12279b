"""The one exception that is meant for the user's eyes."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can understand and act on.

    what: what happened, one sentence. why: the reason, when known. next_step: what to do about it.
    The window shows the three parts; the command line prints them on one line and exits with code 2.
    """

    def __init__(self, what: str, why: str = "", next_step: str = "") -> None:
        super().__init__(" ".join(part for part in (what, why, next_step) if part))
        self.what = what
        self.why = why
        self.next_step = next_step


class SourceError(UserError):
    """A camera or recording cannot be opened, or was lost while streaming."""


class CalibrationError(UserError):
    """A calibration file is unusable, or no calibration can be solved from the views given."""


class DatasetError(UserError):
    """Recordings or folders that cannot be read, or that cannot make a training set."""


class NetworkError(UserError):
    """A checkpoint that does not fit a network, or a network that cannot run here."""


class SettingsError(UserError):
    """A setting out of its range, or a settings file that cannot be read."""
