"""What Linux' video drivers say about a USB camera: its name, sizes, rates and controls (ioctls of videodev2.h)."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

try:
    import fcntl
except ImportError:  # not on this operating system: there are no such drivers either
    fcntl = None  # type: ignore[assignment]

_CAPTURE_BUFFER, _DISCRETE = 1, 1
_DISABLED, _READ_ONLY, _INACTIVE = 0x0001, 0x0004, 0x0010
_HAS_DEVICE_CAPABILITIES, _VIDEO_CAPTURE = 0x80000000, 0x00000001
_MOST_ENTRIES = 256


def _request(direction: int, number: int, layout: str) -> tuple[int, str]:
    """An ioctl of videodev2.h: its number (_IOR = 2, _IOWR = 3) and the layout of its structure."""
    return direction << 30 | struct.calcsize(layout) << 16 | ord("V") << 8 | number, layout


_QUERY_CAPABILITIES = _request(2, 0, "=16s32s32sIII12s")
_ENUMERATE_FORMATS = _request(3, 2, "=III32sII12s")
_GET_CONTROL = _request(3, 27, "=Ii")
_SET_CONTROL = _request(3, 28, "=Ii")
_QUERY_CONTROL = _request(3, 36, "=II32siiiiI8s")
_ENUMERATE_SIZES = _request(3, 74, "=IIIIIIIII8s")
_ENUMERATE_INTERVALS = _request(3, 75, "=IIIIIIIIIII8s")


@dataclass(frozen=True)
class DriverControl:
    """A control of the driver, in the driver's own units. unavailable: why it cannot be set now."""

    identifier: int
    minimum: int
    maximum: int
    step: int
    default: int
    value: int
    unavailable: str = ""


@contextmanager
def opened(path: str) -> Iterator[int]:
    """A file descriptor for the functions below. OSError when the device is gone or may not be opened."""
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def capture_name(descriptor: int) -> str | None:
    """The camera's name; None when this node delivers no pictures (cameras have further nodes for metadata)."""
    _, card, _, _, capabilities, device_capabilities, _ = _call(descriptor, _QUERY_CAPABILITIES)
    if capabilities & _HAS_DEVICE_CAPABILITIES:
        capabilities = device_capabilities
    return _text(card) if capabilities & _VIDEO_CAPTURE else None


def modes(descriptor: int) -> list[tuple[int, int, int]]:
    """(width, height, frames per second) that the camera offers in any format, sorted."""
    found = set()
    for pixel_format in (entry[4] for entry in _entries(descriptor, _ENUMERATE_FORMATS, 0, _CAPTURE_BUFFER)):
        for entry in _entries(descriptor, _ENUMERATE_SIZES, 0, pixel_format):
            if entry[2] != _DISCRETE:
                continue
            width, height = entry[3], entry[4]
            for interval in _entries(descriptor, _ENUMERATE_INTERVALS, 0, pixel_format, width, height):
                numerator, denominator = interval[5], interval[6]
                if interval[4] == _DISCRETE and numerator:
                    found.add((width, height, round(denominator / numerator)))
    return sorted(found)


def control(descriptor: int, identifier: int) -> DriverControl | None:
    """A control as it is now; None when the driver has no such control."""
    try:
        _, _, _, minimum, maximum, step, default, flags, _ = _call(descriptor, _QUERY_CONTROL, identifier)
        if flags & _DISABLED:
            return None
        value = _call(descriptor, _GET_CONTROL, identifier)[1]
    except OSError:
        return None
    unavailable = "The driver does not let it be changed." if flags & _READ_ONLY else ""
    if flags & _INACTIVE:
        unavailable = "Another setting, such as automatic exposure, governs it."
    return DriverControl(identifier, minimum, maximum, max(step, 1), default, value, unavailable)


def set_control(descriptor: int, identifier: int, value: int) -> None:
    """Change a control. OSError when the driver refuses."""
    _call(descriptor, _SET_CONTROL, identifier, value)


def _entries(descriptor: int, request: tuple[int, str], *values: int) -> Iterator[tuple[int, ...]]:
    """Every entry of an enumeration; `values` are the first fields, the index being the first of all."""
    for index in range(_MOST_ENTRIES):
        try:
            yield _call(descriptor, request, index, *values[1:])
        except OSError:
            return


def _call(descriptor: int, request: tuple[int, str], *values: int) -> tuple:
    number, layout = request
    buffer = bytearray(struct.calcsize(layout))
    struct.pack_into(f"={'I' * len(values)}", buffer, 0, *(value & 0xFFFFFFFF for value in values))
    fcntl.ioctl(descriptor, number, buffer, True)
    return struct.unpack(layout, buffer)


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("utf-8", "replace").strip()
