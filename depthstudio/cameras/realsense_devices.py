"""Which RealSense cameras are connected, and why one that is connected may not be usable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from depthstudio.cameras.realsense_sdk import load_sdk, sdk_context
from depthstudio.errors import SourceError


@dataclass(frozen=True)
class RealSenseDevice:
    """A connected camera. usb: the link's version such as ``3.2``; empty when the SDK does not say."""

    serial: str
    name: str
    product_id: str = ""
    firmware: str = ""
    usb: str = ""

    @property
    def is_slow_usb(self) -> bool:
        """True on a USB 2 link, where only few modes and rates work."""
        return self.usb.startswith("2")

    @property
    def detail(self) -> str:
        """One line for lists."""
        parts = [f"serial {self.serial}", f"firmware {self.firmware}" if self.firmware else ""]
        if self.usb:
            parts.append(f"USB {self.usb}" + (": slow, use another port or cable" if self.is_slow_usb else ""))
        return ", ".join(part for part in parts if part)


def list_devices() -> list[RealSenseDevice]:
    """Connected cameras (5 ms when there are none); empty too when the SDK cannot be imported."""
    try:
        rs = load_sdk()
        devices = [device for device in sdk_context().query_devices() if not device.is_playback()]
        return [describe_device(rs, device) for device in devices]
    except (SourceError, RuntimeError):
        return []


def describe_device(rs: Any, device: Any) -> RealSenseDevice:
    """What the SDK says about a device object."""

    def info(key: Any) -> str:
        return str(device.get_info(key)) if device.supports(key) else ""

    camera_info = rs.camera_info
    return RealSenseDevice(
        info(camera_info.serial_number),
        info(camera_info.name) or "RealSense camera",
        info(camera_info.product_id),
        info(camera_info.firmware_version),
        info(camera_info.usb_type_descriptor),
    )
