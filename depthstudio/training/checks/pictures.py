"""What the pictures give away: swapped views, bad rectification, labels that do not belong, near-duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depthstudio.cancel import CancelToken
from depthstudio.datasets.split import evenly
from depthstudio.datasets.stereo_sample import SampleSource, StereoSample
from depthstudio.training.checks.finding import Finding, FrameRef, Look, Side, Tone, look_at
from depthstudio.training.checks.matching import CornerMatches, match_corners
from depthstudio.training.data import TrainingData

_MATCHED_FRAMES = 4  # of each side
_COMPARED_FRAMES = 24  # of each side, when looking for near-duplicates
_SHOWN = 3
_FEW_MATCHES = 20
_LONELY_SHARE, _ENOUGH_CORNERS = 0.1, 60
_SWAPPED_SHARE = 0.7
_VERTICAL_PX, _VERTICAL_BAD_PX = 0.8, 2.5
_LABEL_PX, _LABEL_SHARE = 2.0, 0.08
_TWIN = 0.85  # correlation of two thumbnails without their light; neighbours in time have 0.95 and more
_THUMBNAIL = (48, 36)
_LIGHT_SIGMA_PX = 5.0


@dataclass(frozen=True, eq=False)
class _Matched:
    look: Look
    matches: CornerMatches

    @property
    def shift_px(self) -> NDArray[np.float64]:
        """Disparity that is positive in front of the cameras, whatever the principal points."""
        geometry = self.look.sample.geometry
        return self.matches.shift_px + (geometry.disparity_shift_px if geometry is not None else 0.0)


def check_pictures(data: TrainingData, cancel: CancelToken | None = None) -> list[Finding]:
    """Look closely at a few frames of each side; takes a second or two. DatasetError when one cannot be read.

    cancel: ends it early, with what was found so far.
    """
    cancel = cancel or CancelToken()
    matched = []
    for look in look_at(data, _MATCHED_FRAMES):
        if cancel.is_cancelled:
            return []
        matched.append(_Matched(look, match_corners(look.sample.left, look.sample.right)))
    swapped = check_order(matched)
    found = [*swapped, *check_rows(matched), *([] if swapped else check_agreement(matched))]
    return found + check_twins(data, cancel)


def check_order(matched: Sequence[_Matched]) -> list[Finding]:
    """Left and right swapped: what is near lies further right in the right picture."""
    shifts = [one.shift_px for one in matched if len(one.matches)]
    count = sum(len(shift) for shift in shifts)
    corners = sum(one.matches.corners for one in matched)
    if count < _FEW_MATCHES:
        if corners < _ENOUGH_CORNERS or count > _LONELY_SHARE * corners:
            return []
        what = f"Of {corners} corners of the left pictures only {count} are found in the right ones."
        step = "Look whether both show the same moment, and check the calibration."
        return [Finding(what, step, frames=tuple(one.look.ref for one in matched[:_SHOWN]))]
    wrong = [(one, float((one.shift_px < -1.0).mean())) for one in matched if len(one.matches) >= _FEW_MATCHES // 2]
    swapped = sorted((pair for pair in wrong if pair[1] >= _SWAPPED_SHARE), key=lambda pair: -pair[1])
    if not swapped:
        return []
    what = (
        f"Left and right seem swapped: in {len(swapped)} of {len(matched)} frames looked at, most corners "
        f"({swapped[0][1]:.0%}) lie on the wrong side."
    )
    refs = tuple(one.look.ref for one, _ in swapped[:_SHOWN])
    return [Finding(what, "Swap the cameras or their folders, and calibrate again.", "bad", refs)]


def check_rows(matched: Sequence[_Matched]) -> list[Finding]:
    """Rectification: the two pictures of a point must lie in one row."""
    drops = [one.matches.drop_px for one in matched if len(one.matches)]
    count = sum(len(drop) for drop in drops)
    if count < _FEW_MATCHES:
        return []
    error_px = float(np.median(np.abs(np.concatenate(drops))))
    if error_px < _VERTICAL_PX:
        return []
    worst = sorted(matched, key=_row_error, reverse=True)
    what = f"Rectification is off: matched corners lie {error_px:.1f} px above or below each other (median of {count})."
    tone: Tone = "bad" if error_px >= _VERTICAL_BAD_PX else "warning"
    refs = tuple(one.look.ref for one in worst[:_SHOWN])
    return [Finding(what, "Calibrate the camera again; below 0.5 px is usual.", tone, refs)]


def check_agreement(matched: Sequence[_Matched]) -> list[Finding]:
    """Labels against pictures: the disparity of matched corners must be that of the label."""
    errors = [(one, _label_errors(one)) for one in matched]
    everything = np.concatenate([error for _, error in errors]) if errors else np.empty(0)
    if len(everything) < _FEW_MATCHES or float(np.median(everything)) < 1.0:
        return []
    worst = sorted(errors, key=lambda pair: float(np.median(pair[1])) if len(pair[1]) else 0.0, reverse=True)
    wrong_px = float(np.median(np.concatenate([_label_errors(one, relative=False) for one, _ in errors])))
    count = len(everything)
    what = f"Labels and pictures disagree: the label is {wrong_px:.1f} px off (median of {count} matched corners)."
    refs = tuple(one.look.ref for one, _ in worst[:_SHOWN])
    return [Finding(what, "The depth belongs to another camera or calibration: calibrate again.", "bad", refs)]


def check_twins(data: TrainingData, cancel: CancelToken) -> list[Finding]:
    """Validation frames that look like a training frame, so that learning by heart goes unnoticed."""
    train, train_refs = _thumbnails(data.train, "train", cancel)
    validation, validation_refs = _thumbnails(data.validation, "validation", cancel)
    if not (train_refs and validation_refs):
        return []
    alike = validation @ train.T
    best = alike.max(axis=1)
    twins = [int(i) for i in np.argsort(best)[::-1] if best[i] >= _TWIN]
    if not twins:
        return []
    share = len(twins) / len(best)
    what = f"{share:.0%} of the validation frames looked at are near-duplicates of training frames."
    clearest = twins[0]
    refs = (validation_refs[clearest], train_refs[int(alike[clearest].argmax())])
    others = tuple(validation_refs[i] for i in twins[1:_SHOWN])
    step = "The validation error will look better than it is: validate on a recording of another scene."
    return [Finding(what, step, "bad" if share > 0.5 else "warning", (*refs, *others))]


def _thumbnails(samples: SampleSource, side: Side, cancel: CancelToken) -> tuple[NDArray[np.float64], list[FrameRef]]:
    """One unit vector per frame: small, grey, without the slow changes of light."""
    rows, refs = [], []
    for index in evenly(len(samples), _COMPARED_FRAMES):
        if cancel.is_cancelled:
            break
        sample = samples[index]
        rows.append(thumbnail(sample))
        refs.append(FrameRef(side, index, sample.name))
    return np.array(rows), refs


def thumbnail(sample: StereoSample) -> NDArray[np.float64]:
    """(1728,) float64 of length 1, or all 0 for a blank picture: what is compared to find near-duplicates."""
    grey = cv2.cvtColor(sample.left, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, _THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float64)
    detail = small - cv2.GaussianBlur(small, (0, 0), _LIGHT_SIGMA_PX)
    length = float(np.linalg.norm(detail))
    return np.asarray(detail / length if length > _THUMBNAIL[0] else detail * 0, np.float64).ravel()


def _row_error(one: _Matched) -> float:
    return float(np.median(np.abs(one.matches.drop_px))) if len(one.matches) else 0.0


def _label_errors(one: _Matched, *, relative: bool = True) -> NDArray[np.float64]:
    """|matched - label| where there is a label, px; relative: in units of what is still acceptable there."""
    sample, matches = one.look.sample, one.matches
    rows, columns = matches.y.astype(int), matches.x.astype(int)
    known = sample.valid[rows, columns]
    label = sample.disparity_px[rows, columns][known].astype(np.float64)
    error_px = np.abs(matches.shift_px[known] - label)
    return error_px / np.maximum(_LABEL_PX, _LABEL_SHARE * label) if relative else error_px
