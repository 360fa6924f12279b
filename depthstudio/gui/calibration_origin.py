"""Whether the calibration in force is another one than recordings or networks were made with."""

from __future__ import annotations

from pathlib import Path

from depthstudio.gui.studio import Studio
from depthstudio.training.provenance import ids_of_network


def calibration_conflict(studio: Studio) -> str:
    """One sentence when the chosen calibration is not the recording's or the network's own; empty when all agree."""
    chosen = studio.chosen_calibration
    if chosen is None:
        return ""
    own = studio.sources.calibration
    url = studio.sources.url or ""
    if own is not None and url.startswith("session://") and own.id != chosen.calibration.id:
        return (
            f"The recording {studio.sources.title} was made with calibration {own.id}; "
            f"{chosen.name} ({chosen.calibration.id}) is another one."
        )
    network = studio.settings.live_network
    trained_with = ids_of_network(Path(network)) if network else ()
    if trained_with and chosen.calibration.id not in trained_with:
        return (
            f"The network {Path(network).parent.name} was trained with calibration {', '.join(trained_with)}; "
            f"{chosen.name} ({chosen.calibration.id}) is another one."
        )
    return ""
