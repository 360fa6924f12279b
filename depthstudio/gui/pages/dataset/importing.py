"""Import and export as tasks of the window: they say how far they are."""

from __future__ import annotations

from pathlib import Path

from depthstudio.cameras.exporting import export_session
from depthstudio.cameras.importing import import_path
from depthstudio.datasets.exporting import ExportReport
from depthstudio.datasets.session import Session
from depthstudio.gui.tasks import TaskContext


def import_sessions(path: Path, parent: Path, context: TaskContext) -> list[Session]:
    """Import a folder or a .db3/.bag file into `parent`; what was imported before a stop is kept."""

    def show(name: str, done: int, total: int | None) -> None:
        words = f"{name}: {done} of {total} frames" if total else f"{name}: {done} frames" if done else "opening"
        context.progress(done / total if total else -1.0, words)

    return list(import_path(path, parent, on_progress=show, cancel=context.cancel))


def export(folder: Path, target: Path, form: str, context: TaskContext) -> ExportReport:
    """Write a recording for other programs."""

    def show(done: int, total: int) -> None:
        context.progress(done / total, f"{done} of {total}")

    return export_session(Session.open(folder), target, form, show, context.cancel)
