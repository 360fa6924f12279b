"""Numbers on the command line that are checked while it is parsed."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


def positive(kind: type[int] | type[float]) -> Callable[[str], float]:
    """An argparse type: a finite number above 0."""

    def parse(text: str) -> float:
        value = kind(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text} is not positive, or not a number")
        return value

    parse.__name__ = "number"
    return parse


def image_size(text: str) -> tuple[int, int]:
    """An argparse type: ``640x480`` as (width, height)."""
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and min(int(width), int(height)) > 0):
        raise argparse.ArgumentTypeError(f"{text} is no size such as 640x480")
    return int(width), int(height)
