"""pyrealsense2, imported when it is first needed: the program starts and works without it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

from depthstudio.errors import SourceError

_lock = threading.Lock()
_context: Any = None
_listeners: list[Callable[[Any], None]] = []


def load_sdk() -> ModuleType:
    """The module pyrealsense2. SourceError says what is missing when it cannot be imported."""
    os.environ.setdefault("RS2_RUM_CLOUD_ENABLED", "0")  # the SDK's usage statistics stay on this computer
    try:
        import pyrealsense2
    except ImportError as error:  # also what a missing shared library looks like
        raise _import_error(str(error)) from error
    except OSError as error:
        raise _import_error(str(error)) from error
    return pyrealsense2


def _import_error(text: str) -> SourceError:
    what = "RealSense cameras and recordings cannot be used here."
    if "libusb" in text:
        return SourceError(what, "The system library libusb is missing.", "Run: sudo apt install libusb-1.0-0")
    if "No module named" in text:
        return SourceError(what, "pyrealsense2 is not installed.", "Run: pip install pyrealsense2")
    return SourceError(what, f"pyrealsense2 does not load: {text}.", "Run 'depthstudio doctor' for details.")


def sdk_context() -> Any:
    """The one rs.context of this process. It lives as long as the process: dropping it kills callbacks and devices."""
    global _context  # noqa: PLW0603 - the SDK wants one per process
    rs = load_sdk()
    with _lock:
        if _context is None:
            _context = rs.context()
            _context.set_devices_changed_callback(_tell_listeners)
        return _context


def on_devices_changed(listener: Callable[[Any], None]) -> Callable[[], None]:
    """Have `listener` called on a thread of the SDK with its event_information, whenever cameras come or go.

    Returns what ends it.
    """
    sdk_context()
    _listeners.append(listener)

    def end() -> None:
        if listener in _listeners:
            _listeners.remove(listener)

    return end


def _tell_listeners(change: Any) -> None:
    for listener in list(_listeners):
        listener(change)
