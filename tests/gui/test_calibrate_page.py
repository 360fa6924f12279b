from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from depthstudio.calibration import Board
from depthstudio.calibration.library import saved_boards
from depthstudio.calibration.printing import board_pdf
from depthstudio.geometry import StereoCalibration
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.calibrate import CalibratePage
from depthstudio.gui.pages.calibrate.board_printing import save_page
from depthstudio.gui.pages.calibrate.saving import complete_path
from depthstudio.gui.studio import Studio

SIZE = (320, 240)
FOCAL_PX, BASELINE_M, SQUARE_M = 300.0, 0.1, 0.03
COLUMNS, ROWS = 9, 6
_POSES = [(0, 0, 0), (25, 0, 5), (-25, 0, -5), (0, 25, 0), (0, -25, 8), (20, 20, 0), (-20, 15, -8), (18, -20, 3)]


def board_picture() -> np.ndarray:
    """A chessboard with a white margin, 20 px a square."""
    squares = np.indices((ROWS + 1, COLUMNS + 1)).sum(axis=0) % 2
    picture = np.kron(squares, np.ones((20, 20))) * 220 + 20
    return np.pad(picture, 20, constant_values=240).astype(np.uint8)


def write_pairs(folder: Path) -> None:
    """The board in eight poses as an ideal pair of cameras sees it."""
    folder.mkdir()
    picture = board_picture()
    K = np.array([[FOCAL_PX, 0, 159.5], [0, FOCAL_PX, 119.5], [0, 0, 1]])
    to_metres = np.array([[SQUARE_M / 20, 0, -picture.shape[1] / 2 * SQUARE_M / 20]])
    to_metres = np.vstack([to_metres, [0, SQUARE_M / 20, -picture.shape[0] / 2 * SQUARE_M / 20], [0, 0, 1]])
    for i, (pitch, yaw, roll) in enumerate(_POSES):
        R = cv2.Rodrigues(np.radians(np.array([pitch, yaw, roll], float)))[0]
        for side, offset_m in (("left", 0.0), ("right", -BASELINE_M)):
            t = np.array([0.05 + offset_m, 0.01 * (i % 3 - 1), 0.5 + 0.04 * (i % 4)])
            H = K @ np.column_stack([R[:, 0], R[:, 1], t]) @ to_metres
            image = cv2.warpPerspective(picture, H, SIZE, flags=cv2.INTER_AREA, borderValue=110)
            cv2.imwrite(str(folder / f"{side}{i:02d}.png"), cv2.GaussianBlur(image, (3, 3), 0.7))


@pytest.fixture
def page(window: MainWindow) -> CalibratePage:
    window.show_page("calibrate")
    page = window.pages["calibrate"]
    assert isinstance(page, CalibratePage)
    page.board.square.setValue(SQUARE_M * 1000)
    return page


