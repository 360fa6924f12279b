from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from depthstudio.datasets.session import Session, SessionWriter
from depthstudio.datasets.session_checks import check_session
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

SIZE = (160, 120)
CALIBRATION = StereoCalibration.rectified_pair(150.0, 0.05, 79.5, 59.5, SIZE)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """Views a a b b a: three of five frames repeat one; the last has hardly any depth."""
    with SessionWriter(tmp_path / "s", "test://", CALIBRATION, {}) as writer:
        for number, view in enumerate("aabba"):
            rng = np.random.default_rng(ord(view))
            blocks = rng.integers(0, 255, (6, 8)).repeat(20, axis=0).repeat(20, axis=1)
            left = (blocks + np.random.default_rng(number).normal(0, 2, blocks.shape)).clip(0, 255).astype(np.uint8)
            depth = np.full(left.shape, 1500, np.uint16)
            depth[:, : 140 if number == 4 else 10] = 0
            writer.append(StereoFrame(number, number / 30, left, left.copy(), depth))
    return Session.open(tmp_path / "s")


def test_repetitions_and_poor_labels_are_found(session: Session) -> None:
    progress: list[float] = []
    report = check_session(session, CALIBRATION, on_progress=progress.append)
    assert report.duplicates.duplicates == {1: 0, 3: 2, 4: 0}
    assert report.poor == (4,)
    assert report.labels == 5 and report.valid_share is not None
    assert report.valid_share + sum(report.removed.values()) == pytest.approx(1, abs=0.02)
    assert progress[-1] == 1


def test_frames_marked_out_are_not_looked_at(session: Session) -> None:
    session.set_excluded([0, 4])
    report = check_session(session, CALIBRATION)
    assert report.frames == 3
    assert report.duplicates.duplicates == {3: 2}
    assert not report.poor


def test_without_a_calibration_the_rest_is_still_judged(session: Session) -> None:
    report = check_session(session, None)
    assert report.valid_share is None and "calibration" in report.note
    assert len(report.duplicates.duplicates) == 3


def test_what_cannot_be_read_is_named_and_repeats_nothing(session: Session) -> None:
    for position in (0, 2):
        (session.folder / session.records[position]["files"]["left"]).write_bytes(b"cut")
    report = check_session(session, CALIBRATION)
    assert report.unreadable == (0, 2)
    assert report.duplicates.duplicates == {4: 1}
