"""The drivers' structures, answered as the kernel lays them out in linux/videodev2.h."""

from __future__ import annotations

import errno
import struct
from pathlib import Path
from typing import Any

import pytest

from depthstudio.cameras import v4l2
from depthstudio.cameras.usb_controls import UsbControls
from depthstudio.cameras.usb_devices import list_usb_cameras
from depthstudio.errors import SourceError

MJPG, YUYV = 0x47504A4D, 0x56595559
SIZES = {MJPG: [(640, 480), (1280, 720)], YUYV: [(640, 480)]}
EXPOSURE_AUTO, EXPOSURE, GAIN = 0x009A0901, 0x009A0902, 0x00980913


class Driver:
    """Answers ioctls as a webcam's driver does."""

    def __init__(self) -> None:
        self.values = {EXPOSURE_AUTO: 3, EXPOSURE: 157, GAIN: 4}
        self.limits = {EXPOSURE_AUTO: (0, 3, 1, 3), EXPOSURE: (1, 5000, 1, 157), GAIN: (0, 100, 1, 0)}
        self.capabilities = 0x04200001

    def ioctl(self, _: int, number: int, buffer: bytearray, __: bool) -> None:
        assert number >> 16 & 0x3FFF == len(buffer)
        getattr(self, f"on_{number & 0xFF}")(buffer)

    def on_0(self, buffer: bytearray) -> None:
        struct.pack_into(
            "=16s32s32sIII", buffer, 0, b"uvcvideo", b"HD Webcam", b"usb-1", 0, 0x84A00001, self.capabilities
        )

    def on_2(self, buffer: bytearray) -> None:
        index, kind = struct.unpack_from("=II", buffer)
        assert kind == 1
        struct.pack_into("=I", buffer, 44, self._entry([MJPG, YUYV], index))

    def on_74(self, buffer: bytearray) -> None:
        index, pixel_format = struct.unpack_from("=II", buffer)
        struct.pack_into("=III", buffer, 8, 1, *self._entry(SIZES[pixel_format], index))

    def on_75(self, buffer: bytearray) -> None:
        index, _, width, _ = struct.unpack_from("=IIII", buffer)
        struct.pack_into("=III", buffer, 16, 1, 1, self._entry([30, 15] if width == 640 else [10], index))

    def on_36(self, buffer: bytearray) -> None:
        (identifier,) = struct.unpack_from("=I", buffer)
        if identifier not in self.limits:
            raise OSError(errno.EINVAL, "Invalid argument")
        inactive = 0x10 if identifier == EXPOSURE and self.values[EXPOSURE_AUTO] == 3 else 0
        struct.pack_into("=iiiiI", buffer, 40, *self.limits[identifier], inactive)

    def on_27(self, buffer: bytearray) -> None:
        (identifier,) = struct.unpack_from("=I", buffer)
        struct.pack_into("=i", buffer, 4, self.values[identifier])

    def on_28(self, buffer: bytearray) -> None:
        identifier, value = struct.unpack("=Ii", buffer)
        if not self.limits[identifier][0] <= value <= self.limits[identifier][1]:
            raise OSError(errno.ERANGE, "Numerical result out of range")
        self.values[identifier] = value

    @staticmethod
    def _entry(entries: list, index: int) -> Any:
        if index >= len(entries):
            raise OSError(errno.EINVAL, "Invalid argument")
        return entries[index]


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    made = Driver()
    monkeypatch.setattr(v4l2.fcntl, "ioctl", made.ioctl)
    return made


def test_cameras_are_listed_by_names_that_survive_replugging(driver: Driver, tmp_path: Path) -> None:
    dev, by_id = tmp_path / "dev", tmp_path / "by-id"
    dev.mkdir()
    by_id.mkdir()
    (dev / "video0").touch()
    (dev / "video2").touch()
    (by_id / "usb-Maker_HD_Webcam-video-index0").symlink_to(dev / "video0")
    first, second = list_usb_cameras(by_id, dev)
    assert (first.key, first.name) == ("usb-Maker_HD_Webcam-video-index0", "HD Webcam")
    assert second.key == "2"
    assert first.modes == ((640, 480, 15), (640, 480, 30), (1280, 720, 10))
    assert "1280x720 at 10/s" in first.detail


def test_nodes_that_deliver_no_pictures_are_left_out(driver: Driver, tmp_path: Path) -> None:
    (tmp_path / "video1").touch()
    driver.capabilities = 0x04A00000
    assert list_usb_cameras(tmp_path / "none", tmp_path) == []


def test_exposure_has_the_drivers_range_in_microseconds(driver: Driver, tmp_path: Path) -> None:
    node = tmp_path / "video0"
    node.touch()
    controls = UsbControls(str(node), "right.", "Right")
    listed = {control.name: control for control in controls.list()}
    exposure = listed["right.exposure"]
    assert (exposure.value, exposure.minimum, exposure.maximum, exposure.unit) == (15_700, 100, 500_000, "µs")
    assert exposure.unavailable and exposure.label == "Right exposure"
    assert listed["right.enable_auto_exposure"].value == 1
    assert "no such setting" in listed["right.brightness"].unavailable
    controls.set("right.exposure", 20_000)
    assert (driver.values[EXPOSURE], driver.values[EXPOSURE_AUTO]) == (200, 1)
    assert not {control.name: control for control in controls.list()}["right.exposure"].unavailable
    with pytest.raises(SourceError, match=r"gain = 999.*out of range"):
        controls.set("right.gain", 999)
    with pytest.raises(SourceError, match="warp"):
        controls.set("right.warp", 1)
