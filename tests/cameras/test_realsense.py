from __future__ import annotations

import builtins
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from software_camera import BASELINE_M, FOCAL_PX, SoftwareCamera, picture
from software_streaming import read, streaming

from depthstudio.cameras import list_sources, open_source
from depthstudio.cameras.frame_matching import FrameMatcher
from depthstudio.cameras.realsense import RealSenseSource
from depthstudio.cameras.urls import SourceUrl
from depthstudio.errors import SourceError


def test_infrared_mode_delivers_matched_pictures_as_the_camera_took_them() -> None:
    with streaming(SoftwareCamera()) as source:
        frames = read(source, 5)
    for frame in frames:
        assert frame.right is not None and frame.depth_mm is not None and frame.color is not None
        assert np.array_equal(frame.left, picture("infrared 1", frame.number))
        assert np.array_equal(frame.right, picture("infrared 2", frame.number))
        assert np.array_equal(frame.depth_mm, picture("depth", frame.number))
        assert frame.arrived_s > 0
    assert source.title == "RealSense D435"


def test_the_calibration_is_the_devices_own() -> None:
    with streaming(SoftwareCamera()) as source:
        calibration = source.calibration
    assert calibration is not None and calibration.is_rectified
    assert calibration.K1[0, 0] == pytest.approx(FOCAL_PX)
    assert calibration.baseline_m == pytest.approx(BASELINE_M)


def test_a_camera_without_colour_still_gives_the_pair() -> None:
    with streaming(SoftwareCamera(streams=("depth", "infrared 1", "infrared 2"))) as source:
        frame = read(source, 1)[0]
    assert frame.color is None and frame.right is not None and frame.depth_mm is not None


def test_colour_mode_gives_colour_with_depth_in_its_pixels() -> None:
    with streaming(SoftwareCamera(streams=("depth", "color")), "mode=rgb") as source:
        assert source.calibration is None
        frame = read(source, 1)[0]
    assert np.array_equal(frame.left, picture("color", frame.number))
    assert frame.right is None
    assert frame.depth_mm is not None and frame.depth_mm.shape == (48, 64)


def test_controls_have_the_devices_ranges_and_reach_it() -> None:
    with streaming(SoftwareCamera()) as source:
        controls = {control.name: control for control in source.controls()}
        assert (controls["laser_power"].minimum, controls["laser_power"].maximum) == (0, 360)
        assert controls["laser_power"].step == 30
        assert controls["emitter_enabled"].choices[:3] == ("off", "on", "automatic")
        assert controls["exposure"].unavailable
        source.set_control("exposure", 12000)
        controls = {control.name: control for control in source.controls()}
        assert controls["exposure"].value == 12000 and not controls["exposure"].unavailable
        assert controls["enable_auto_exposure"].value == 0
        with pytest.raises(SourceError, match="gain"):
            source.set_control("gain", 1e6)
        with pytest.raises(SourceError, match="warp"):
            source.set_control("warp", 1)


def test_a_size_that_the_camera_lacks_is_refused_with_those_it_has() -> None:
    camera = SoftwareCamera()
    source = RealSenseSource(SourceUrl.parse("realsense://?size=640x480"), device=camera.device)
    with pytest.raises(SourceError, match="64x48 at 30/s"):
        source.open()


def test_a_camera_that_is_not_connected_is_refused_at_once() -> None:
    started_s = time.monotonic()
    with pytest.raises(SourceError, match="999 is not connected"):
        open_source("realsense://999?mode=ir").open()
    assert time.monotonic() - started_s < 3  # the SDK's own start would block for 15 s
    with pytest.raises(SourceError):
        open_source("realsense://999?mode=sideways")


