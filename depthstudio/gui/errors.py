"""Errors reach the user as a notice in the window; the traceback goes to the workspace's log."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler

from depthstudio.errors import UserError

_log = logging.getLogger("depthstudio.gui")
_QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


@dataclass(frozen=True)
class Notice:
    """One message for the user. tone: "bad", "warning", "good" or "info". details: what "Copy details" copies.

    action: label and callback of one button that does the next step. topic: what it is about, when it may become
    untrue by itself; see Studio.resolved.
    """

    what: str
    why: str = ""
    next_step: str = ""
    tone: str = "bad"
    details: str = ""
    action: tuple[str, Callable[[], None]] | None = None
    topic: str = ""


def notice_of(error: BaseException, doing: str = "") -> Notice:
    """How an exception is shown. Anything but a UserError is a fault of the program and says so."""
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, UserError):
        return Notice(error.what, error.why, error.next_step, details=trace)
    if isinstance(error, OSError):
        name = f" {error.filename}" if error.filename else ""
        return Notice(f"A file cannot be used:{name}", f"{error.strerror or error}.", details=trace)
    what = f"Something went wrong while {doing}." if doing else "Something went wrong inside DepthStudio."
    return Notice(
        what, f"{type(error).__name__}: {error}", "Your data is safe. Copy the details for a report.", details=trace
    )


class ErrorHooks(QObject):
    """Catches what nobody caught, from any thread, and hands it to the window through `caught`."""

    caught = Signal(object)

    def __init__(self, log_file: Path) -> None:
        super().__init__()
        self.log_file = log_file
        self._handler: logging.Handler | None = None
        self._previous = (sys.excepthook, threading.excepthook)

    def install(self) -> None:
        """Log to the file and take over the hooks. A log that cannot be written never stops the program."""
        try:
            self.log_file.parent.mkdir(parents=True, exist_ok=True)
            self._handler = RotatingFileHandler(self.log_file, maxBytes=2_000_000, backupCount=1, encoding="utf-8")
        except OSError:
            self._handler = logging.StreamHandler()
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(self._handler)
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        qInstallMessageHandler(self._on_qt_message)

    def uninstall(self) -> None:
        """Give the hooks back."""
        sys.excepthook, threading.excepthook = self._previous
        qInstallMessageHandler(None)
        if self._handler is not None:
            logging.getLogger().removeHandler(self._handler)
            self._handler.close()
            self._handler = None

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        _log.error("Uncaught exception", exc_info=(kind, error, trace))
        self.caught.emit(error)

    def _on_thread_exception(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            _log.error("Uncaught exception in %s", arguments.thread, exc_info=arguments.exc_value)
            self.caught.emit(arguments.exc_value)

    def _on_qt_message(self, kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        _log.log(_QT_LEVELS.get(kind, logging.WARNING), "Qt: %s", message)
