"""Files of corners, and the images of one camera."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.calibration import Board, find_corner_file, load_corners, load_images, solve_stereo
from depthstudio.errors import CalibrationError

DATA = Path(os.environ.get("DEPTHSTUDIO_DATA", "absent")) / "calibration"


def written(folder: Path, views: list, **more: object) -> Path:
    path = folder / "corners.json"
    board = {"cols": 9, "rows": 6, "square_size": 25.0}
    path.write_text(json.dumps({"board": board, "views": views} | more))
    return path


def side(corners: np.ndarray, ids: np.ndarray) -> dict:
    return {"corners": [[int(i % 9), int(i // 9), *map(float, corners[i])] for i in ids]}


def test_views_keep_the_points_that_both_sides_have(tmp_path: Path, board, rig, pose) -> None:
    truth = rig.view(board, pose())
    left = side(truth.left_corners, np.arange(53, -1, -1))
    right = side(truth.right_corners, np.arange(10, 54))
    path = written(tmp_path, [{"view_index": 7, "left": left, "right": right}, {"left": 3}], image_size=[640, 480])
    loaded, found_board = load_corners(path)
    (view,) = loaded.views
    assert found_board == board
    assert view.name == "7"
    np.testing.assert_array_equal(view.ids, np.arange(10, 54))
    np.testing.assert_allclose(view.left_corners, truth.left_corners[10:])
    assert loaded.left_size == (640, 480)
    assert [one.reason for one in loaded.skipped] == ["Its corners cannot be read."]
    assert find_corner_file(tmp_path) == path


def test_a_file_without_image_size_asks_for_it(tmp_path: Path, board, rig, pose) -> None:
    truth = rig.view(board, pose())
    both = [side(corners, np.arange(54)) for corners in (truth.left_corners, truth.right_corners)]
    path = written(tmp_path, [{"left": both[0], "right": both[1]}])
    with pytest.raises(CalibrationError, match=r"size of the images.*--image-size"):
        load_corners(path)
    assert load_corners(path, (640, 480))[0].left_size == (640, 480)
    with pytest.raises(CalibrationError, match=r"no usable view.*not those of the board"):
        load_corners(path, (640, 480), Board(7, 5, 0.03))


def test_one_camera_s_images(tmp_path: Path, board, pinhole_rig, pose) -> None:
    for i, turn in enumerate(({"pitch": 20}, {"yaw": 20}, {})):
        cv2.imwrite(str(tmp_path / f"frame{i}.png"), pinhole_rig.images(board, pose(**turn))[0])
    cv2.imwrite(str(tmp_path / "nothing.png"), np.full((480, 640), 90, np.uint8))
    loaded = load_images(tmp_path, board)
    assert loaded.names == ["frame0", "frame1", "frame2"]
    assert loaded.size == (640, 480)
    assert [(one.name, one.reason) for one in loaded.skipped] == [("nothing", "No board in the image.")]
    with pytest.raises(CalibrationError, match=r"No image in .* shows the board"):
        load_images(tmp_path, Board(7, 5, 0.02))


@pytest.mark.skipif(not DATA.is_dir(), reason="DEPTHSTUDIO_DATA does not name the real sets")
def test_a_published_file_of_corners() -> None:
    path = find_corner_file(DATA / "calibrs_stereo_corners")
    assert path is not None
    loaded, board = load_corners(path, (1024, 576))
    assert (board.columns, board.rows, board.square_m) == (11, 7, 0.03)
    assert len(loaded.views) == 20
    with pytest.raises(CalibrationError, match="swapped"):
        solve_stereo(loaded.views, board, loaded.left_size)
    solution = solve_stereo([view.swapped() for view in loaded.views], board, loaded.left_size)
    assert solution.calibration.baseline_m == pytest.approx(0.18985, rel=0.002)


def test_a_file_of_somebody_else_beside_the_images_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("{half a file")
    assert find_corner_file(tmp_path) is None
    (tmp_path / "corners.json").write_text('{"views": []}')
    assert find_corner_file(tmp_path) == tmp_path / "corners.json"


@pytest.mark.parametrize("views", ["5", '{"left": []}', '"all"', "null"])
def test_views_that_are_no_list_are_refused(tmp_path: Path, views: str) -> None:
    path = tmp_path / "corners.json"
    path.write_text(f'{{"views": {views}, "image_size": [640, 480]}}')
    assert find_corner_file(tmp_path) is None
    with pytest.raises(CalibrationError, match="no views"):
        load_corners(path, board=Board(9, 6, 0.025))
