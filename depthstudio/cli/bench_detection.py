"""``depthstudio bench detection``: how long a live search for the board takes."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from depthstudio.cli.tables import table_console

_ROUNDS = 3


def detection(arguments: argparse.Namespace) -> int:
    """Print the table; the last column says whether the limit was kept."""
    from rich.table import Table

    from depthstudio.calibration.detection_speed import LIMITS_MS, detection_speed
    from depthstudio.inference.image_size import parse_size
    from depthstudio.storage import write_text

    data = os.environ.get("DEPTHSTUDIO_DATA")
    size = parse_size(arguments.size or "640x480")
    console = table_console()
    table = Table("pairs", title=f"looking for the board, {size[0]}x{size[1]}, both images")
    for heading in ("pairs", "found %", "CPU ms", "p95", "wall ms", "limit", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    with console.status("Measuring"):
        rows = list(detection_speed(Path(data) if data else None, size, arguments.rounds or _ROUNDS))
    for row in rows:
        limit_ms = LIMITS_MS[row.has_board]
        numbers = (f"{100 * row.found:.0f}", f"{row.cpu_ms:.1f}", f"{row.cpu_p95_ms:.1f}", f"{row.wall_ms:.1f}")
        table.add_row(row.what, str(row.pairs), *numbers, f"{limit_ms:.0f}", "ok" if row.cpu_ms <= limit_ms else "slow")
    console.print(table)
    if arguments.json:
        write_text(arguments.json, json.dumps([row.as_json() for row in rows], indent=1))
    return 0
