from __future__ import annotations

from pathlib import Path

import pytest

from depthstudio.cli import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "9x6, 26 mm on A4"),
        (["--kind", "charuco", "--size", "11x8", "--square-mm", "20", "--paper", "a3"], "ChArUco 11x8, 20 mm on A3"),
        (["--kind", "circles", "--paper", "letter"], "Asymmetric circles 4x11, 23 mm on Letter"),
        (["--kind", "charuco", "--dictionary", "dict_apriltag_36H11"], "ChArUco 9x6"),
    ],
)
def test_a_board_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    target = tmp_path / "board.pdf"
    assert main(["board", "-o", str(target), *words]) == 0
    assert target.read_bytes().startswith(b"%PDF-1")
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--square-mm", "40"], "up to 26 mm fit"),
        (["--paper", "B7"], "There is no paper 'B7'"),
        (["--kind", "charuco", "--marker-mm", "10"], "Give --square-mm too"),
        (["--kind", "charuco", "--dictionary", "9X9"], "There is no marker dictionary"),
        (["--size", "6x6"], "turned by 90 degrees"),
    ],
)
def test_what_cannot_be_printed_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["board", "-o", str(tmp_path / "board.pdf"), *words]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "board.pdf").exists()
