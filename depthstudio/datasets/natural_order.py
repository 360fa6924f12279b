"""Names in the order a person expects: 2 before 10."""

from __future__ import annotations

import re
from pathlib import Path


def natural_key(name: str | Path) -> list[tuple[int, int, str]]:
    """Sort key of a name or path in which runs of digits compare as numbers."""
    parts = re.split(r"(\d+)", str(name).lower())
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part]
