"""Why no camera is found: is a RealSense on the USB bus, on which link, and may this user open it? Linux only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_INTEL = "8086"
_PRODUCTS = {
    "0ad1": "D400", "0ad2": "D410", "0ad3": "D415", "0ad4": "D430", "0ad5": "D430 module", "0af6": "D420",
    "0afe": "D420 module", "0aff": "D410 module", "0b00": "D400 module", "0b01": "D430 module", "0b03": "D415 module",
    "0b07": "D435", "0b3a": "D435i", "0b49": "F450", "0b4d": "D435i in recovery", "0b56": "D555", "0b5b": "D405",
    "0b5c": "D455", "0adb": "camera in recovery", "0b68": "L515", "0b37": "T265",
}  # fmt: skip
_USB_DEVICES = Path("/sys/bus/usb/devices")
_RULE_FOLDERS = (Path("/etc/udev/rules.d"), Path("/lib/udev/rules.d"), Path("/usr/lib/udev/rules.d"))
_USB3_MBIT_S = 5000


@dataclass(frozen=True)
class UsbCamera:
    """A RealSense on the USB bus. speed_mbit_s: 480 is USB 2, 5000 and more USB 3; 0 when unknown."""

    product_id: str
    name: str
    speed_mbit_s: int


@dataclass(frozen=True)
class UsbReport:
    """What the operating system knows, whether or not the SDK can use it."""

    cameras: tuple[UsbCamera, ...]
    has_udev_rules: bool

    def lines(self) -> list[str]:
        """What is the matter and how to mend it, a sentence or a command per line."""
        if not self.cameras:
            return [
                "No RealSense camera is on the USB bus.",
                "Plug it into a USB 3 port, without a hub, with the cable that came with it.",
            ]
        lines = []
        for camera in self.cameras:
            slow = 0 < camera.speed_mbit_s < _USB3_MBIT_S
            lines.append(
                f"RealSense {camera.name} ({_INTEL}:{camera.product_id}) is on the USB bus"
                + (f" at {camera.speed_mbit_s} Mbit/s: too slow, use a USB 3 port and cable." if slow else ".")
            )
        if not self.has_udev_rules:
            lines += ["The udev rules that allow you to use it are missing. Run, then plug the camera in again:"]
            lines += self.commands()
        return lines

    def commands(self) -> list[str]:
        """The commands that install udev rules for the cameras found; empty when rules are there."""
        if self.has_udev_rules or not self.cameras:
            return []
        rules = "\\n".join(
            f'SUBSYSTEMS=="usb", ATTRS{{idVendor}}=="{_INTEL}", ATTRS{{idProduct}}=="{product}", MODE="0666"'
            for product in sorted({camera.product_id for camera in self.cameras})
        )
        return [
            f"printf '{rules}\\n' | sudo tee /etc/udev/rules.d/99-realsense-libusb.rules",
            "sudo udevadm control --reload-rules && sudo udevadm trigger",
        ]


def realsense_usb_report(usb_devices: Path = _USB_DEVICES, rule_folders: tuple[Path, ...] = _RULE_FOLDERS) -> UsbReport:
    """Look at the USB bus and the udev rules. Takes milliseconds; empty on systems without /sys."""
    cameras = [camera for folder in sorted(usb_devices.glob("*")) if (camera := _camera_at(folder)) is not None]
    has_rules = any(True for folder in rule_folders for _ in folder.glob("*realsense*"))
    return UsbReport(tuple(cameras), has_rules)


def product_name(product_id: str) -> str:
    """``D435`` for ``0B07``; empty for a product that is not known here. Unlike the SDK's, these names never change."""
    return _PRODUCTS.get(product_id.lower(), "")


def _camera_at(folder: Path) -> UsbCamera | None:
    if _attribute(folder, "idVendor").lower() != _INTEL:
        return None
    product_id, product = _attribute(folder, "idProduct").lower(), _attribute(folder, "product")
    if product_id not in _PRODUCTS and "realsense" not in product.lower():
        return None
    speed = _attribute(folder, "speed")
    return UsbCamera(product_id, _PRODUCTS.get(product_id, product), int(speed) if speed.isdigit() else 0)


def _attribute(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text().strip()
    except OSError:
        return ""
