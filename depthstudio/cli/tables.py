"""Where the benchmarks print their tables."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH = 120


def table_console() -> Console:
    """As wide as the terminal; in a file or a pipe wide enough for every table."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
