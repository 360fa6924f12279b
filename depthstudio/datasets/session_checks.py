"""What a whole recording is worth: how much of its labels the rules keep, and which frames repeat others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from depthstudio.cancel import CancelToken
from depthstudio.datasets.labels import RULES, LabelMaskSettings, mask_label
from depthstudio.datasets.session import Session
from depthstudio.datasets.views import DuplicateReport, find_duplicates, view_signature
from depthstudio.errors import CalibrationError, DatasetError
from depthstudio.geometry import Rectifier, StereoCalibration

_MOST_LABELS = 60
_POOR_LABEL = 0.5


@dataclass(frozen=True)
class SessionReport:
    """frames: how many were looked at, those marked out not included. labels: of how many the label was masked.

    valid_share: mean share of pixels that can be learnt from; removed: mean share that each rule took; both None or
    empty without depth or calibration. poor: positions whose label keeps less than half of the pixels. unreadable:
    positions whose files are missing or damaged. note: why the labels were not judged.
    """

    frames: int
    duplicates: DuplicateReport
    labels: int = 0
    valid_share: float | None = None
    removed: dict[str, float] = field(default_factory=dict)
    poor: tuple[int, ...] = ()
    unreadable: tuple[int, ...] = ()
    note: str = ""


def check_session(
    session: Session,
    calibration: StereoCalibration | None,
    settings: LabelMaskSettings | None = None,
    on_progress: Callable[[float], None] | None = None,
    cancel: CancelToken | None = None,
) -> SessionReport:
    """Look at every included frame for repetitions, and at up to 60 labels, evenly spread, for what the rules keep."""
    unreadable: list[int] = []
    positions = session.included

    def signature(position: int) -> np.ndarray:
        try:
            return view_signature(session.left_image(position))
        except DatasetError:
            unreadable.append(position)
            # Unlike anything and unlike each other: what cannot be read repeats nothing.
            return np.full_like(view_signature(np.zeros((2, 2), np.uint8)), 1000.0 + 10.0 * position)

    duplicates = find_duplicates(
        positions, signature, cancel=cancel, on_progress=lambda share: on_progress and on_progress(share / 2)
    )
    labels = _judge_labels(session, calibration, settings or LabelMaskSettings(), on_progress, cancel)
    return SessionReport(len(positions), duplicates, unreadable=tuple(unreadable), **labels)


def _judge_labels(
    session: Session,
    calibration: StereoCalibration | None,
    settings: LabelMaskSettings,
    on_progress: Callable[[float], None] | None,
    cancel: CancelToken | None,
) -> dict:
    with_depth = [i for i in session.included if "depth_mm" in session.records[i]["files"]]
    if not with_depth:
        return {"note": "No frame has depth."}
    if calibration is None or session.image_size is None:
        return {"note": "Labels are judged once there is a calibration."}
    try:
        rectifier = Rectifier(calibration, session.image_size)
    except CalibrationError as error:
        return {"note": str(error)}
    chosen = [with_depth[i] for i in np.unique(np.linspace(0, len(with_depth) - 1, _MOST_LABELS).round().astype(int))]
    shares: list[float] = []
    removed: dict[str, list[float]] = {rule: [] for rule in RULES}
    poor: list[int] = []
    for number, position in enumerate(chosen):
        if cancel is not None and cancel.is_cancelled:
            break
        try:
            depth_mm = session.frame(position).depth_mm
            if depth_mm is None:
                continue
            statistics = mask_label(rectifier.label_disparity(depth_mm), rectifier.geometry, settings).statistics
        except (CalibrationError, DatasetError):
            continue  # unreadable ones are reported already
        shares.append(statistics.valid_share)
        for rule in RULES:
            removed[rule].append(statistics.removed.get(rule, 0.0))
        if statistics.valid_share < _POOR_LABEL:
            poor.append(position)
        if on_progress is not None:
            on_progress(0.5 + (number + 1) / len(chosen) / 2)
    if not shares:
        return {"note": "No label could be read."}
    means = {rule: float(np.mean(values)) for rule, values in removed.items()}
    return {"labels": len(shares), "valid_share": float(np.mean(shares)), "removed": means, "poor": tuple(poor)}