def test_from_pairs_to_a_calibration_in_use(
    page: CalibratePage, studio: Studio, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    write_pairs(tmp_path / "pairs")
    assert page.is_empty
    page.loader.load_folder(tmp_path / "pairs")
    qtbot.waitUntil(lambda: len(page.collecting.strip.keys) >= 6, timeout=60_000)
    assert not page.is_empty
    count = len(page.collecting.strip.keys)
    page.collecting.strip.removed.emit(page.collecting.strip.keys[-1])
    assert len(page.collecting.strip.keys) == count - 1
    assert page.views.restore.isVisible()
    qtbot.mouseClick(page.views.restore, Qt.MouseButton.LeftButton)
    assert len(page.collecting.strip.keys) == count
    assert not page.views.restore.isVisible()
    page.collecting.strip.removed.emit(page.collecting.strip.keys[-1])

    qtbot.mouseClick(page.footer.solve_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.solved is not None, timeout=60_000)
    assert page.solved is not None
    assert page.solved.geometry.baseline_m == pytest.approx(BASELINE_M, rel=0.02)
    assert page.report.verdict.word in ("Good", "Usable", "Poor")
    assert page.report.isVisible()

    qtbot.waitUntil(page.footer.save_button.isEnabled, timeout=10_000)
    page.footer.name_field.setText("bench-2")
    qtbot.mouseClick(page.footer.save_button, Qt.MouseButton.LeftButton)
    path = studio.workspace.calibrations / "bench-2.npz"
    qtbot.waitUntil(lambda: studio.chosen_calibration is not None, timeout=20_000)
    assert StereoCalibration.load(path).baseline_m == pytest.approx(BASELINE_M, rel=0.02)
    assert window.header.calibration.choice == "bench-2"


def test_a_board_that_cannot_be_used_is_refused_with_the_reason(page: CalibratePage) -> None:
    page.board.columns.setValue(6)
    page.board.rows.setValue(6)
    assert page.board.board is None
    assert "more columns than rows" in page.board.problem.text()
    page.board.columns.setValue(9)
    assert page.board.board is not None


def test_a_folder_without_pairs_becomes_a_notice(
    page: CalibratePage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    page.loader.load_folder(tmp_path)
    qtbot.waitUntil(lambda: len(window.banners) == 1, timeout=20_000)
    assert "no image pairs" in window.banners[0].notice.what


def test_views_are_taken_from_the_simulated_board(page: CalibratePage, studio: Studio, qtbot: QtBot) -> None:
    page.board.square.setValue(30.0)
    studio.sources.open("sim://ir?scene=board&size=640x480&projector=off&frames=12")
    qtbot.waitUntil(lambda: len(page.collecting.strip.keys) >= 2, timeout=120_000)
    assert page.collecting.pair.left.image_size == (640, 480)
    assert page.views.bars["left_area"].value() > 0
    page.clear()
    assert page.collecting.strip.keys == []


def test_a_taken_view_is_inspected_until_escape(page: CalibratePage, qtbot: QtBot, tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs")
    page.loader.load_folder(tmp_path / "pairs")
    qtbot.waitUntil(lambda: len(page.collecting.strip.keys) >= 6 and page.views.load.isEnabled(), timeout=60_000)
    page.collecting.strip.chosen.emit("02")
    assert "View 02: 54 inner corners, tilted by" in page.collecting.reason.text()
    assert page.collecting.back_button.isVisible()
    page.on_escape()
    assert not page.collecting.back_button.isVisible()


def test_views_saved_with_their_board_bring_it_back(page: CalibratePage, qtbot: QtBot, tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs")
    (tmp_path / "pairs" / "board.json").write_text(
        json.dumps({"kind": "chessboard", "columns": 9, "rows": 6, "square_m": SQUARE_M})
    )
    page.board.columns.setValue(11)
    page.loader.load_folder(tmp_path / "pairs")
    assert page.board.board == Board(9, 6, SQUARE_M)
    qtbot.waitUntil(lambda: len(page.collecting.strip.keys) >= 6, timeout=60_000)


def test_boards_of_every_kind_are_entered_kept_and_forgotten(page: CalibratePage, studio: Studio) -> None:
    section, folder = page.board, studio.workspace.boards
    section.use(Board(7, 5, 0.034, "charuco", 0.7, "5X5_100"))
    assert section.board == Board(7, 5, 0.034, "charuco", 0.7, "5X5_100")
    assert section.marker.isVisibleTo(section)
    assert section.chooser.choice == "ChArUco 7x5, 34 mm"
    section.keep()
    assert list(saved_boards(folder)) == ["ChArUco 7x5, 34 mm"]
    section.use(Board(4, 11, 0.02, "circles"))
    assert not section.marker.isVisibleTo(section)
    assert studio.settings.board_kind == "circles"
    assert page.collector.board.kind == "circles"
    section.chooser.menu_shown.aboutToShow.emit()
    entries = {action.text(): action for action in section.chooser.menu_shown.actions()}
    entries["ChArUco 7x5, 34 mm"].trigger()
    assert section.board is not None
    assert section.board.dictionary == "5X5_100"
    section.chooser.menu_shown.aboutToShow.emit()
    {action.text(): action for action in section.chooser.menu_shown.actions()}["Forget this board"].trigger()
    assert saved_boards(folder) == {}


def test_a_board_is_saved_as_pdf_or_refused_at_once(
    page: CalibratePage, window: MainWindow, studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    save_page(studio, tmp_path / "board.pdf", board_pdf(Board(9, 6, 0.025)), "A4")
    qtbot.waitUntil(lambda: len(window.banners) == 1, timeout=20_000)
    assert (tmp_path / "board.pdf").read_bytes().startswith(b"%PDF")
    page.board.square.setValue(60.0)
    page.board.print_requested.emit("A4")
    assert "does not fit A4" in window.banners[-1].notice.what


def test_the_projector_is_off_while_the_board_is_shown_and_back_afterwards(
    page: CalibratePage, studio: Studio, window: MainWindow, qtbot: QtBot
) -> None:
    def projector() -> float:
        return next(control.value for control in studio.sources.controls if control.name == "projector")

    studio.sources.open("sim://ir?scene=board&size=320x240&frames=6")
    qtbot.waitUntil(lambda: studio.sources.is_streaming and projector() == 0.0, timeout=120_000)
    window.show_page("capture")
    qtbot.waitUntil(lambda: projector() == 1.0, timeout=20_000)


def loaded(page: CalibratePage, qtbot: QtBot, folder: Path) -> int:
    """Load eight views; how many were found."""
    write_pairs(folder)
    page.loader.load_folder(folder)
    qtbot.waitUntil(lambda: len(page.collecting.strip.keys) >= 6 and page.views.load.isEnabled(), timeout=60_000)
    return len(page.collecting.strip.keys)


def test_a_corrected_square_keeps_the_views_and_scales_the_rig(
    page: CalibratePage, qtbot: QtBot, tmp_path: Path
) -> None:
    count = loaded(page, qtbot, tmp_path / "pairs")
    page.board.square.setValue(SQUARE_M * 2000)
    assert len(page.collecting.strip.keys) == count
    assert page.collector.board == Board(COLUMNS, ROWS, 2 * SQUARE_M)
    qtbot.mouseClick(page.footer.solve_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.solved is not None, timeout=60_000)
    assert page.solved is not None
    assert page.solved.geometry.baseline_m == pytest.approx(2 * BASELINE_M, rel=0.02)


def test_views_put_away_by_another_board_come_back_with_theirs(
    page: CalibratePage, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    count = loaded(page, qtbot, tmp_path / "pairs")
    page.board.columns.setValue(COLUMNS + 1)
    page.board.columns.setValue(COLUMNS + 2)
    assert page.collecting.strip.keys == []
    (banner,) = window.banners
    assert banner.notice.what == f"{count} views are put away."
    assert banner.notice.action is not None
    banner.notice.action[1]()
    assert len(page.collecting.strip.keys) == count
    assert page.board.board == page.collector.board == Board(COLUMNS, ROWS, SQUARE_M)
    assert not window.banners


def test_views_of_another_source_are_not_joined_by_those_of_the_open_one(
    page: CalibratePage, studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    count = loaded(page, qtbot, tmp_path / "pairs")
    studio.sources.open("sim://ir?scene=board&size=320x240&projector=off&frames=12")
    qtbot.waitUntil(lambda: studio.sources.last_frame is not None, timeout=120_000)
    assert not page.views.take.isEnabled()
    assert "not of the open source" in page.collecting.instruction.text()
    qtbot.wait(500)
    assert len(page.collecting.strip.keys) == count
    page.clear()
    qtbot.waitUntil(page.views.take.isEnabled, timeout=20_000)
    assert "not of the open source" not in page.collecting.instruction.text()


def test_closing_asks_about_views_that_were_taken_and_not_saved(
    page: CalibratePage, studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    loaded(page, qtbot, tmp_path / "pairs")
    assert not studio.activities
    page.board.columns.setValue(COLUMNS + 1)
    page.board.columns.setValue(COLUMNS)
    studio.sources.open("sim://ir?scene=board&size=640x480&projector=off&frames=12")
    qtbot.waitUntil(lambda: "calibrate" in studio.activities, timeout=120_000)
    assert page.views.take.isEnabled()
    assert "no calibration is saved" in studio.activities["calibrate"].question
    page.clear()
    assert not studio.activities


@pytest.mark.parametrize(
    ("typed", "complete"), [("rig 0.5 m", "rig 0.5 m.npz"), ("rig.yml", "rig.yml"), ("v1.2", "v1.2.npz")]
)
def test_a_typed_name_keeps_its_dots(typed: str, complete: str) -> None:
    assert complete_path(Path(typed), (".npz", ".yml"), ".npz") == Path(complete)
