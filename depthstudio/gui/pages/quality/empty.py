"""What the Quality page says while something is missing."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.status import EmptyState


class Missing(Enum):
    """The first thing that is missing, in the order in which a user would go about it."""

    SOURCE = "source"
    PAIR = "pair"
    CALIBRATION = "calibration"
    NETWORK = "network"


def missing_from(studio: Studio, has_network: bool) -> Missing | None:
    """None when everything is there, or may still come (the source is opening)."""
    sources = studio.sources
    if sources.state in (SourceState.NONE, SourceState.FAILED):
        return Missing.SOURCE
    frame = sources.last_frame
    if frame is None:
        return None
    if frame.right is None:
        return Missing.PAIR
    if studio.calibration is None:
        return Missing.CALIBRATION
    return None if has_network else Missing.NETWORK


def empty_states(studio: Studio, choose_file: Callable[[], object]) -> dict[Missing, EmptyState]:
    """One for each thing that can be missing."""
    sources = studio.sources
    wall = ("Try the simulated wall", lambda: sources.open("sim://ir?scene=wall&distance_m=1"), "box")
    return {
        Missing.SOURCE: EmptyState(
            "ruler",
            "No source is open",
            "Point a camera at a flat, textured wall. This page measures how flat, complete, steady and true the "
            "depth of your network, of the camera itself and of SGBM is.",
            [("Open a camera", studio.camera_requested.emit, "camera"), wall],
        ),
        Missing.PAIR: EmptyState(
            "columns-2",
            "This source has one picture only",
            "A stereo network compares a left and a right one.",
            [wall],
        ),
        Missing.CALIBRATION: EmptyState(
            "crosshair",
            "This source needs a calibration",
            "Millimetres need the focal length and the baseline of the rectified pair.",
            [("Calibrate", lambda: studio.show_page("calibrate"), "grid-3x3")],
        ),
        Missing.NETWORK: EmptyState(
            "cpu",
            "No network yet",
            "Fine-tune one on your recordings, or open the file of one.",
            [
                ("Train a network", lambda: studio.show_page("train"), "graduation-cap"),
                ("Open a file", choose_file, "folder-open"),
            ],
        ),
    }
