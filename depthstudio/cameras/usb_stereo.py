"""usb://A+B: two USB cameras paired by time; usb://A: one that delivers both pictures side by side."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace

from depthstudio.cameras.pairing import Pairer
from depthstudio.cameras.source import Control, FrameSource, SourceMode, SourceStatus
from depthstudio.cameras.urls import SourceUrl
from depthstudio.cameras.usb_camera import UsbCamera, UsbPicture
from depthstudio.cameras.usb_controls import UsbControls
from depthstudio.cameras.usb_devices import list_usb_cameras, resolve_usb_camera
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

DEFAULT_TOLERANCE_MS = 33.0
_OPTIONS = {"size", "fps", "tolerance_ms", "swap"}
_POLL_S = 0.005


class UsbStereoSource(FrameSource):
    """Left and right RGB; depth comes from no such camera. They must be calibrated.

    A and B: a number, a name in /dev/v4l/by-id (it survives replugging), a device, or a video file.
    size, fps: asked of each camera. swap=1: left and right change places. tolerance_ms: the largest skew of a pair.
    """

    def __init__(self, url: SourceUrl) -> None:
        url.check_options(_OPTIONS)
        keys = [key for key in url.target.split("+") if key]
        if len(keys) not in (1, 2):
            raise SourceError(
                f"{url} names no camera.", next_step="Write usb://0+1 for two cameras, usb://0 for a side-by-side one."
            )
        super().__init__(str(url), "USB stereo camera")
        self.settings_key = f"usb {url.target}"
        self._url = url
        self._keys = keys
        self._size = url.size()
        self._fps = int(url.number("fps", 0, 1, 300)) or None
        self._swap = url.flag("swap", False)
        self._pairer: Pairer[UsbPicture, UsbPicture] = Pairer(
            url.number("tolerance_ms", DEFAULT_TOLERANCE_MS, 1, 1000) / 1000.0
        )
        self._cameras: list[UsbCamera] = []
        self._controls: list[UsbControls] = []

    def open(self) -> None:
        """Start both cameras. SourceError when one is missing, or their sizes differ."""
        targets = [resolve_usb_camera(key) for key in self._keys]
        self.title = " + ".join(target.title for target in targets)
        self.devices = tuple(device for target in targets for device in target.devices)
        self._cameras = [UsbCamera(target, self._size, self._fps) for target in targets]
        start_s = time.monotonic()
        try:
            for camera in self._cameras:
                camera.open(start_s)
            self._check_sizes()
        except SourceError:
            self.close()
            raise
        sides = ("Left", "Right") if len(targets) == 2 else ("",)
        self._controls = [
            UsbControls(target.device, f"{side.lower()}." if side else "", side)
            for target, side in zip(targets, sides, strict=True)
        ]

    def _check_sizes(self) -> None:
        sizes = [camera.size for camera in self._cameras]
        if len(set(sizes)) > 1:
            given = " and ".join(f"{width}x{height}" for width, height in sizes)
            raise SourceError("The two cameras differ in size.", f"They give {given}.", "Ask for one with size=.")
        if len(sizes) == 1 and sizes[0][0] % 2:
            raise SourceError(
                f"{self.title} is no side-by-side camera.",
                f"Its pictures are {sizes[0][0]} px wide, which cannot be halved.",
                "Name two cameras: usb://A+B.",
            )

    def close(self) -> None:
        """Stop the cameras."""
        cameras, self._cameras, self._controls = self._cameras, [], []
        with ExitStack() as all_of_them:  # also when one of them raises
            for camera in cameras:
                all_of_them.callback(camera.close)

    @property
    def calibration(self) -> StereoCalibration | None:
        """None: such cameras know nothing about themselves."""
        return None

    def read(self, timeout_s: float = 0.5) -> StereoFrame | None:
        """The next pair. EndOfStream when a video file ends, SourceError when a camera was lost."""
        if not self._cameras:
            raise SourceError(f"{self.title} is not open.")
        if len(self._cameras) == 1:
            picture = self._cameras[0].take(timeout_s)
            return None if picture is None else self._halves(picture)
        deadline_s = time.monotonic() + timeout_s
        while (frame := self._paired()) is None:
            taken = self._cameras[0].take(0), self._cameras[1].take(_POLL_S)
            if taken[0] is not None:
                self._pairer.push_left(taken[0], taken[0].time_s)
            if taken[1] is not None:
                self._pairer.push_right(taken[1], taken[1].time_s)
            if time.monotonic() >= deadline_s:  # pictures may come and never find a partner
                return None
        return frame

    def _halves(self, picture: UsbPicture) -> StereoFrame:
        middle = picture.image.shape[1] // 2
        left, right = picture.image[:, :middle].copy(), picture.image[:, middle:].copy()
        if self._swap:
            left, right = right, left
        return StereoFrame(
            picture.number, picture.time_s, left, right, right_timestamp_s=picture.time_s, arrived_s=picture.arrived_s
        )

    def _paired(self) -> StereoFrame | None:
        pair = self._pairer.next_pair()
        if pair is None:
            return None
        left, right = (pair.right, pair.left) if self._swap else (pair.left, pair.right)
        return StereoFrame(
            pair.left.number,
            left.time_s,
            left.image,
            right.image,
            right_timestamp_s=right.time_s,
            arrived_s=max(left.arrived_s, right.arrived_s),
            metadata={"sync": pair.quality},
        )

    def controls(self) -> tuple[Control, ...]:
        """The drivers' settings of both cameras."""
        return tuple(control for controls in self._controls for control in controls.list())

    def set_control(self, name: str, value: float) -> None:
        """Set one of `controls`."""
        side = 1 if name.startswith("right.") and len(self._controls) == 2 else 0
        if not self._controls:
            raise SourceError(f"{self.title} is not open.")
        self._controls[side].set(name, value)

    def modes(self) -> tuple[SourceMode, ...]:
        """Sizes and rates that every one of the cameras offers; none while closed."""
        if not self._cameras:
            return ()
        offered = {camera.path: set(camera.modes) for camera in list_usb_cameras()}
        shared = set.intersection(*(offered.get(camera.target.device, set()) for camera in self._cameras))
        return tuple(
            SourceMode(
                f"{width}x{height} at {fps}/s",
                str(replace(self._url, options={**self._url.options, "size": f"{width}x{height}", "fps": str(fps)})),
                all(camera.size == (width, height) and round(camera.fps) == fps for camera in self._cameras),
            )
            for width, height, fps in sorted(shared)
        )

    def status(self) -> SourceStatus:
        """How well the two cameras are in step."""
        if len(self._cameras) < 2:
            return SourceStatus()
        warning = self._pairer.warning()
        return SourceStatus((warning,) if warning else (), self._pairer.counters)
