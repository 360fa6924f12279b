"""hybrid://serial+usb:N: a RealSense for colour and depth, a USB camera at its right for the second picture."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from depthstudio.cameras.pairing import ClockOffset, Pair, Pairer
from depthstudio.cameras.realsense import RealSenseSource
from depthstudio.cameras.source import Control, FrameSource, SourceMode, SourceStatus
from depthstudio.cameras.urls import SourceUrl
from depthstudio.cameras.usb_camera import UsbCamera, UsbPicture
from depthstudio.cameras.usb_controls import UsbControls
from depthstudio.cameras.usb_devices import resolve_usb_camera
from depthstudio.cameras.usb_stereo import DEFAULT_TOLERANCE_MS
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

_OPTIONS = {"size", "fps", "tolerance_ms"}
_HOST_CLOCKS = ("global_time", "system_time")
_POLL_S = 0.02
_RIGHT = "right."


class HybridSource(FrameSource):
    """Left: the RealSense's colour. Label: its depth in colour's pixels. Right: the USB camera. It must be calibrated.

    The cameras share no trigger: each colour picture gets the USB picture nearest in time, both on this computer's
    clock; further apart than tolerance_ms, neither is used. device: as for RealSenseSource.
    """

    sees_dots = False

    def __init__(self, url: SourceUrl, device: Any = None) -> None:
        url.check_options(_OPTIONS)
        serial, plus, usb = url.target.partition("+")
        if not plus or not usb.startswith("usb:") or usb == "usb:":
            raise SourceError(f"{url} names no hybrid rig.", next_step="Write hybrid://SERIAL+usb:0.")
        super().__init__(str(url), "Hybrid rig")
        self._url = url
        self._usb_key = usb.removeprefix("usb:")
        self._size = url.size()
        options = {name: value for name, value in url.options.items() if name in ("size", "fps")}
        self._left = RealSenseSource(SourceUrl("realsense", serial, {"mode": "rgb", **options}), device)
        self._fps = int(url.number("fps", 0, 1, 300)) or None
        self._pairer: Pairer[StereoFrame, UsbPicture] = Pairer(
            url.number("tolerance_ms", DEFAULT_TOLERANCE_MS, 1, 1000) / 1000.0
        )
        self._clock = ClockOffset()
        self._right: UsbCamera | None = None
        self._right_controls: UsbControls | None = None

    def open(self) -> None:
        """Start both cameras. SourceError when one is missing, or their sizes differ."""
        target = resolve_usb_camera(self._usb_key)
        self._left.open()
        self.title = f"{self._left.title} + {target.title}"
        self.settings_key = self._left.settings_key
        self.devices = (*self._left.devices, *target.devices)
        try:
            self._right = UsbCamera(target, self._left.size if not target.is_file else self._size, self._fps)
            self._right.open()
            if self._right.size != self._left.size:
                sizes = " and ".join(f"{width}x{height}" for width, height in (self._left.size, self._right.size))
                raise SourceError("The two cameras differ in size.", f"They give {sizes}.", "Ask for one with size=.")
        except SourceError:
            self.close()
            raise
        self._right_controls = UsbControls(target.device, _RIGHT, "Right")

    def close(self) -> None:
        """Stop both cameras."""
        right, self._right, self._right_controls = self._right, None, None
        try:
            self._left.close()
        finally:
            if right is not None:
                right.close()

    @property
    def calibration(self) -> StereoCalibration | None:
        """None: the SDK knows the RealSense only, not where the other camera stands."""
        return None

    def read(self, timeout_s: float = 0.5) -> StereoFrame | None:
        """The next pair. SourceError when one of the cameras was lost."""
        if self._right is None:
            raise SourceError(f"{self.title} is not open.")
        deadline_s = time.monotonic() + timeout_s
        while (pair := self._pairer.next_pair()) is None:
            left = self._left.read(_POLL_S)
            if left is not None:
                self._pairer.push_left(left, self._host_s(left))
            right = self._right.take(0)
            while right is not None:
                self._pairer.push_right(right, right.time_s)
                right = self._right.take(0)
            if time.monotonic() >= deadline_s:  # pictures may come and never find a partner
                return None
        return self._frame(pair)

    def _host_s(self, left: StereoFrame) -> float:
        """When it was taken on time.monotonic(), the clock of the USB camera."""
        if left.metadata.get("clock") in _HOST_CLOCKS:
            # Asked anew for each picture: the wall clock is moved, in steps or slowly, to follow the time server.
            return left.timestamp_s - (time.time() - time.monotonic())
        return self._clock.to_host_s(left.timestamp_s, left.arrived_s)

    def _frame(self, pair: Pair[StereoFrame, UsbPicture]) -> StereoFrame:
        return replace(
            pair.left,
            timestamp_s=pair.left_s,
            right=pair.right.image,
            right_timestamp_s=pair.right_s,
            metadata={**pair.left.metadata, "sync": pair.quality, "right_number": pair.right.number},
        )

    def controls(self) -> tuple[Control, ...]:
        """The RealSense's settings, then the USB camera's."""
        right = self._right_controls.list() if self._right_controls is not None else ()
        return (*self._left.controls(), *right)

    def set_control(self, name: str, value: float) -> None:
        """Set one of `controls`."""
        if not name.startswith(_RIGHT):
            self._left.set_control(name, value)
        elif self._right_controls is not None:
            self._right_controls.set(name, value)
        else:
            raise SourceError(f"{self.title} is not open.")

    def modes(self) -> tuple[SourceMode, ...]:
        """Sizes and rates of the RealSense; the USB camera is asked for the same."""
        return tuple(
            replace(
                mode, url=str(replace(self._url, options=self._url.options | SourceUrl.parse(mode.url).size_and_rate()))
            )
            for mode in self._left.modes()
        )

    def status(self) -> SourceStatus:
        """What the RealSense warns of, and how well the two cameras are in step."""
        warning = self._pairer.warning()
        return SourceStatus((*self._left.status().warnings, *((warning,) if warning else ())), self._pairer.counters)

    def export_settings(self) -> str:
        """The RealSense's settings file."""
        return self._left.export_settings()

    def import_settings(self, text: str) -> None:
        """Load a settings file into the RealSense."""
        self._left.import_settings(text)
