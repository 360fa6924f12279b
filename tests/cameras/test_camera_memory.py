from __future__ import annotations

import threading
from pathlib import Path

import pytest
from software_camera import SoftwareCamera

from depthstudio.cameras import CameraMemory
from depthstudio.cameras.realsense import RealSenseSource
from depthstudio.cameras.recording import record
from depthstudio.cameras.urls import SourceUrl


def source_of(camera: SoftwareCamera) -> RealSenseSource:
    return RealSenseSource(SourceUrl.parse("realsense://"), device=camera.device)


def values_of(source: RealSenseSource) -> dict[str, float]:
    return {control.name: control.value for control in source.controls()}


def test_settings_come_back_for_the_same_serial_number_only(tmp_path: Path) -> None:
    memory = CameraMemory(tmp_path)
    with source_of(SoftwareCamera(serial="1")) as source:
        source.set_control("exposure", 5000)
        source.set_control("laser_power", 90)
        memory.save(source.settings_key, source.controls())
    with source_of(SoftwareCamera(serial="1")) as source:
        memory.apply(source)
        values = values_of(source)
    assert (values["exposure"], values["laser_power"], values["enable_auto_exposure"]) == (5000, 90, 0)
    with source_of(SoftwareCamera(serial="2")) as source:
        memory.apply(source)
        assert values_of(source)["laser_power"] == 150


def test_an_automatic_exposure_stays_automatic(tmp_path: Path) -> None:
    memory = CameraMemory(tmp_path)
    with source_of(SoftwareCamera()) as source:
        source.set_control("laser_power", 30)
        memory.save(source.settings_key, source.controls())
    with source_of(SoftwareCamera()) as source:
        memory.apply(source)
        assert values_of(source)["enable_auto_exposure"] == 1


@pytest.mark.parametrize("content", ["", "no json", "[]", '{"controls": {"gain": "much"}}', '{"controls": 3}'])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    memory = CameraMemory(tmp_path)
    (tmp_path / "realsense-000111222333.json").write_text(content)
    with source_of(SoftwareCamera()) as source:
        memory.apply(source)
        assert values_of(source)["laser_power"] == 150


def test_what_the_camera_refuses_now_does_not_keep_it_from_opening(tmp_path: Path) -> None:
    memory = CameraMemory(tmp_path)
    (tmp_path / "realsense-000111222333.json").write_text(
        '{"controls": {"laser_power": 9999, "gone": 1, "gain": 32}, "advanced": "{\\"a\\": 1}"}'
    )
    with source_of(SoftwareCamera()) as source:
        memory.apply(source)
        assert values_of(source)["gain"] == 32


def test_a_recording_without_the_window_uses_what_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # the SDK writes its statistics there
    memory, stop = CameraMemory(tmp_path), threading.Event()
    camera = SoftwareCamera(serial="77")
    (tmp_path / "realsense-77.json").write_text(
        '{"controls": {"laser_power": 60}, "modes": {"realsense ir": {"size": "64x48", "fps": "30"}}}'
    )
    camera.plug_in()
    producer = camera.produce(stop)
    try:
        session = record("realsense://77", tmp_path / "taken", frames=3, memory=memory)
    finally:
        stop.set()
        producer.join()
        camera.unplug()
    assert session.camera_settings["laser_power"] == 60
    assert "size=64x48" in session.source_url
