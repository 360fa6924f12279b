"""What can be set on a RealSense while it streams, with the device's own ranges."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from depthstudio.cameras.realsense_sdk import load_sdk
from depthstudio.cameras.source import ALTERNATING, Control
from depthstudio.errors import SourceError


@dataclass(frozen=True)
class _Option:
    """governed_by: the automatic mode that must be off. missing: what is said of a camera without it."""

    name: str
    label: str
    sdk_name: str
    unit: str = ""
    governed_by: str = ""
    missing: str = "This camera has no such setting."


_DEPTH_OPTIONS = (
    _Option("visual_preset", "Preset", "visual_preset"),
    _Option("enable_auto_exposure", "Automatic exposure", "enable_auto_exposure"),
    _Option("exposure", "Exposure", "exposure", "µs", "enable_auto_exposure"),
    _Option("gain", "Gain", "gain", "", "enable_auto_exposure"),
    _Option("emitter_enabled", "Projector", "emitter_enabled", missing="This camera has no projector."),
    _Option("laser_power", "Projector power", "laser_power", "mW", missing="This camera has no projector."),
)
# The colour sensor is a USB video camera: its exposure time counts in steps of 100 µs (USB Video Class, 4.2.2.1.4).
_COLOR_OPTIONS = (
    _Option("color.enable_auto_exposure", "Automatic colour exposure", "enable_auto_exposure"),
    _Option("color.exposure", "Colour exposure", "exposure", "x 100 µs", "enable_auto_exposure"),
    _Option("color.gain", "Colour gain", "gain", "", "enable_auto_exposure"),
    _Option("color.enable_auto_white_balance", "Automatic white balance", "enable_auto_white_balance"),
    _Option("color.white_balance", "White balance", "white_balance", "K", "enable_auto_white_balance"),
)
_GOVERNED = {
    "enable_auto_exposure": "Automatic exposure is on.",
    "enable_auto_white_balance": "Automatic white balance is on.",
}
_EMITTER = "emitter_enabled"
_ON_OFF = "emitter_on_off"
_NO_ALTERNATING = "This camera or its firmware cannot: it takes a global shutter, and firmware 5.12 or newer."
# Emitter 2 is the firmware's automatic mode; 3, the LED, is left out because devices that list it may lack one.
_EMITTER_CHOICES = ("off", "on", "automatic")


class DeviceControls:
    """The settings of a camera's depth sensor, which infrared 1 and 2 share, and of its colour sensor.

    halted: stops the streams of a sensor for a moment; older firmware takes some settings only then.
    """

    def __init__(
        self,
        device: Any,
        depth_sensor: Any,
        color_sensor: Any = None,
        halted: Callable[[Any], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._rs = load_sdk()
        self._device = device
        self._halted = halted
        self._sensors = [(depth_sensor, _DEPTH_OPTIONS), (color_sensor, _COLOR_OPTIONS)]

    def list(self) -> tuple[Control, ...]:
        """Every setting as it is now; what this device lacks is there too, with the reason."""
        return tuple(
            self._control(sensor, option)
            for sensor, options in self._sensors
            if sensor is not None
            for option in options
        )

    def set(self, name: str, value: float) -> None:
        """Change a setting. What an automatic mode governs turns that off first, as the device would refuse it.

        SourceError when the device has no such setting, or refuses the value.
        """
        sensor, option = self._find(name)
        try:
            if self._is_governed(sensor, option):
                sensor.set_option(self._key(option.governed_by), 0)
            if option.name == _EMITTER:
                self._set_emitter(sensor, value)
            else:
                sensor.set_option(self._key(option.sdk_name), value)
        except RuntimeError as error:
            raise _refusal(self._control(sensor, option), value, str(error)) from error

    def export_json(self) -> str:
        """The advanced-mode settings, as RealSense Viewer writes them. SourceError when the device has none."""
        return self._advanced(lambda mode: str(mode.serialize_json()))

    def import_json(self, text: str) -> None:
        """Load what `export_json` or RealSense Viewer wrote. SourceError when it is no such file, or refused."""
        try:
            content = json.loads(text)
        except ValueError as error:
            raise SourceError("The file holds no camera settings.", f"It is no JSON: {error}.") from error
        if not isinstance(content, dict) or not content:
            raise SourceError("The file holds no camera settings.", "It is JSON, but no list of named values.")
        self._advanced(lambda mode: mode.load_json(json.dumps(content)))

    def _advanced(self, use: Callable[[Any], Any]) -> Any:
        what = "The settings file cannot be used with this camera."
        try:
            mode = self._rs.rs400_advanced_mode(self._device)
            enabled = mode.is_enabled()
        except RuntimeError as error:
            raise SourceError(what, "It has no advanced mode.") from error
        if not enabled:
            raise SourceError(what, "Its advanced mode is off.", "Turn it on in RealSense Viewer.")
        try:
            return use(mode)
        except RuntimeError as error:
            raise SourceError(what, f"{error}.", "Is the file one of this model?") from error

    def _find(self, name: str) -> tuple[Any, _Option]:
        for sensor, options in self._sensors:
            for option in options:
                if sensor is not None and option.name == name and sensor.supports(self._key(option.sdk_name)):
                    return sensor, option
        raise SourceError(f"This camera has no setting '{name}'.")

    def _control(self, sensor: Any, option: _Option) -> Control:
        key = self._key(option.sdk_name)
        if not sensor.supports(key):
            return Control(option.name, option.label, 0.0, unit=option.unit, unavailable=option.missing)
        limits = sensor.get_option_range(key)
        unavailable = "This camera does not let it be changed." if sensor.is_option_read_only(key) else ""
        if self._is_governed(sensor, option):
            unavailable = _GOVERNED[option.governed_by]
        value = sensor.get_option(key)
        control = Control(
            option.name,
            option.label,
            value,
            limits.min,
            limits.max,
            limits.step,
            limits.default,
            option.unit,
            unavailable=unavailable,
        )
        if option.name == _EMITTER:
            return self._emitter(sensor, control)
        if option.name == "visual_preset":
            choices = self._preset_names(sensor, key, limits)
            return replace(control, choices=choices, minimum=0, maximum=len(choices) - 1)
        return control

    def _preset_names(self, sensor: Any, key: Any, limits: Any) -> tuple[str, ...]:
        names = {int(preset): name for name, preset in self._rs.rs400_visual_preset.__members__.items()}
        return tuple(
            sensor.get_option_value_description(key, float(value)) or names.get(value, str(value)).replace("_", " ")
            for value in range(int(limits.max) + 1)
        )

    def _emitter(self, sensor: Any, control: Control) -> Control:
        """The emitter's own mode, and alternating, which the SDK keeps in another option, as one choice."""
        choices = (*_EMITTER_CHOICES[: int(control.maximum) + 1], ALTERNATING)
        value = min(control.value, len(choices) - 2)
        can_alternate = sensor.supports(self._key(_ON_OFF))
        if can_alternate and sensor.get_option(self._key(_ON_OFF)) > 0:
            value = len(choices) - 1
        refused = {} if can_alternate else {ALTERNATING: _NO_ALTERNATING}
        return replace(control, value=value, minimum=0, maximum=len(choices) - 1, choices=choices, refused=refused)

    def _set_emitter(self, sensor: Any, value: float) -> None:
        control = self._control(sensor, next(o for o in _DEPTH_OPTIONS if o.name == _EMITTER))
        if value not in range(len(control.choices)):
            raise RuntimeError(f"there is no mode {value:g}")
        chosen = control.choices[int(value)]
        if chosen in control.refused:
            raise RuntimeError(control.refused[chosen].rstrip("."))
        emitter, before = self._key(_EMITTER), sensor.get_option(self._key(_EMITTER))
        if chosen != ALTERNATING:
            if ALTERNATING not in control.refused:
                self._set_alternating(sensor, False)
            sensor.set_option(emitter, value)
            return
        sensor.set_option(emitter, 1)  # it alternates only while it is on
        try:
            self._set_alternating(sensor, True)
        except RuntimeError:
            sensor.set_option(emitter, before)
            raise

    def _set_alternating(self, sensor: Any, wanted: bool) -> None:
        key = self._key(_ON_OFF)
        if (sensor.get_option(key) > 0) == wanted:
            return
        try:
            sensor.set_option(key, float(wanted))
        except RuntimeError as error:
            if "streaming" not in str(error):
                raise
            with self._halted(sensor):
                sensor.set_option(key, float(wanted))

    def _is_governed(self, sensor: Any, option: _Option) -> bool:
        key = self._key(option.governed_by) if option.governed_by else None
        return key is not None and sensor.supports(key) and sensor.get_option(key) > 0

    def _key(self, sdk_name: str) -> Any:
        return getattr(self._rs.option, sdk_name)


def _refusal(control: Control, value: float, reason: str) -> SourceError:
    """What the user is told when the device does not take a value."""
    if control.choices:
        known = value in range(len(control.choices))
        wanted = control.choices[int(value)] if known else f"{value:g}"
        allowed = ", ".join(choice for choice in control.choices if choice not in control.refused)
    else:
        wanted = f"{value:g}"
        allowed = f"{control.minimum:g} to {control.maximum:g} in steps of {control.step:g}"
    return SourceError(f"The camera refuses {control.label.lower()} = {wanted}.", f"{reason}.", f"It takes {allowed}.")
