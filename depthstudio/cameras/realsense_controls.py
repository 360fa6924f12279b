"""What can be set on a RealSense while it streams, with the device's own ranges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from depthstudio.cameras.realsense_sdk import load_sdk
from depthstudio.cameras.source import Control
from depthstudio.errors import SourceError


@dataclass(frozen=True)
class _Option:
    name: str
    label: str
    unit: str = ""
    choices: tuple[str, ...] = ()
    is_exposure: bool = False


# Emitter 2 is the firmware's automatic mode; 3, the LED, is left out because devices that list it may lack one.
_OPTIONS = (
    _Option("enable_auto_exposure", "Automatic exposure", choices=("off", "on")),
    _Option("exposure", "Exposure", "µs", is_exposure=True),
    _Option("gain", "Gain", is_exposure=True),
    _Option("emitter_enabled", "Projector", choices=("off", "on", "automatic")),
    _Option("laser_power", "Projector power", "mW"),
)


class SensorControls:
    """The settings of a camera's depth sensor, which infrared 1 and 2 share."""

    def __init__(self, sensor: Any) -> None:
        self._sensor = sensor
        self._rs = load_sdk()

    def list(self) -> tuple[Control, ...]:
        """Every setting that this device has, as it is now."""
        return tuple(self._control(option) for option in _OPTIONS if self._sensor.supports(self._key(option)))

    def set(self, name: str, value: float) -> None:
        """Change a setting. Exposure and gain turn automatic exposure off first, as the device would refuse them.

        SourceError when the device has no such setting, or refuses the value.
        """
        option = next((option for option in _OPTIONS if option.name == name), None)
        if option is None or not self._sensor.supports(self._key(option)):
            raise SourceError(f"This camera has no setting '{name}'.")
        try:
            if option.is_exposure and self._is_automatic():
                self._sensor.set_option(self._rs.option.enable_auto_exposure, 0)
            self._sensor.set_option(self._key(option), value)
        except RuntimeError as error:
            allowed = self._control(option)
            raise SourceError(
                f"The camera refuses {option.label.lower()} = {value:g}.",
                f"{error}.",
                f"It takes {allowed.minimum:g} to {allowed.maximum:g} in steps of {allowed.step:g}.",
            ) from error

    def _control(self, option: _Option) -> Control:
        key = self._key(option)
        limits = self._sensor.get_option_range(key)
        unavailable = "This camera does not let it be changed." if self._sensor.is_option_read_only(key) else ""
        if option.is_exposure and self._is_automatic():
            unavailable = "Automatic exposure is on."
        return Control(
            option.name,
            option.label,
            self._sensor.get_option(key),
            limits.min,
            min(limits.max, len(option.choices) - 1) if option.choices else limits.max,
            limits.step,
            limits.default,
            option.unit,
            option.choices[: int(limits.max) + 1],
            unavailable,
        )

    def _is_automatic(self) -> bool:
        key = self._rs.option.enable_auto_exposure
        return self._sensor.supports(key) and self._sensor.get_option(key) > 0

    def _key(self, option: _Option) -> Any:
        return getattr(self._rs.option, option.name)
