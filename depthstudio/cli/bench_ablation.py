"""``depthstudio bench ablation``: what each part of the network and of its pretraining is worth."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from depthstudio.cli.tables import table_console

if TYPE_CHECKING:
    from rich.table import Table

    from depthstudio.training.ablation import AblationRow

CONVENTIONS = (
    "Each variant had the same processor time (all cores; making the crops not counted) on the same scenes, its "
    "learning rate falling to nothing at the end. One run each: differences of about one point are chance.",
    "synthetic: bad-2, mean of fixed scenes of all kinds. real: means of seven pairs (DEPTHSTUDIO_DATA), all pixels "
    "with known truth; they decided nothing.",
)


def ablation(arguments: argparse.Namespace) -> int:
    """Train what is missing and print the table."""
    from dataclasses import asdict

    from depthstudio.cli.interrupt import stop_on_interrupt
    from depthstudio.storage import cache_root, write_text
    from depthstudio.training.ablation import AblationPlan, AblationRow, ablate

    out = arguments.out or cache_root() / "ablation"
    plan = AblationPlan(arguments.minutes, Path(arguments.data or out / "scenes"))
    console = table_console()
    rows: list[AblationRow] = []
    with stop_on_interrupt() as cancel, console.status("Training") as status:
        for event in ablate(plan, out, cancel):
            if isinstance(event, AblationRow):
                rows.append(event)
            else:
                status.update(event)
    console.print(as_table(rows))
    for line in CONVENTIONS:
        console.print(line, style="dim")
    if arguments.json:
        write_text(arguments.json, json.dumps([asdict(row) for row in rows], indent=1))
    if cancel.is_cancelled:
        console.print("Stopped. The same command goes on from here.")
    return int(cancel.is_cancelled)


def as_table(rows: list[AblationRow]) -> Table:
    """A row per variant."""
    from rich.table import Table

    table = Table("variant", title="ablation")
    headings = ("parameters", "s/step", "crops", "synthetic %", "real bad-1 %", "real bad-2 %", "real EPE px")
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows:
        real = row.scores.get("real mean")
        numbers = (
            ("", "", "")
            if real is None
            else (f"{100 * real['bad_1']:.1f}", f"{100 * real['bad_2']:.1f}", f"{real['epe']:.2f}")
        )
        table.add_row(
            row.title,
            f"{row.parameters / 1e6:.2f} M",
            f"{row.processor_s_per_step:.2f}",
            str(row.crops),
            f"{100 * row.synthetic_bad_2:.1f}",
            *numbers,
        )
    return table
