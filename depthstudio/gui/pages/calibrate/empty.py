"""What the Calibrate page says before there is anything to calibrate."""

from __future__ import annotations

from collections.abc import Callable

from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.status import EmptyState


def empty_state(studio: Studio, load: Callable[[], None], compare: Callable[[], None]) -> EmptyState:
    """load: asks for pairs. compare: shows the comparison, which needs no source."""
    return EmptyState(
        "grid-3x3",
        "Calibrating needs a source",
        "Open the camera and show a printed board to it, or load pairs of board images from a folder.",
        [
            ("Choose a source", lambda: studio.show_page("capture"), "camera"),
            ("Try the simulated board", lambda: studio.sources.open("sim://hybrid?scene=board"), "box"),
            ("Load pairs…", load, "folder-open"),
            ("Compare calibrations", compare, "git-compare"),
        ],
    )
