"""What the Live page says while something is missing."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.status import EmptyState


class Missing(Enum):
    """The first thing that is missing, in the order in which a user would go about it."""

    SOURCE = "source"
    OPENED = "opened"
    PAIR = "pair"
    CALIBRATION = "calibration"
    FITTING = "fitting"
    NETWORK = "network"


def missing_from(studio: Studio, rectified: bool, has_network: bool, misfit: bool) -> Missing | None:
    """None when everything is there, or may still come (the source is opening).

    rectified: the user says that the pictures need no calibration. misfit: the calibration was refused.
    """
    sources = studio.sources
    if sources.state is SourceState.NONE:
        return Missing.SOURCE
    frame = sources.last_frame
    if frame is None:
        return Missing.OPENED if sources.state is SourceState.FAILED else None
    if frame.right is None:
        return Missing.PAIR
    if misfit:
        return Missing.FITTING
    if studio.calibration is None and not rectified:
        return Missing.CALIBRATION
    return None if has_network else Missing.NETWORK


def empty_states(
    studio: Studio, choose_file: Callable[[], object], treat_as_rectified: Callable[[], object]
) -> dict[Missing, EmptyState]:
    """One for each thing that can be missing."""
    sources = studio.sources
    rig = ("Try the simulated rig", lambda: sources.open("sim://ir?scene=desk"), "box")
    recording = ("Open a recording", studio.recording_requested.emit, "folder-open")
    calibrate = ("Calibrate", lambda: studio.show_page("calibrate"), "grid-3x3")
    own = ("Use the source's own", lambda: studio.use_calibration(None), "crosshair")
    return {
        Missing.SOURCE: EmptyState(
            "video",
            "No source is open",
            "Live shows the picture of a camera and, beside it, the depth that your network sees in it.",
            [("Open a camera", studio.camera_requested.emit, "camera"), rig, recording],
        ),
        Missing.OPENED: EmptyState(
            "video-off",
            "The source did not open",
            "The message above says why.",
            [("Try again", sources.reopen, "refresh-cw"), rig],
        ),
        Missing.PAIR: EmptyState(
            "columns-2",
            "This source has one picture only",
            "A stereo network compares a left and a right picture. Open a camera in infrared mode, or a recording of a "
            "pair.",
            [("Open a camera", studio.camera_requested.emit, "camera"), rig, recording],
        ),
        Missing.CALIBRATION: EmptyState(
            "crosshair",
            "This source needs a calibration",
            "Its two cameras see the scene from different poses and through different lenses. The network needs both "
            "pictures rectified, so that a point lies on the same row in both.",
            [calibrate, ("The pictures are rectified", treat_as_rectified, "check")],
        ),
        Missing.FITTING: EmptyState(
            "crosshair",
            "The calibration does not fit this source",
            "The message above says why. Choose another calibration at the top right, or calibrate this source.",
            [calibrate, own],
        ),
        Missing.NETWORK: EmptyState(
            "cpu",
            "No network yet",
            "Fine-tune one on your recordings, or open the file of one: .safetensors, or a reference checkpoint .pth.",
            [
                ("Train a network", lambda: studio.show_page("train"), "graduation-cap"),
                ("Open a file", choose_file, "folder-open"),
            ],
        ),
    }
