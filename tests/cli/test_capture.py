from __future__ import annotations

from pathlib import Path

import pytest

from depthstudio.cli import main
from depthstudio.datasets.session import Session

URL = "sim://ir?scene=wall&size=64x48&frames=4"


def test_sources_lists_what_can_be_opened_and_says_why_no_camera(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--workspace", str(tmp_path), "sources"]) == 0
    out = capsys.readouterr().out
    assert "sim://ir" in out and "RealSense" in out


def test_record_makes_a_session_in_the_workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--workspace", str(tmp_path), "record", URL, "--frames", "3", "--name", "desk", "--role", "validation"]
    assert main(words) == 0
    (folder,) = (tmp_path / "sessions").iterdir()
    session = Session.open(folder)
    assert (len(session), session.name, session.role) == (3, "desk", "validation")
    assert "3 frames" in capsys.readouterr().out


@pytest.mark.parametrize("url", ["sim://nothing", "realsense://999", "/nowhere.db3", "tv://1"])
def test_what_cannot_be_recorded_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    assert main(["record", url, "-o", str(tmp_path / "s")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "s").exists()


def test_limits_must_be_positive(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["record", URL, "--frames", "0"])
    assert stop.value.code == 2
    assert "not positive" in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--mode", "automatic"], ["--every", "1"]])
def test_pictures_per_label_are_for_ways_that_make_labels_of_several(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    assert main(["record", URL, "-o", str(tmp_path / "s"), "--burst-frames", "5", *more]) == 2
    assert "burst and emitter" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()
