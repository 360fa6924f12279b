"""Where tables are printed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH = 120


def table_console(stderr: bool = False) -> Console:
    """As wide as the terminal; in a file or a pipe wide enough for every table. Brackets in names are no markup."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(width=None if stream.isatty() else _WIDTH, highlight=False, markup=False, stderr=stderr)
