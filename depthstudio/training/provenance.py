"""Which calibration the data of a run was made with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from depthstudio.datasets.session import Session
from depthstudio.errors import UserError
from depthstudio.geometry import StereoCalibration


def calibration_ids(data: Iterable[str], calibration: str = "") -> tuple[str, ...]:
    """Ids of the calibrations that a training set goes by: the one given, else those of its recordings.

    data: folders, as in RunAbout. Folders that are no recordings, or cannot be read, have none.
    """
    if calibration:
        try:
            return (StereoCalibration.load(Path(calibration)).id,)
        except UserError:
            return ()
    found: dict[str, None] = {}
    for path in data:
        folder = Path(path)
        inside = sorted(one.parent for one in folder.glob("*/session.json")) if folder.is_dir() else []
        for one in [folder, *inside]:
            if not (one / "session.json").is_file():
                continue
            try:
                made_with = Session.open(one).calibration
            except UserError:
                continue
            if made_with is not None:
                found[made_with.id] = None
    return tuple(found)


def ids_of_network(path: Path) -> tuple[str, ...]:
    """Ids of the calibrations that the run of a network was trained with; empty for a network of no run."""
    try:
        about = json.loads((path.parent / "run.json").read_text("utf-8"))
        return tuple(str(one) for one in about.get("calibration_ids", ()))
    except (OSError, ValueError, AttributeError):
        return ()
