"""SimulatedSettings: what a ``sim://`` URL says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from depthstudio.errors import SourceError

RIGS = ("ir", "hybrid")
SCENES = ("desk", "board", "wall")
_BOARDS = ("chessboard", "charuco", "circles")
_FRAMES = {"desk": 90, "board": 150, "wall": 90}
_MAX_PIXELS = 1920 * 1080


@dataclass(frozen=True)
class SimulatedSettings:
    """One simulated rig in front of one scene; every field is a parameter of the URL, ``rig`` is its host.

    projector: infrared dots. In the hybrid rig they improve the depth label only: colour cameras do not see them.
    board: what is held up in the scene "board": chessboard, charuco or circles.
    distance_m, tilt_deg: the wall's distance along the left camera's axis and its turn about the vertical; wall only.
    frames: different images in the loop, 0 = as many as suit the scene. With ``realtime=0`` they come once, in order,
        as fast as they are read.
    noise: sensor noise of the images and of the depth label's disparity.
    """

    rig: str = "hybrid"
    scene: str = "desk"
    board: str = "chessboard"
    projector: bool = True
    distance_m: float = 1.0
    tilt_deg: float = 0.0
    seed: int = 0
    fps: float = 30.0
    size: tuple[int, int] = (640, 480)
    frames: int = 0
    noise: bool = True
    realtime: bool = True

    @property
    def frame_count(self) -> int:
        """Different images in the loop."""
        return self.frames or _FRAMES[self.scene]

    @classmethod
    def from_url(cls, url: str) -> SimulatedSettings:
        """Read ``sim://ir?scene=wall&distance_m=1.5``. SourceError names what is allowed instead."""
        parts = urlsplit(url)
        rig = parts.netloc or parts.path.strip("/")
        if parts.scheme != "sim" or rig not in RIGS:
            raise SourceError(
                f"There is no simulated rig '{url}'.",
                f"The rigs are {' and '.join(f'sim://{name}' for name in RIGS)}.",
                "Write for example sim://hybrid?scene=desk.",
            )
        values: dict[str, Any] = {"rig": rig}
        for name, text in parse_qsl(parts.query, keep_blank_values=True):
            if name not in _PARSERS:
                raise SourceError(
                    f"sim://{rig} has no parameter '{name}'.",
                    f"It knows {', '.join(_PARSERS)}.",
                    "Correct or drop it.",
                )
            values[name] = _PARSERS[name](name, text)
        return cls(**values)

    def to_url(self) -> str:
        """The shortest URL that gives these settings."""
        default = SimulatedSettings()
        said = [
            f"{item.name}={_written(getattr(self, item.name))}"
            for item in fields(self)
            if item.name != "rig" and getattr(self, item.name) != getattr(default, item.name)
        ]
        return f"sim://{self.rig}" + ("?" + "&".join(said) if said else "")


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return "x".join(str(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _refuse(name: str, text: str, allowed: str) -> SourceError:
    return SourceError(f"'{text}' is not a value for {name}.", f"Allowed is {allowed}.", f"Correct {name}= in the URL.")


def _one_of(values: Mapping[str, Any], listed: str) -> Callable[[str, str], Any]:
    def parse(name: str, text: str) -> Any:
        if text.lower() not in values:
            raise _refuse(name, text, listed)
        return values[text.lower()]

    return parse


def _number(kind: type, minimum: float, maximum: float, unit: str = "") -> Callable[[str, str], Any]:
    def parse(name: str, text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not minimum <= value <= maximum:
            whole = "a whole number" if kind is int else "a number"
            raise _refuse(name, text, f"{whole} from {minimum:g} to {maximum:g}{unit}")
        return value

    return parse


def _size(name: str, text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise _refuse(name, text, "WIDTHxHEIGHT, for example 640x480")
    size = int(width), int(height)
    if min(size) < 32 or size[0] * size[1] > _MAX_PIXELS:
        raise _refuse(name, text, "WIDTHxHEIGHT from 32x32 to 1920x1080")
    return size


_SWITCH = _one_of(
    {"on": True, "off": False, "1": True, "0": False, "true": True, "false": False, "yes": True, "no": False},
    "on or off",
)
_PARSERS: dict[str, Callable[[str, str], Any]] = {
    "scene": _one_of({name: name for name in SCENES}, "desk, board or wall"),
    "board": _one_of({name: name for name in _BOARDS}, "chessboard, charuco or circles"),
    "projector": _SWITCH,
    "distance_m": _number(float, 0.2, 10.0, " m"),
    "tilt_deg": _number(float, -60.0, 60.0, " degrees"),
    "seed": _number(int, 0, 2**31 - 1),
    "fps": _number(float, 1.0, 90.0),
    "size": _size,
    "frames": _number(int, 0, 2000),
    "noise": _SWITCH,
    "realtime": _SWITCH,
}