def test_without_libusb_the_reason_is_told_and_the_rest_works(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def broken_import(name: str, *rest: Any) -> Any:
        if name == "pyrealsense2":
            raise ImportError("libusb-1.0.so.0: cannot open shared object file: No such file or directory")
        return real_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", broken_import)
    with pytest.raises(SourceError, match="apt install libusb"):
        open_source("realsense://1").open()
    assert any(source.url.startswith("sim://") for source in list_sources(None))


def test_the_list_of_sources_never_needs_a_camera() -> None:
    kinds = {source.kind for source in list_sources(None)}
    assert "simulated" in kinds


def test_a_slow_link_is_told_with_what_it_costs() -> None:
    with streaming(SoftwareCamera(usb="2.1")) as source:
        (warning,) = source.status().warnings
    assert "USB 2.1" in warning and "64x48 at 30/s is the most" in warning
    with streaming(SoftwareCamera()) as source:
        assert source.status().warnings == ()


def test_a_baseline_that_the_camera_contradicts_is_told() -> None:
    camera = SoftwareCamera(sensor_baseline_m=0.055)
    with streaming(camera) as source:
        assert source.calibration is not None and source.calibration.baseline_m == pytest.approx(BASELINE_M)
        assert "50.00 mm by its extrinsics, 55.00 mm" in source.status().warnings[0]


def test_the_modes_are_those_the_device_lists() -> None:
    with streaming(SoftwareCamera()) as source:
        (mode,) = source.modes()
    assert (mode.label, mode.is_current) == ("64x48 at 30/s", True)
    assert SourceUrl.parse(mode.url).options == {"mode": "ir", "size": "64x48", "fps": "30"}


def test_the_projector_alternates_where_the_device_can() -> None:
    import pyrealsense2 as rs

    camera = SoftwareCamera()
    stereo = camera.sensors["stereo"]
    with streaming(camera) as source:
        names = {control.name: control for control in source.controls()}
        assert names["emitter_enabled"].choices == ("off", "on", "automatic", "alternating")
        source.set_control("emitter_enabled", 3)
        assert (stereo.get_option(rs.option.emitter_enabled), stereo.get_option(rs.option.emitter_on_off)) == (1, 1)
        assert {c.name: c.value for c in source.controls()}["emitter_enabled"] == 3
        source.set_control("emitter_enabled", 0)
        assert (stereo.get_option(rs.option.emitter_enabled), stereo.get_option(rs.option.emitter_on_off)) == (0, 0)
        source.set_control("emitter_enabled", 2)
        assert (stereo.get_option(rs.option.emitter_enabled), stereo.get_option(rs.option.emitter_on_off)) == (2, 0)
        with pytest.raises(SourceError, match=r"projector = 4") as refusal:
            source.set_control("emitter_enabled", 4)
        assert "off, on, automatic, alternating" in refusal.value.next_step
    with streaming(camera) as source:  # both belong to the device, not to the stream
        assert {c.name: c.value for c in source.controls()}["emitter_enabled"] == 2


def test_a_device_that_cannot_alternate_says_why_and_does_not() -> None:
    import pyrealsense2 as rs

    camera = SoftwareCamera(alternates=False)
    with streaming(camera) as source:
        (control,) = (control for control in source.controls() if control.name == "emitter_enabled")
        assert control.choices[-1] == "alternating" and not control.offers("alternating")
        assert control.offers("off") and control.value == 1
        assert "firmware 5.12" in control.refused["alternating"]
        with pytest.raises(SourceError, match="projector = alternating") as refusal:
            source.set_control("emitter_enabled", len(control.choices) - 1)
        assert "firmware 5.12" in refusal.value.why and "alternating" not in refusal.value.next_step
    assert camera.sensors["stereo"].get_option(rs.option.emitter_enabled) == 1, "as it was"


class RefusesWhileStreaming:
    """A sensor of older firmware: it switches the alternation while it stands still only, or never."""

    def __init__(self, sensor: Any, words: str) -> None:
        self._sensor, self._words, self.streams = sensor, words, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sensor, name)

    def set_option(self, option: Any, value: float) -> None:
        if option.name == "emitter_on_off" and (self.streams or "streaming" not in self._words):
            raise RuntimeError(self._words)
        self._sensor.set_option(option, value)


def test_firmware_that_alternates_only_from_a_standstill_is_halted_for_a_moment() -> None:
    import pyrealsense2 as rs

    camera = SoftwareCamera()
    with streaming(camera) as source:
        read(source, 2)
        assert source._controls is not None
        depth, options = source._controls._sensors[0]
        old = RefusesWhileStreaming(depth, "Cannot change Emitter On/Off option while streaming!")
        source._controls._sensors[0] = (old, options)

        @contextmanager
        def halted(sensor: Any) -> Iterator[None]:
            assert sensor is old
            with source._halted(depth):
                old.streams = False
                yield
            old.streams = True

        source._controls._halted = halted
        source.set_control("emitter_enabled", 3)
        assert camera.sensors["stereo"].get_option(rs.option.emitter_on_off) == 1
        assert len(read(source, 5)) == 5, "it streams again"


def test_a_refused_alternation_leaves_the_projector_as_it_was() -> None:
    import pyrealsense2 as rs

    camera = SoftwareCamera()
    with streaming(camera) as source:
        source.set_control("emitter_enabled", 0)
        assert source._controls is not None
        depth, options = source._controls._sensors[0]
        source._controls._sensors[0] = (RefusesWhileStreaming(depth, "Emitter is always on"), options)
        with pytest.raises(SourceError, match="alternating"):
            source.set_control("emitter_enabled", 3)
        assert camera.sensors["stereo"].get_option(rs.option.emitter_enabled) == 0


def test_presets_colour_settings_and_what_is_missing_are_listed() -> None:
    with streaming(SoftwareCamera()) as source:
        names = {control.name: control for control in source.controls()}
        assert names["visual_preset"].choices[3] == "high accuracy"
        assert names["color.exposure"].maximum == 10000
        assert "no such setting" in names["color.white_balance"].unavailable
        source.set_control("color.exposure", 300)
        assert {c.name: c.value for c in source.controls()}["color.exposure"] == 300
        source.set_control("visual_preset", 4)
        assert {c.name: c.value for c in source.controls()}["visual_preset"] == 4


def test_a_settings_file_is_refused_with_a_reason_by_a_camera_without_advanced_mode() -> None:
    with streaming(SoftwareCamera()) as source:
        for text, says in (("no json", "no JSON"), ("[1, 2]", "no list of named values"), ('{"a": 1}', "dvanced mode")):
            with pytest.raises(SourceError, match=says):
                source.import_settings(text)
        with pytest.raises(SourceError, match="dvanced mode"):
            source.export_settings()


def test_frames_that_never_make_a_set_do_not_hold_up_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    source = RealSenseSource(SourceUrl.parse("realsense://"), device=object())
    began_s = time.monotonic()

    class Endless:
        def try_wait_for_frame(self, timeout_ms: int) -> tuple[bool, object]:
            assert time.monotonic() - began_s < 5, "it never gave up"
            return True, object()

    monkeypatch.setattr(source, "_sensors", [object()])
    monkeypatch.setattr(source, "_matcher", FrameMatcher("left", []))
    monkeypatch.setattr(source, "_queue", Endless(), raising=False)
    monkeypatch.setattr(source, "_take", lambda frame, now_s: None)
    assert source.read(0.02) is None
