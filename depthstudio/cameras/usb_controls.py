"""The settings of a USB camera, with the ranges of its driver."""

from __future__ import annotations

from dataclasses import dataclass

from depthstudio.cameras import v4l2
from depthstudio.cameras.source import Control
from depthstudio.errors import SourceError

_MANUAL, _AUTOMATIC = 1, 3  # V4L2_EXPOSURE_MANUAL, V4L2_EXPOSURE_APERTURE_PRIORITY: what webcams have


@dataclass(frozen=True)
class _Option:
    """scale: what one unit of the driver is in `unit`."""

    name: str
    label: str
    identifier: int
    unit: str = ""
    scale: float = 1.0


# Identifiers of linux/v4l2-controls.h.
_OPTIONS = (
    _Option("exposure", "Exposure", 0x009A0902, "µs", 100.0),
    _Option("gain", "Gain", 0x00980913),
    _Option("brightness", "Brightness", 0x00980900),
    _Option("white_balance_auto", "Automatic white balance", 0x0098090C),
    _Option("focus_auto", "Automatic focus", 0x009A090C),
)
_EXPOSURE_MODE = 0x009A0901


class UsbControls:
    """prefix, side: set before names and labels when a source has two cameras."""

    def __init__(self, device: str, prefix: str = "", side: str = "") -> None:
        self._device = device
        self._prefix = prefix
        self._side = side

    def list(self) -> tuple[Control, ...]:
        """Every setting the driver has, as it is now; what it lacks of the usual ones is greyed."""
        if not self._device:
            return ()
        try:
            with v4l2.opened(self._device) as descriptor:
                return (self._exposure_mode(descriptor), *(self._control(descriptor, option) for option in _OPTIONS))
        except OSError:
            return ()

    def set(self, name: str, value: float) -> None:
        """Change a setting. Setting the exposure turns automatic exposure off. SourceError when it cannot be."""
        plain = name.removeprefix(self._prefix)
        option = next((option for option in _OPTIONS if option.name == plain), None)
        try:
            with v4l2.opened(self._device) as descriptor:
                if plain == "enable_auto_exposure":
                    v4l2.set_control(descriptor, _EXPOSURE_MODE, _AUTOMATIC if value else _MANUAL)
                elif option is None:
                    raise SourceError(f"This camera has no setting '{name}'.")
                else:
                    if plain == "exposure" and v4l2.control(descriptor, _EXPOSURE_MODE) is not None:
                        v4l2.set_control(descriptor, _EXPOSURE_MODE, _MANUAL)
                    v4l2.set_control(descriptor, option.identifier, round(value / option.scale))
        except OSError as error:
            label = option.label if option is not None else "Automatic exposure"
            raise SourceError(f"The camera refuses {label.lower()} = {value:g}.", f"{error.strerror}.") from error

    def _exposure_mode(self, descriptor: int) -> Control:
        found = v4l2.control(descriptor, _EXPOSURE_MODE)
        if found is None:
            return self._missing("enable_auto_exposure", "Automatic exposure")
        return Control(
            self._prefix + "enable_auto_exposure",
            self._label("Automatic exposure"),
            float(found.value != _MANUAL),
            default=float(found.default != _MANUAL),
            unavailable=found.unavailable,
        )

    def _control(self, descriptor: int, option: _Option) -> Control:
        found = v4l2.control(descriptor, option.identifier)
        if found is None:
            return self._missing(option.name, option.label)
        minimum, maximum, step, default, value = (
            number * option.scale for number in (found.minimum, found.maximum, found.step, found.default, found.value)
        )
        return Control(
            self._prefix + option.name,
            self._label(option.label),
            value,
            minimum,
            maximum,
            step,
            default,
            option.unit,
            unavailable=found.unavailable,
        )

    def _missing(self, name: str, label: str) -> Control:
        return Control(
            self._prefix + name, self._label(label), 0.0, unavailable="The camera's driver has no such setting."
        )

    def _label(self, label: str) -> str:
        return f"{self._side} {label[0].lower()}{label[1:]}" if self._side else label
