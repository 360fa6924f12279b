"""Writing what the Live page shows into the workspace, in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from depthstudio.errors import DatasetError
from depthstudio.geometry.point_cloud import write_ply
from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.live.cloud import cloud_of
from depthstudio.gui.pages.live.engine import LiveEngine
from depthstudio.gui.pages.live.views import LiveViews
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext
from depthstudio.workspace import new_folder_name


class ResultSaver:
    """about: what the page adds to the facts that are written beside the files."""

    def __init__(
        self, studio: Studio, engine: LiveEngine, views: LiveViews, about: Callable[[], dict[str, object]]
    ) -> None:
        self._studio = studio
        self._engine = engine
        self._views = views
        self._about = about
        self._writing = threading.Lock()  # two of one second must not take the same name

    def snapshot(self) -> None:
        """Everything known about one frame, as a folder under snapshots/."""
        if self._views.result is None:
            return
        result, about, loop = self._views.result.whole, self._facts(), self._engine.loop
        rectifier = loop.predictor.rectifier if loop is not None else None
        parent = self._studio.workspace.root / "snapshots"

        def write(_: TaskContext) -> Path:
            from depthstudio.inference.snapshot import write_snapshot

            with self._writing:
                folder = parent / new_folder_name(parent, "live")
                write_snapshot(folder, result, about, rectifier)
            return folder

        def done(folder: Path) -> None:
            self._studio.notify(Notice("Snapshot saved.", f"{folder}", tone="good"))

        self._studio.tasks.run(write, "Snapshot", done)

    def cloud(self) -> None:
        """The point cloud as it is cut and coloured, every point of it, as a .ply under clouds/."""
        result, options = self._views.result, self._views.cloud.options
        if result is None:
            return
        parent = self._studio.workspace.root / "clouds"

        def write(_: TaskContext) -> tuple[Path, int]:
            cloud = cloud_of(result, options)
            if cloud is None:
                raise DatasetError("There are no points to save.", "This view has no depth in metres.")
            with self._writing:
                path = parent / new_folder_name(parent, options.method, suffix=".ply")
                write_ply(path, cloud)
            return path, len(cloud)

        def done(written: tuple[Path, int]) -> None:
            words = f"{written[0]}: {written[1]:,} points, read back and compared."
            self._studio.notify(Notice("Point cloud saved.", words, tone="good"))

        self._studio.tasks.run(write, "Save the point cloud", done)

    def _facts(self) -> dict[str, object]:
        active, loop = self._studio.calibration, self._engine.loop
        return {
            "source": self._studio.sources.url,
            "network": loop.predictor.name if loop is not None else "",
            "calibration": active.name if active is not None else "",
            "calibration_id": active.calibration.id if active is not None else "",
            **self._about(),
        }
