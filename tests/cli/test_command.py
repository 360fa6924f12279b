from __future__ import annotations

import pytest

from depthstudio import doctor
from depthstudio.cli import main


def test_a_mistyped_verb_is_one_clear_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["trian"])
    assert stop.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "trian" in lines[0]


@pytest.mark.parametrize("number", ["0", "-3", "nan", "inf", "many"])
@pytest.mark.parametrize(
    "words",
    [
        ["record", "sim://ir", "--seconds"],
        ["evaluate", "depthstudio-s", "data", "--max-disparity"],
        ["bench", "inference", "--rounds"],
        ["bench", "inference", "--threads"],
        ["bench", "capture", "--minutes"],
        ["calibrate", "sim://ir", "--board", "9x6", "--square-mm", "30", "-o", "c.npz", "--views"],
    ],
)
def test_numbers_that_make_no_sense_are_refused(
    words: list[str], number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*words, number])
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert words[-1] in line and number in line


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert "depthstudio" in capsys.readouterr().out


def test_doctor_prints_paths_with_brackets_as_they_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = doctor.Check("Workspace", doctor.Status.BAD, "[/bench] is full", "Empty [old] there.")
    monkeypatch.setattr(doctor, "examine", lambda workspace: iter([found]))
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "[/bench] is full" in said and "Empty [old] there." in said
