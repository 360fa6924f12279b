"""The SDK's self-calibration: what is asked of the device and comes back; flash is written only when asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("pyrealsense2")

from depthstudio.cameras import realsense_self_calibration as module
from depthstudio.cameras.realsense_self_calibration import SelfCalibrated, SelfCalibration, why_unavailable
from depthstudio.errors import SourceError


class Sensor:
    def __init__(self) -> None:
        self.values: list[float] = []

    def supports(self, option: Any) -> bool:
        return True

    def get_option(self, option: Any) -> float:
        return 1.0

    def set_option(self, option: Any, value: float) -> None:
        self.values.append(value)


class Device:
    """Answers as the SDK's auto_calibrated_device does."""

    def __init__(self, fails: bool = False, host_assisted: bool = False) -> None:
        self.fails, self.host_assisted = fails, host_assisted
        self.table, self.flashed = [1, 2, 3], 0
        self.sensor = Sensor()
        self.asked: dict[str, Any] = {}

    def get_calibration_table(self) -> list[int]:
        return list(self.table)

    def set_calibration_table(self, table: list[int]) -> None:
        self.table = table

    def write_calibration(self) -> None:
        self.flashed += 1

    def first_depth_sensor(self) -> Sensor:
        return self.sensor

    def run_on_chip_calibration(self, settings: str, progress: Any, timeout_ms: int) -> Any:
        if self.fails:
            raise RuntimeError("Not enough depth pixels")
        self.asked = json.loads(settings)
        progress(50.0)
        return ([], (0.0, 0.0)) if self.host_assisted else ([4, 5, 6], (0.4, 0.0))

    def run_tare_calibration(self, target_mm: float, settings: str, progress: Any, timeout_ms: int) -> Any:
        self.asked = {"target_mm": target_mm}
        return [7, 8, 9], (1.5, 0.1)

    def process_calibration_frame(self, frame: Any, progress: Any, timeout_ms: int) -> Any:
        return [4, 5, 6], (0.1, 0.0)


class Pipeline:
    stopped = 0

    def __init__(self, context: Any) -> None: ...

    def set_device(self, device: Any) -> None: ...

    def start(self, config: Any) -> None: ...

    def stop(self) -> None:
        Pipeline.stopped += 1

    def wait_for_frames(self, timeout_ms: int) -> Any:
        return self

    def get_depth_frame(self) -> None: ...


@pytest.fixture(autouse=True)
def sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    rs = module.load_sdk()
    monkeypatch.setattr(rs, "pipeline", Pipeline)
    monkeypatch.setattr(module, "sdk_context", object)


def test_a_run_changes_nothing_until_it_is_tried_and_undo_brings_back_the_old() -> None:
    device, told = Device(), []
    calibration = SelfCalibration(device)
    result = calibration.run("on-chip", progress=lambda share, _: told.append(share))
    assert told == [0.5]
    assert device.table == [1, 2, 3]
    assert (result.before, result.after, result.health[0]) == ((1, 2, 3), (4, 5, 6), 0.4)
    assert result.tone == "warning"
    assert "Health +0.40" in result.verdict
    assert device.sensor.values == [0.0, 1.0]  # thermal compensation off, then as it was
    calibration.try_out(result)
    assert device.table == [4, 5, 6]
    calibration.undo()
    assert device.table == [1, 2, 3]
    assert device.flashed == 0
    calibration.write_to_flash()
    assert device.flashed == 1


def test_newer_firmware_is_fed_with_frames() -> None:
    assert SelfCalibration(Device(host_assisted=True)).run("on-chip").after == (4, 5, 6)


def test_tare_takes_the_measured_distance() -> None:
    device = Device()
    result = SelfCalibration(device).run("tare", 1200.0)
    assert device.asked["target_mm"] == 1200.0
    assert "was +1.50 % off and is +0.10 % off now" in result.verdict
    with pytest.raises(SourceError, match="100 mm cannot be used"):
        SelfCalibration(device).run("tare", 100.0)


def test_a_refusal_of_the_firmware_is_said_and_the_stream_stopped() -> None:
    before = Pipeline.stopped
    with pytest.raises(SourceError, match="Not enough depth pixels"):
        SelfCalibration(Device(fails=True)).run("on-chip")
    assert Pipeline.stopped == before + 1


def test_a_camera_without_it_says_so() -> None:
    import pyrealsense2 as rs

    device = rs.software_device()
    device.register_info(rs.camera_info.name, "Intel RealSense L515")
    assert "L515 has no self-calibration" in why_unavailable(device)
    assert module.why_unavailable_now("sim://ir").startswith("Only a connected RealSense")


def test_the_same_table_is_no_change() -> None:
    assert not SelfCalibrated("on-chip", (1,), (1,), (0.1, 0.0)).changes_anything


def test_a_camera_unplugged_meanwhile_is_told_and_its_stream_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(option: Any, value: float) -> None:
        if value:
            raise RuntimeError("device disconnected")

    device, before = Device(fails=True), Pipeline.stopped
    monkeypatch.setattr(device.sensor, "set_option", gone)
    with pytest.raises(SourceError, match="Not enough depth pixels"):
        SelfCalibration(device).run("on-chip")
    assert Pipeline.stopped == before + 1


def test_firmware_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(host_assisted=True)
    monkeypatch.setattr(device, "process_calibration_frame", lambda *_: ([], (0.0, 0.0)))
    monkeypatch.setattr(module, "_TIMEOUT_MS", 20)
    with pytest.raises(SourceError, match="came to no end"):
        SelfCalibration(device).run("on-chip")
