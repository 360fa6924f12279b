"""USB cameras: which there are, under names that stay the same, and what each can do."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from depthstudio.cameras import v4l2
from depthstudio.errors import SourceError

_BY_ID = Path("/dev/v4l/by-id")
_DEV = Path("/dev")
VIDEO_SUFFIXES = (".avi", ".mp4", ".mkv", ".mov", ".mjpg")


@dataclass(frozen=True)
class UsbCameraInfo:
    """A camera of the operating system. key: what a source's URL calls it, the same after every plugging in."""

    key: str
    name: str
    path: str
    modes: tuple[tuple[int, int, int], ...] = ()

    @property
    def device_key(self) -> str:
        """Names this very camera among all sources."""
        return f"usb {self.key}"

    @property
    def detail(self) -> str:
        """One line for lists."""
        if not self.modes:
            return self.path
        width, height, fps = max(self.modes, key=lambda mode: (mode[0] * mode[1], mode[2]))
        return f"{self.path}, up to {width}x{height} at {fps}/s"


def list_usb_cameras(by_id: Path = _BY_ID, dev: Path = _DEV) -> list[UsbCameraInfo]:
    """Cameras with their stable names (Linux). RealSense cameras are left out, for the SDK opens those.

    Takes milliseconds, never raises. Elsewhere than on Linux cameras are opened by number and not listed.
    """
    found: dict[str, UsbCameraInfo] = {}
    links = {str(link.resolve()): link.name for link in sorted(by_id.glob("*"))}
    for node in sorted(dev.glob("video*"), key=lambda path: (len(path.name), path.name)):
        path = str(node.resolve())
        if path in found:
            continue
        try:
            with v4l2.opened(path) as descriptor:
                name = v4l2.capture_name(descriptor)
                if name is not None and "realsense" not in name.lower():
                    modes = tuple(v4l2.modes(descriptor))
                    found[path] = UsbCameraInfo(links.get(path, node.name.removeprefix("video")), name, path, modes)
        except OSError:
            continue
    return list(found.values())


@dataclass(frozen=True)
class UsbTarget:
    """What a key in a URL names: a number, a name in /dev/v4l/by-id, a device or a video file.

    opened: what OpenCV is given. device: the node in /dev, for the driver's controls. is_file: it ends some time.
    """

    key: str
    title: str
    opened: int | str
    device: str = ""
    is_file: bool = False

    @property
    def devices(self) -> tuple[str, ...]:
        """As `UsbCameraInfo.device_key`; empty for a file."""
        return (f"usb {self.key}",) if self.device else ()


def resolve_usb_camera(key: str, by_id: Path = _BY_ID) -> UsbTarget:
    """SourceError when there is no such camera, or this user may not open it."""
    path = Path(key)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        if not path.is_file():
            raise SourceError(f"There is no video file {key}.", "It was moved or deleted.")
        return UsbTarget(key, path.name, str(path), is_file=True)
    if sys.platform != "linux":
        if not key.isdigit():
            raise SourceError(f"'{key}' names no camera here.", next_step="Name it by its number, such as usb://0+1.")
        return UsbTarget(key, f"USB camera {key}", int(key))
    node = Path(f"/dev/video{key}") if key.isdigit() else path if path.is_absolute() else by_id / key
    if not node.exists():
        listed = ", ".join(camera.key for camera in list_usb_cameras()) or "none is connected"
        raise SourceError(f"USB camera {key} is not connected.", f"Cameras here: {listed}.", "Check its cable.")
    device = str(node.resolve())
    if not os.access(device, os.R_OK | os.W_OK):
        raise SourceError(
            f"USB camera {key} may not be opened.",
            f"You have no permission for {device}.",
            "Run: sudo usermod -aG video $USER, then log in again.",
        )
    return UsbTarget(key, _name(device) or f"USB camera {key}", device, device)


def is_connected(target: UsbTarget) -> bool:
    """False once the camera's device node is gone."""
    return not target.device or Path(target.device).exists()


def _name(device: str) -> str:
    try:
        with v4l2.opened(device) as descriptor:
            return v4l2.capture_name(descriptor) or ""
    except OSError:
        return ""
