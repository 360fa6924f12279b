"""Image sizes as people write them."""

from __future__ import annotations

import re

from depthstudio.errors import SettingsError

_SMALLEST = 32


def parse_size(text: str) -> tuple[int, int]:
    """ "640x480" -> (640, 480), width first. SettingsError for anything else, or when a side is below 32 px."""
    found = re.fullmatch(r"(\d+)[x*](\d+)", text.strip().lower())
    if found is None or min(int(found[1]), int(found[2])) < _SMALLEST:
        raise SettingsError(
            f"'{text}' is no image size.", f"Both sides have at least {_SMALLEST} px.", "Write it like 640x480."
        )
    return int(found[1]), int(found[2])
