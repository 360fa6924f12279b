from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from depthstudio.cli import main
from depthstudio.datasets.session import Session, list_sessions


@pytest.mark.parametrize("form", ["npy", "images"])
def test_a_recording_goes_out_and_comes_back(tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = ["--workspace", str(tmp_path)]
    assert main([*workspace, "record", "sim://ir?scene=wall&size=64x48&frames=3&realtime=0", "--name", "wall"]) == 0
    (session,) = list_sessions(tmp_path / "sessions")
    words = ["export-session", session.name, "--format", form, "-o", str(tmp_path / "out")]
    assert main([*workspace, *words]) == 0
    assert "3 frames in" in capsys.readouterr().out
    assert main(["import", str(tmp_path / "out"), "-o", str(tmp_path / "back")]) == 0
    back = Session.open(tmp_path / "back")
    for i in range(3):
        for part in ("left", "right", "depth_mm", "exact_depth_m"):
            np.testing.assert_array_equal(getattr(back.frame(i), part), getattr(session.frame(i), part))
    assert main([*workspace, *words]) == 2
    assert "exists already" in capsys.readouterr().err


def test_record_takes_frames_at_intervals_and_says_what_it_left_out(tmp_path: Path) -> None:
    url = "sim://ir?scene=wall&size=64x48&frames=31&fps=30&realtime=0"
    assert main(["record", url, "-o", str(tmp_path / "s"), "--every", "0.5", "--tag", "wall", "--tag", "near"]) == 0
    session = Session.open(tmp_path / "s")
    assert [record["timestamp_s"] for record in session.records] == pytest.approx([0.0, 0.5, 1.0])
    assert session.tags == ("wall", "near")


def test_a_view_that_never_changes_is_recorded_once_automatically(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "sim://ir?scene=wall&size=160x120&frames=12&realtime=0"
    assert main(["record", url, "-o", str(tmp_path / "s"), "--mode", "automatic"]) == 0
    assert len(Session.open(tmp_path / "s")) == 1
    assert "11 left out: seen before" in capsys.readouterr().out


def test_bursts_make_a_label_with_a_confidence(tmp_path: Path) -> None:
    url = "sim://ir?scene=wall&size=160x120&frames=9&realtime=0"
    assert main(["record", url, "-o", str(tmp_path / "s"), "--mode", "burst", "--burst-frames", "5"]) == 0
    session = Session.open(tmp_path / "s")
    assert len(session) == 1
    assert session.frame(0).label_confidence is not None
