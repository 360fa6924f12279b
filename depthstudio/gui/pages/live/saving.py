"""Writing what the Live page shows into the workspace, in the background."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthstudio.errors import DatasetError
from depthstudio.geometry import Rectifier
from depthstudio.geometry.point_cloud import write_ply
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.live.cloud import CloudOptions, cloud_of
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.workspace import new_folder_name

if TYPE_CHECKING:
    from depthstudio.inference.live_result import LiveResult


def save_snapshot(studio: Studio, result: LiveResult, about: Mapping[str, Any], rectifier: Rectifier | None) -> None:
    """Everything known about one frame, as a folder under snapshots/."""
    parent = studio.workspace.root / "snapshots"

    def write(_: TaskContext) -> Path:
        from depthstudio.inference.snapshot import write_snapshot

        folder = parent / new_folder_name(parent, "live")
        write_snapshot(folder, result, about, rectifier)
        return folder

    def done(folder: Path) -> None:
        studio.notify(Notice("Snapshot saved.", f"{folder}", tone="good"))

    studio.tasks.run(write, "Snapshot", done)


def save_cloud(studio: Studio, result: LiveResult, options: CloudOptions) -> None:
    """The point cloud as it is cut and coloured, every point of it, as a .ply under clouds/."""
    parent = studio.workspace.root / "clouds"

    def write(_: TaskContext) -> tuple[Path, int]:
        cloud = cloud_of(result, options)
        if cloud is None:
            raise DatasetError("There are no points to save.", "This view has no depth in metres.")
        path = parent / f"{new_folder_name(parent, options.method)}.ply"
        write_ply(path, cloud)
        return path, len(cloud)

    def done(written: tuple[Path, int]) -> None:
        words = f"{written[0]}: {written[1]:,} points, read back and compared."
        studio.notify(Notice("Point cloud saved.", words, tone="good"))

    studio.tasks.run(write, "Save the point cloud", done)
