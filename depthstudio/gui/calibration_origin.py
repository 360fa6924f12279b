"""Whether the calibration in force is another one than recordings or networks were made with."""

from __future__ import annotations

from pathlib import Path

from depthstudio.geometry import StereoCalibration
from depthstudio.gui.studio import ActiveCalibration, Studio
from depthstudio.training.provenance import ids_of_network

_SAME_CAMERA_SHARE = 0.15


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
    if own is not None and _is_of_another_camera(own, chosen.calibration):
        return (
            f"{studio.sources.title} has a baseline of {own.baseline_m * 1000:.0f} mm and f {own.K1[0, 0]:.0f} px; "
            f"{chosen.name} says {chosen.calibration.baseline_m * 1000:.0f} mm and "
            f"{chosen.calibration.K1[0, 0]:.0f} px, so it is of another camera."
        )
    network = studio.settings.live_network
    return network_conflict(Path(network), chosen) if network else ""


def _is_of_another_camera(own: StereoCalibration, chosen: StereoCalibration) -> bool:
    """No two calibrations of one rig at one image size differ that much."""
    if own.image_size != chosen.image_size and None not in (own.image_size, chosen.image_size):
        return False  # focal lengths are not comparable; other checks speak about the size
    ratios = own.baseline_m / chosen.baseline_m, own.K1[0, 0] / chosen.K1[0, 0]
    return any(not 1 - _SAME_CAMERA_SHARE <= ratio <= 1 + _SAME_CAMERA_SHARE for ratio in ratios)


def network_conflict(network: Path, active: ActiveCalibration | None) -> str:
    """One sentence when a network was trained with another calibration than the one in force; else empty."""
    trained_with = ids_of_network(network) if active is not None else ()
    if active is None or not trained_with or active.calibration.id in trained_with:
        return ""
    name = "the source's own" if active.path is None and active.name == "from the source" else active.name
    return (
        f"The network {network.parent.name} was trained with calibration {', '.join(trained_with)}; "
        f"{name} ({active.calibration.id}) is another one."
    )
