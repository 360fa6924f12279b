"""Which RealSense cameras are connected, and why one that is connected may not be usable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from depthstudio.cameras.realsense_sdk import load_sdk, sdk_context
from depthstudio.cameras.usb_report import product_name
from depthstudio.errors import SourceError

_WITHOUT_INFRARED_PAIR = ("L515", "SR300", "SR305", "T265", "F450")


@dataclass(frozen=True)
class RealSenseDevice:
    """A connected camera. usb: the link's version such as ``3.2``; empty when the SDK does not say."""

    serial: str
    name: str
    product_id: str = ""
    firmware: str = ""
    usb: str = ""

    @property
    def key(self) -> str:
        """Names this very camera among all sources."""
        return f"realsense {self.serial}"

    @property
    def is_slow_usb(self) -> bool:
        """True on a USB 2 link, where only few modes and rates work."""
        return self.usb.startswith("2")

    @property
    def has_infrared_pair(self) -> bool:
        """False for the models of other product lines that see depth by laser or time of flight."""
        return not any(model in self.name for model in _WITHOUT_INFRARED_PAIR)

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
        _name(info(camera_info.product_id), info(camera_info.name)),
        info(camera_info.product_id),
        info(camera_info.firmware_version),
        info(camera_info.usb_type_descriptor),
    )


def _name(product_id: str, sdk_name: str) -> str:
    """By product, because the SDK's own names differ between its versions."""
    known = product_name(product_id)
    return f"RealSense {known}" if known else sdk_name or "RealSense camera"
