from __future__ import annotations

from pathlib import Path

from depthstudio.cameras.usb_report import realsense_usb_report


def plug_in(bus: Path, product: str, speed: str) -> None:
    folder = bus / "2-1"
    folder.mkdir(parents=True)
    for name, text in (("idVendor", "8086"), ("idProduct", product), ("speed", speed), ("product", "camera")):
        (folder / name).write_text(text + "\n")


def test_without_a_camera_it_says_so(tmp_path: Path) -> None:
    report = realsense_usb_report(tmp_path / "usb", (tmp_path / "rules",))
    assert report.cameras == () and report.commands() == []
    assert "No RealSense" in report.lines()[0]


def test_missing_udev_rules_come_with_the_commands(tmp_path: Path) -> None:
    plug_in(tmp_path / "usb", "0b3a", "5000")
    report = realsense_usb_report(tmp_path / "usb", (tmp_path / "rules",))
    text = "\n".join(report.lines())
    assert "D435i" in text and "udev rules" in text and "too slow" not in text
    assert 'ATTRS{idProduct}=="0b3a"' in text and "udevadm control --reload-rules" in text


def test_with_rules_a_slow_link_is_still_told(tmp_path: Path) -> None:
    plug_in(tmp_path / "usb", "0b07", "480")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "99-realsense-libusb.rules").touch()
    report = realsense_usb_report(tmp_path / "usb", (tmp_path / "rules",))
    assert report.commands() == []
    assert len(report.lines()) == 1 and "too slow" in report.lines()[0]


def test_other_devices_of_the_same_maker_are_no_cameras(tmp_path: Path) -> None:
    plug_in(tmp_path / "usb", "0029", "480")
    assert realsense_usb_report(tmp_path / "usb", ()).cameras == ()
