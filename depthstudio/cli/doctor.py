"""``depthstudio doctor``: what this machine offers and lacks."""

from __future__ import annotations

import argparse

from depthstudio.workspace import Workspace


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register ``doctor``."""
    doctor = verbs.add_parser("doctor", help="what this machine offers and lacks, and what to do about it")
    doctor.set_defaults(run=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from depthstudio.doctor import Status, examine

    marks = {Status.GOOD: "[green]ok[/green]", Status.NOTE: "[yellow]note[/yellow]", Status.BAD: "[red]bad[/red]"}
    table = Table(box=None, show_header=False)
    checks = list(examine(Workspace.find(arguments.workspace)))
    for check in checks:
        todo = f"\n[dim]{escape(check.next_step)}[/dim]" if check.next_step else ""
        table.add_row(marks[check.status], escape(check.name), escape(check.detail) + todo)
    Console().print(table)
    return 1 if any(check.status is Status.BAD for check in checks) else 0
