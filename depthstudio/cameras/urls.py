"""Sources are named by URLs, so that a source can be typed, saved and passed on: ``sim://ir?scene=desk``."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode

from depthstudio.errors import SourceError

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
SDK_SUFFIXES = (".db3", ".bag")


@dataclass(frozen=True)
class SourceUrl:
    """``scheme://target?name=value&...``, taken apart.

    target: a path for file, session and folder; a serial number for realsense; a rig's name for sim.
    """

    scheme: str
    target: str
    options: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> SourceUrl:
        """Read a URL, or a plain path to a recording, session or folder of images. SourceError when it is neither."""
        if "://" not in text:
            return cls._from_path(text)
        scheme, _, rest = text.partition("://")
        target, _, query = rest.partition("?")
        return cls(scheme.lower(), unquote(target), dict(parse_qsl(query, keep_blank_values=True)))

    @classmethod
    def _from_path(cls, text: str) -> SourceUrl:
        path = Path(text).expanduser().absolute()
        if not text.strip() or not path.exists():
            raise SourceError(
                f"There is no source '{text}'.",
                "It is neither a file nor a URL such as sim://ir or file:///recording.db3.",
                "'depthstudio sources' lists what can be opened.",
            )
        if path.is_dir():
            return cls("session" if (path / "session.json").is_file() else "folder", str(path))
        return cls("file", str(path))

    @classmethod
    def for_path(cls, scheme: str, path: Path) -> SourceUrl:
        """The URL of something on disk."""
        return cls(scheme, str(path.expanduser().absolute()))

    def __str__(self) -> str:
        text = f"{self.scheme}://{quote(self.target, safe='/+:')}"
        return f"{text}?{urlencode(self.options)}" if self.options else text

    @property
    def path(self) -> Path:
        """The target as an absolute path."""
        return Path(self.target).expanduser().absolute()

    def in_full(self) -> SourceUrl:
        """The same, but a recording is read as fast as it can be, so that none of its frames is lost.

        A URL that says ``realtime=`` itself is left alone, and so is one of a camera.
        """
        if self.scheme in ("file", "session", "folder") and "realtime" not in self.options:
            return replace(self, options={**self.options, "realtime": "0"})
        return self

    def check_options(self, known: set[str]) -> None:
        """SourceError when the URL has an option that this kind of source does not know."""
        unknown = sorted(set(self.options) - known)
        if unknown:
            raise SourceError(
                f"{self.scheme}:// knows no option '{unknown[0]}'.", next_step=f"It knows {', '.join(sorted(known))}."
            )

    def flag(self, name: str, default: bool) -> bool:
        """An option that is 1/0, on/off, true/false or yes/no."""
        value = self.options.get(name, "").lower()
        if name not in self.options:
            return default
        if value in _TRUE | _FALSE:
            return value in _TRUE
        raise SourceError(f"{name}={value} is neither on nor off.", next_step=f"Write {name}=1 or {name}=0.")

    def number(self, name: str, default: float, minimum: float, maximum: float) -> float:
        """A numeric option in [minimum, maximum]."""
        if name not in self.options:
            return default
        try:
            value = float(self.options[name])
        except ValueError:
            value = math.nan
        if not minimum <= value <= maximum:
            raise SourceError(f"{name}={self.options[name]} is not a number from {minimum:g} to {maximum:g}.")
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """An option that is one of a few words."""
        value = self.options.get(name, default)
        if value not in choices:
            raise SourceError(f"{name}={value} is unknown.", next_step=f"Choose one of {', '.join(choices)}.")
        return value

    def size_and_rate(self) -> dict[str, str]:
        """The options that choose a camera's mode."""
        return {name: value for name, value in self.options.items() if name in ("size", "fps")}

    def size(self, default: tuple[int, int] | None = None) -> tuple[int, int] | None:
        """``size=640x480`` as (width, height) px."""
        if "size" not in self.options:
            return default
        width, _, height = self.options["size"].partition("x")
        if not (width.isdigit() and height.isdigit() and int(width) > 0 and int(height) > 0):
            raise SourceError(f"size={self.options['size']} is no size.", next_step="Write it as size=640x480.")
        return int(width), int(height)
