"""A recording for other programs, in one of three formats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from depthstudio.cancel import CancelToken
from depthstudio.datasets.exporting import ExportReport, export_images, export_npy, why_no_npy
from depthstudio.datasets.session import Session

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class ExportFormat:
    """title: for the window. help: what it writes, in one sentence. suffix: of the file, empty for a folder."""

    title: str
    help: str
    suffix: str = ""


FORMATS = {
    "npy": ExportFormat(".npy runs", "a run folder with color.npy, right.npy, depth.npy and meta.txt per frame"),
    "images": ExportFormat("Images with an index", "folders left, right, depth, color with PNG files, and index.csv"),
    "db3": ExportFormat("RealSense recording", "one .db3 file, which RealSense Viewer plays", ".db3"),
}


def why_not(session: Session, form: str) -> str:
    """Why `session` cannot be one of FORMATS, as in "needs depth, …"; empty when nothing speaks against it."""
    return why_no_npy(session) if form == "npy" else ""


def export_session(
    session: Session,
    target: Path,
    form: str,
    on_progress: OnProgress | None = None,
    cancel: CancelToken | None = None,
) -> ExportReport:
    """Write `session` as one of FORMATS. target: the file, the folder, or for ``npy`` the folder of the runs.

    Frames marked out are left out and counted. Nothing is overwritten, and a failed export leaves nothing behind.
    DatasetError or SourceError say why it cannot be done.
    """
    if form == "db3":
        from depthstudio.cameras.db3_export import export_db3  # the SDK is loaded only for it

        return export_db3(session, target, on_progress, cancel)
    return (export_npy if form == "npy" else export_images)(session, target, on_progress, cancel)
