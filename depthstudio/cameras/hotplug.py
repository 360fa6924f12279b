"""CameraWatcher: notices cameras that arrive and leave."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from depthstudio.cameras.opening import SourceInfo, list_cameras
from depthstudio.cameras.realsense_sdk import on_devices_changed
from depthstudio.errors import SourceError

_INTERVAL_S = 1.0
_SDK_INTERVAL_S = 5.0
_USB_DEVICES = Path("/sys/bus/usb/devices")
_DEV = Path("/dev")
_log = logging.getLogger(__name__)


class CameraWatcher:
    """Calls on_change(cameras), on a thread of its own, once at the start and whenever the list has changed.

    Woken by the SDK, which tells of RealSense cameras only and not on every system; so the USB bus is looked at every
    second too, which costs nothing, and the SDK asked every five, for asking it briefly holds up all other threads.
    """

    def __init__(
        self,
        on_change: Callable[[list[SourceInfo]], None],
        interval_s: float = _INTERVAL_S,
        sdk_s: float = _SDK_INTERVAL_S,
    ) -> None:
        self._on_change = on_change
        self._interval_s, self._sdk_s = interval_s, sdk_s
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="camera watcher", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End, without waiting for a list that is being made."""
        self._stop.set()
        self._wake.set()

    def _run(self) -> None:
        end = None
        try:
            end = on_devices_changed(lambda _: self._wake.set())
        except SourceError as error:
            _log.info("RealSense cameras are not watched: %s", error)
        try:
            self._watch()
        finally:
            if end is not None:
                end()

    def _watch(self) -> None:
        known: list[SourceInfo] | None = None
        bus, listed_s = _bus(), 0.0
        while not self._stop.is_set():
            woken, now_bus = self._wake.is_set(), _bus()
            if woken or known is None or now_bus != bus or time.monotonic() - listed_s >= self._sdk_s:
                self._wake.clear()
                bus, listed_s = now_bus, time.monotonic()
                cameras = list_cameras()
                if cameras != known and not self._stop.is_set():
                    known = cameras
                    self._on_change(cameras)
            self._wake.wait(self._interval_s)


def _bus() -> frozenset[str]:
    """Names of what is on the USB bus and of the video devices; empty where there is no such folder."""
    return frozenset(
        path.name for folder, pattern in ((_USB_DEVICES, "*"), (_DEV, "video*")) for path in folder.glob(pattern)
    )
