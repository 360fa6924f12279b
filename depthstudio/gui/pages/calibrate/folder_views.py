"""Views for the collector from image pairs on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from depthstudio.calibration import ViewCollector, detect_view, find_pairs
from depthstudio.calibration.pairs import read_grey
from depthstudio.cancel import CancelToken
from depthstudio.errors import CalibrationError


def add_folder(
    collector: ViewCollector, folder: Path, progress: Callable[[float, str], None], cancel: CancelToken
) -> list[str]:
    """Put every pair of `folder` that shows the board into the collector; returns what was skipped and why.

    Unlike live frames, none is refused for looking like another: somebody chose them. CalibrationError when there are
    no pairs, or none shows the board.
    """
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
            "Set the number of inner corners of the board that was used.",
        )
    return skipped
