"""The SDK's self-calibration of a D400 camera: on-chip and tare, with health, undo, and flash only when asked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from depthstudio.cameras.realsense_devices import describe_device
from depthstudio.cameras.realsense_sdk import load_sdk, sdk_context
from depthstudio.errors import SourceError

Kind = Literal["on-chip", "tare"]

# The firmware calibrates at one mode only (Intel's self-calibration white paper, and the SDK's own example).
_WIDTH, _HEIGHT, _FPS = 256, 144, 90
_TIMEOUT_MS = 30_000
_FRAME_TIMEOUT_MS = 5000
_GOOD_HEALTH, _USABLE_HEALTH = 0.25, 0.75
TARE_RANGE_MM = (600.0, 10_000.0)


@dataclass(frozen=True)
class SelfCalibrated:
    """before, after: calibration tables. health: two numbers of the firmware, see `verdict`.

    On-chip: how far off the depth plane is now; tare: the error of depth at the target before and after, in percent.
    """

    kind: Kind
    before: tuple[int, ...]
    after: tuple[int, ...]
    health: tuple[float, float]

    @property
    def changes_anything(self) -> bool:
        """Whether the new table differs."""
        return self.before != self.after

    @property
    def tone(self) -> str:
        """good, warning or bad: how the camera stood."""
        worst = abs(self.health[0])
        return "good" if worst < _GOOD_HEALTH else "warning" if worst < _USABLE_HEALTH else "bad"

    @property
    def verdict(self) -> str:
        """One sentence with the numbers."""
        if self.kind == "tare":
            return f"Depth at the target was {self.health[0]:+.2f} % off and is {self.health[1]:+.2f} % off now."
        words = {
            "good": "the old calibration was good",
            "warning": "the new one is better",
            "bad": "the old one was bad: use the new one",
        }[self.tone]
        return f"Health {self.health[0]:+.2f}: {words} (below {_GOOD_HEALTH} is good, above {_USABLE_HEALTH} bad)."


class SelfCalibration:
    """One camera. Its source must be closed: the firmware needs the depth stream for itself.

    Every method blocks; never call one on the GUI thread. `try_out` writes to the camera's memory only and is gone when
    it loses power; only `write_to_flash` lasts.
    """

    def __init__(self, device: Any) -> None:
        self._device = device
        self._original: tuple[int, ...] | None = None

    @classmethod
    def of(cls, serial: str) -> SelfCalibration:
        """A connected camera by its serial number (empty: the first one). SourceError says why it cannot."""
        rs = load_sdk()
        for device in sdk_context().query_devices():
            if not device.is_playback() and serial in ("", describe_device(rs, device).serial):
                if reason := why_unavailable(device):
                    raise SourceError("This camera cannot calibrate itself here.", reason)
                return cls(device.as_auto_calibrated_device())
        raise SourceError("No RealSense camera is connected.", "", "Plug it in and try again.")

    def run(
        self, kind: Kind, target_mm: float = 0.0, progress: Callable[[float, str], None] | None = None
    ) -> SelfCalibrated:
        """Calibrate; nothing is changed yet. target_mm: tare only, the measured distance to a flat target.

        About 10 s with the camera pointed at a textured, flat surface. SourceError when the firmware refuses.
        """
        if kind == "tare" and not TARE_RANGE_MM[0] <= target_mm <= TARE_RANGE_MM[1]:
            raise SourceError(
                f"A target at {target_mm:.0f} mm cannot be used.",
                f"The firmware takes {TARE_RANGE_MM[0]:.0f} to {TARE_RANGE_MM[1]:.0f} mm.",
            )
        rs = load_sdk()
        pipeline, config = rs.pipeline(sdk_context()), rs.config()
        restore: list[tuple[Any, float]] = []
        try:
            before = tuple(self._device.get_calibration_table())
            self._original = self._original or before
            config.enable_stream(rs.stream.depth, 0, _WIDTH, _HEIGHT, rs.format.z16, _FPS)
            pipeline.set_device(self._device)
            pipeline.start(config)
            restore = self._prepare(rs)
            table, health = self._calibrate(kind, target_mm, progress, pipeline)
        except RuntimeError as error:
            raise SourceError(
                "The camera could not calibrate itself.",
                f"{error}.",
                "Point it at a flat, textured, well lit surface 0.6 to 2 m away and hold it still.",
            ) from error
        finally:
            for option, value in restore:
                with suppress(RuntimeError):  # unplugged meanwhile; that is told already
                    self._device.first_depth_sensor().set_option(option, value)
            with suppress(RuntimeError):  # it never started
                pipeline.stop()
        return SelfCalibrated(kind, before, tuple(table), (float(health[0]), float(health[1])))

    def try_out(self, result: SelfCalibrated) -> None:
        """Put the new table in force until the camera loses power."""
        self._set(result.after)

    def undo(self) -> None:
        """Back to the table from before the first run."""
        if self._original is not None:
            self._set(self._original)

    def write_to_flash(self) -> None:
        """Make the table in force permanent. Ask the user first, always."""
        try:
            self._device.write_calibration()
        except RuntimeError as error:
            raise SourceError("The camera did not store its calibration.", f"{error}.") from error

    def _set(self, table: tuple[int, ...]) -> None:
        try:
            self._device.set_calibration_table(list(table))
        except RuntimeError as error:
            raise SourceError("The camera did not take the calibration.", f"{error}.") from error

    def _prepare(self, rs: Any) -> list[tuple[Any, float]]:
        """Thermal compensation would work against it; returns what to set back."""
        sensor = self._device.first_depth_sensor()
        option = getattr(rs.option, "thermal_compensation", None)
        if option is None or not sensor.supports(option):
            return []
        before = float(sensor.get_option(option))
        sensor.set_option(option, 0.0)
        return [(option, before)]

    def _calibrate(
        self, kind: Kind, target_mm: float, progress: Callable[[float, str], None] | None, pipeline: Any
    ) -> tuple[list[int], tuple[float, float]]:
        def told(percent: float) -> None:
            if progress is not None:
                progress(min(max(percent / 100, 0.0), 1.0), "The camera calibrates itself")

        settings = {"calib type": 0, "speed": 3, "scan parameter": 0, "host assistance": 0}
        if kind == "tare":
            settings = {"average step count": 20, "step count": 20, "accuracy": 2, "scan parameter": 0}
            settings |= {"data sampling": 0, "host assistance": 0}
            table, health = self._device.run_tare_calibration(target_mm, json.dumps(settings), told, _TIMEOUT_MS)
        else:
            table, health = self._device.run_on_chip_calibration(json.dumps(settings), told, _TIMEOUT_MS)
        deadline_s = time.monotonic() + _TIMEOUT_MS / 1000
        while not table:  # newer firmware lets the host feed the frames, and answers with a table at the end
            if time.monotonic() > deadline_s:
                raise RuntimeError(f"it came to no end in {_TIMEOUT_MS / 1000:.0f} s")
            frames = pipeline.wait_for_frames(_FRAME_TIMEOUT_MS)
            table, health = self._device.process_calibration_frame(frames.get_depth_frame(), told, _FRAME_TIMEOUT_MS)
        return list(table), health


def why_unavailable(device: Any) -> str:
    """Why a device object cannot calibrate itself; empty when it can."""
    rs = load_sdk()
    described = describe_device(rs, device)
    if not device.is_auto_calibrated_device():
        return f"{described.name} has no self-calibration; D400 cameras of firmware 5.11.12 or newer have."
    if described.is_slow_usb:
        return "It is on USB 2; self-calibration needs 90 depth frames a second, so USB 3."
    return ""


def why_unavailable_now(url: str) -> str:
    """Why the source that is open, by its URL, cannot calibrate itself; empty when it can. Asks the SDK (5 ms)."""
    if not url.startswith("realsense://"):
        return "Only a connected RealSense D400 camera can calibrate itself."
    serial = url.removeprefix("realsense://").partition("?")[0]
    try:
        rs = load_sdk()
        for device in sdk_context().query_devices():
            if not device.is_playback() and serial in ("", describe_device(rs, device).serial):
                return why_unavailable(device)
    except (SourceError, RuntimeError) as error:
        return str(error)
    return "The camera is not connected."
