"""Image pairs in folders: which files belong together, and which pairs give no view."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.calibration import find_pairs, load_views
from depthstudio.cancel import CancelToken
from depthstudio.errors import CalibrationError


def empty(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("left", "right", "names"),
    [
        (["left01.jpg", "left02.jpg"], ["right01.jpg", "right02.jpg"], ["01", "02"]),
        (["left2.png", "left10.png"], ["right10.png", "right2.png"], ["2", "10"]),
        (["frames/000001_left.png"], ["frames/000001_right.png"], ["000001"]),
        (["left/a_1.png", "left/a_2.png"], ["right/a_1.png", "right/a_2.png"], ["a_1", "a_2"]),
        (["left/left_7.bmp"], ["right/right_7.bmp"], ["7"]),
        (["Im_L_3.png"], ["Im_R_3.png"], ["Im__3"]),
        (["left01.jpg", "left02.jpg", "notes.txt", "layout.png"], ["right02.jpg"], ["02"]),
    ],
)
def test_pairs_are_found_by_name(tmp_path: Path, left: list[str], right: list[str], names: list[str]) -> None:
    for name in (*left, *right):
        empty(tmp_path / name)
    pairs = find_pairs(tmp_path)
    assert [pair.name for pair in pairs] == names
    for pair in pairs:
        assert pair.left.relative_to(tmp_path).as_posix() in left
        assert pair.right.relative_to(tmp_path).as_posix() in right


def test_a_folder_without_pairs_is_refused(tmp_path: Path) -> None:
    empty(tmp_path / "left01.png")
    with pytest.raises(CalibrationError, match=r"no image pairs.*left01\.png and right01\.png"):
        find_pairs(tmp_path)
    with pytest.raises(CalibrationError, match="There is no folder"):
        find_pairs(tmp_path / "absent")


def test_pairs_without_a_board_are_named_and_skipped(tmp_path: Path, board, pinhole_rig, pose) -> None:
    left, right = pinhole_rig.images(board, pose())
    blank = np.full_like(left, 100)
    for name, pair in {
        "01": (left, right),
        "02": (left, blank),
        "03": (blank, blank),
        "04": (left[:400], right[:400]),
    }.items():
        cv2.imwrite(str(tmp_path / f"left{name}.png"), pair[0])
        cv2.imwrite(str(tmp_path / f"right{name}.png"), pair[1])
    empty(tmp_path / "left05.png")
    cv2.imwrite(str(tmp_path / "right05.png"), right)
    told: list[str] = []
    loaded = load_views(tmp_path, board, lambda share, name: told.append(name))
    assert [view.name for view in loaded.views] == ["01"]
    assert (loaded.left_size, loaded.right_size) == ((640, 480), (640, 480))
    reasons = {pair.name: pair.reason for pair in loaded.skipped}
    assert reasons["02"] == "No board in the right image."
    assert reasons["03"] == "No board in either image."
    assert "another size" in reasons["04"]
    assert "cannot be read" in reasons["05"]
    assert told == ["01", "02", "03", "04", "05"]


def test_a_folder_in_which_no_pair_shows_the_board_is_refused(tmp_path: Path, board) -> None:
    for name in ("left01.png", "right01.png"):
        cv2.imwrite(str(tmp_path / name), np.full((120, 160), 100, np.uint8))
    with pytest.raises(CalibrationError, match=r"No pair .* shows the board.*1 pairs.*No board in either image"):
        load_views(tmp_path, board)


def test_looking_can_be_stopped(tmp_path: Path, board) -> None:
    empty(tmp_path / "left01.png")
    empty(tmp_path / "right01.png")
    token = CancelToken()
    token.cancel()
    with pytest.raises(CalibrationError, match="stopped"):
        load_views(tmp_path, board, cancel=token)
