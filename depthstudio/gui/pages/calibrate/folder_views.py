"""Views for the collector from image pairs on disk and from recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from depthstudio.calibration import ViewCollector, collect, detect_view, find_pairs
from depthstudio.calibration.pairs import read_grey
from depthstudio.cameras import open_source
from depthstudio.cameras.source import EndOfStream, FrameSource
from depthstudio.cancel import CancelToken
from depthstudio.errors import CalibrationError
from depthstudio.frames import StereoFrame

Progress = Callable[[float, str], None]


def add_folder(collector: ViewCollector, folder: Path, progress: Progress, cancel: CancelToken) -> list[str]:
    """Put every pair of `folder` that shows the board into the collector; returns what was skipped and why.

    Unlike live frames, none is refused for looking like another: somebody chose them. CalibrationError when there are
    no pairs, or none shows the board. A recorded session is a recording: see `add_recording`.
    """
    if (folder / "session.json").is_file():
        return add_recording(collector, f"session://{folder.absolute()}?realtime=0", progress, cancel)
    skipped: list[str] = []
    pairs = find_pairs(folder)
    for i, pair in enumerate(pairs):
        if cancel.is_cancelled:
            break
        progress(i / len(pairs), f"pair {i + 1} of {len(pairs)}")
        try:
            left, right = read_grey(pair.left), read_grey(pair.right)
            collector.add(detect_view(left, right, collector.board, pair.name), left, right)
        except CalibrationError as error:
            skipped.append(f"{pair.name}: {error.what}")
    if not collector.collected and not cancel.is_cancelled:
        raise CalibrationError(
            f"No pair in {folder.name} shows the board.",
            f"Looked for {collector.board} in {len(pairs)} pairs.",
            f"Set the number of {collector.board.point_name} of the board that was used.",
        )
    return skipped


def add_recording(collector: ViewCollector, url: str, progress: Progress, cancel: CancelToken) -> list[str]:
    """Offer every frame of a recording to the collector, which takes those that are still, sharp and new."""
    looked_at = 0
    reason = ""
    with open_source(url) as source:
        for offer in collect(_frames(source, cancel), collector):
            looked_at, reason = looked_at + 1, offer.reason
            progress(-1.0, f"frame {looked_at}: {len(collector.collected)} views")
    if not collector.collected and not cancel.is_cancelled:
        raise CalibrationError(
            "The recording gave no view.",
            f"Looked for {collector.board} in {looked_at} frames; of the last one: {reason}.",
            "Set the board that was used, or record the board held still in different poses.",
        )
    return []


def _frames(source: FrameSource, cancel: CancelToken) -> Iterator[StereoFrame]:
    while not cancel.is_cancelled:
        try:
            frame = source.read()
        except EndOfStream:
            return
        if frame is not None:
            yield frame


def ask_folder(window: QWidget, start: Path, then: Callable[[Path], None]) -> None:
    """Ask for a folder of image pairs."""
    dialog = QFileDialog(window, "Load board images", str(start))
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda path: then(Path(path)))
    dialog.open()


def ask_recording(window: QWidget, start: Path, then: Callable[[str], None]) -> None:
    """Ask for a camera recording; `then` gets the URL that reads it as fast as it can be."""
    dialog = QFileDialog(window, "Load a recording", str(start))
    dialog.setNameFilter("Recordings (*.db3 *.bag)")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda path: then(f"{Path(path).as_uri()}?realtime=0"))
    dialog.open()
