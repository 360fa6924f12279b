from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from depthstudio.datasets.labels import RULES, LabelMaskSettings, mask_label
from depthstudio.datasets.rule_map import rule_map
from depthstudio.datasets.session import Session
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.frames import StereoFrame
from depthstudio.geometry import RectifiedGeometry, StereoCalibration
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.dataset import DatasetPage
from depthstudio.gui.studio import ActiveCalibration, Activity, Studio
from depthstudio.gui.widgets.cards import MediaCard

WAIT_MS = 60_000


@pytest.fixture
def page(window: MainWindow) -> DatasetPage:
    window.show_page("dataset")
    page = window.pages["dataset"]
    assert isinstance(page, DatasetPage)
    return page


@pytest.fixture
def two(page: DatasetPage, studio: Studio, qtbot: QtBot, make_session: Callable[..., Path]) -> list[Path]:
    """Two recordings, the second one on the stage."""
    folders = [make_session("desk", frames=4), make_session("shelf", frames=3)]
    studio.library_changed.emit()
    qtbot.waitUntil(lambda: len(page.recordings) == 2, timeout=WAIT_MS)
    page.choose(folders[1])
    wait_for_picture(page, qtbot, folders[1], 0)
    return folders


def wait_for_picture(page: DatasetPage, qtbot: QtBot, folder: Path, position: int) -> None:
    wanted = (str(folder), position)
    qtbot.waitUntil(lambda: (p := page.viewer.picture) is not None and p.key[:2] == wanted, timeout=WAIT_MS)


def card_of(page: DatasetPage, name: str) -> MediaCard:
    return next(card for card in page.list.cards if isinstance(card, MediaCard) and card.title.full_text() == name)


def test_an_empty_workspace_says_what_to_do(page: DatasetPage, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: page.is_empty, timeout=WAIT_MS)


def test_choosing_a_recording_shows_left_label_mask_and_histogram(
    page: DatasetPage, qtbot: QtBot, two: list[Path]
) -> None:
    qtbot.mouseClick(card_of(page, "desk"), Qt.MouseButton.LeftButton)
    wait_for_picture(page, qtbot, two[0], 0)
    viewer = page.viewer
    for view in (viewer.left, viewer.label, viewer.mask_view):
        assert view.image_size == (160, 120)
    assert viewer.label.value_at(80, 60) == pytest.approx(150 * 0.05 / 1.5, abs=1e-3)  # f * B / Z
    assert viewer.histogram.total == pytest.approx(100 * 110 / 120, abs=0.1)
    assert viewer.legend.text("finite") == f"{100 * 10 / 120:.1f} %"
    viewer.unit.findChildren(QToolButton)[1].click()
    assert viewer.label.value_at(80, 60) == pytest.approx(1.5, abs=1e-3)


def test_without_a_calibration_depth_is_shown_and_disparity_not_offered(
    page: DatasetPage, studio: Studio, qtbot: QtBot, two: list[Path]
) -> None:
    folder = studio.workspace.sessions / "raw"
    picture = np.full((48, 64), 90, np.uint8)
    with SessionWriter(folder, "usb://0+1", None, {}) as writer:
        writer.append(StereoFrame(1, 0.0, picture, picture, np.full((48, 64), 1200, np.uint16)))
    studio.library_changed.emit()
    qtbot.waitUntil(lambda: len(page.recordings) == 3, timeout=WAIT_MS)
    page.choose(folder)
    wait_for_picture(page, qtbot, folder, 0)
    assert (page.viewer.shown_unit, page.viewer.unit.current) == ("depth", "depth")
    assert page.viewer.label.value_at(5, 5) == pytest.approx(1.2) and page.viewer.histogram.total == pytest.approx(100)
    page.choose(two[0])
    wait_for_picture(page, qtbot, two[0], 0)
    assert (page.viewer.shown_unit, page.viewer.unit.current) == ("disparity", "disparity"), "as it was chosen"


def test_arrow_keys_go_through_the_frames(window: MainWindow, page: DatasetPage, qtbot: QtBot, two: list[Path]) -> None:
    window.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_Right)
    wait_for_picture(page, qtbot, two[1], 1)
    assert page.viewer.number.text() == "2 of 3"
    qtbot.keyClick(window, Qt.Key.Key_Left)
    wait_for_picture(page, qtbot, two[1], 0)


def test_the_newest_of_many_wishes_is_shown(page: DatasetPage, qtbot: QtBot, two: list[Path]) -> None:
    page.choose(two[0])
    for position in (1, 2, 3):
        page.viewer.slider.setValue(position)
    wait_for_picture(page, qtbot, two[0], 3)


def test_a_role_is_stored_and_counted(page: DatasetPage, qtbot: QtBot, two: list[Path]) -> None:
    assert page.totals is not None
    assert page.totals.automatic == ("shelf",), "without a choice the last recording validates"
    buttons = {item.text(): item for item in page.bar.role.findChildren(QToolButton)}
    buttons["Training"].click()
    qtbot.waitUntil(lambda: Session.open(two[1]).role == "train", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.totals.automatic == ("desk",), timeout=WAIT_MS)  # type: ignore[union-attr]
    assert page.split.facts.value("Training") == "1 recording, 3 frames"
    assert page.split.facts.value("Validation") == "1 recording, 4 frames"
    page.choose(two[0])
    page.bar.set_role("ignored")
    qtbot.waitUntil(lambda: page.split.facts.value("Ignored") == "1 recording", timeout=WAIT_MS)
    assert "only one recording" in page.split.warning.text()
    assert page.split.warning.isVisible()


def test_a_frame_is_marked_out_and_taken_back(page: DatasetPage, qtbot: QtBot, two: list[Path]) -> None:
    page.viewer.slider.setValue(2)
    qtbot.mouseClick(page.viewer.mark_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: Session.open(two[1]).excluded == {2}, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: page.viewer.mark_button.text() == "Take back", timeout=WAIT_MS)
    assert page.bar.facts.full_text().startswith("2 of 3 frames usable")
    page.toggle_mark()
    qtbot.waitUntil(lambda: page.viewer.mark_button.text() == "Mark out", timeout=WAIT_MS)
    assert not Session.open(two[1]).excluded


def test_name_and_notes_are_stored(page: DatasetPage, qtbot: QtBot, two: list[Path]) -> None:
    page.bar.name_field.setText("bookshelf")
    page.bar.name_field.editingFinished.emit()
    page.bar.notes_field.setText("lamp on")
    page.bar.notes_field.editingFinished.emit()
    qtbot.waitUntil(lambda: Session.open(two[1]).notes == "lamp on", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: Session.open(two[1]).name == "bookshelf", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: any(r.session.name == "bookshelf" for r in page.recordings), timeout=WAIT_MS)


def test_return_on_a_card_plays_its_recording(
    window: MainWindow, page: DatasetPage, studio: Studio, qtbot: QtBot, two: list[Path]
) -> None:
    card = card_of(page, "desk")
    card.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(card, Qt.Key.Key_Return)
    assert studio.sources.url == f"session://{two[0]}" and window.page.name == "capture"


def test_space_presses_the_button_that_has_the_focus_and_else_plays(
    window: MainWindow, page: DatasetPage, qtbot: QtBot, two: list[Path]
) -> None:
    page.viewer.mark_button.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(page.viewer.mark_button, Qt.Key.Key_Space)
    assert not page.viewer.is_playing
    qtbot.waitUntil(lambda: Session.open(two[1]).excluded == {0}, timeout=WAIT_MS)
    window.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert page.viewer.is_playing


def test_what_was_typed_for_one_recording_never_names_another(page: DatasetPage, qtbot: QtBot, two: list[Path]) -> None:
    page.bar.name_field.setFocus()
    page.bar.name_field.selectAll()
    qtbot.keyClicks(page.bar.name_field, "bookshelf")
    qtbot.mouseClick(card_of(page, "desk"), Qt.MouseButton.LeftButton)
    assert page.bar.name_field.text() == "desk"
    qtbot.keyClick(page.bar.name_field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: Session.open(two[1]).name == "bookshelf", timeout=WAIT_MS)
    assert Session.open(two[0]).name == "desk"


def test_the_trash_keeps_a_recording_and_gives_it_back(
    window: MainWindow, page: DatasetPage, studio: Studio, qtbot: QtBot, two: list[Path]
) -> None:
    page.bar.throw_away()
    qtbot.waitUntil(lambda: len(page.recordings) == 1, timeout=WAIT_MS)
    assert not two[1].exists()
    assert Session.open(studio.workspace.root / "trash" / "shelf").frame_count == 3
    action = window.banners[-1].notice.action
    assert action is not None
    assert action[0] == "Undo"
    action[1]()
    assert not window.banners, "it cannot be taken back twice"
    qtbot.waitUntil(lambda: len(page.recordings) == 2, timeout=WAIT_MS)
    assert Session.open(two[1]).frame_count == 3


def test_a_recording_stays_in_its_place_while_a_fine_tuning_may_read_it(
    window: MainWindow, page: DatasetPage, studio: Studio, qtbot: QtBot, two: list[Path]
) -> None:
    studio.set_activity("train", Activity("Fine-tuning is running.", "It stops."))
    page.bar.throw_away()
    assert window.banners[-1].notice.what == "Nothing was deleted."
    assert window.banners[-1].notice.why.startswith("Fine-tuning is running.")
    assert two[1].exists() and not studio.tasks.running
    studio.set_activity("train", Activity("Numbers", "Numbers are not saved.", runs=False))
    page.bar.throw_away()
    qtbot.waitUntil(lambda: not two[1].exists(), timeout=WAIT_MS)


def test_a_folder_of_pairs_is_imported(
    window: MainWindow, page: DatasetPage, studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    folder = tmp_path / "pairs"
    folder.mkdir()
    random = np.random.default_rng(1)
    for number in (1, 2):
        for side in ("left", "right"):
            cv2.imwrite(str(folder / f"{number:02d}_{side}.png"), random.integers(0, 255, (48, 64), dtype=np.uint8))
        cv2.imwrite(str(folder / f"{number:02d}_depth.png"), np.full((48, 64), 900, np.uint16))
    page.library.import_path(folder)
    qtbot.waitUntil(lambda: len(page.recordings) == 1, timeout=WAIT_MS)
    assert page.recordings[0].session.name == "pairs"
    assert page.recordings[0].usable == 2
    assert "2 frames" in window.banners[-1].notice.what
    assert "calibration" in window.banners[-1].notice.why
    wait_for_picture(page, qtbot, page.recordings[0].folder, 0)
    assert page.viewer.picture is not None
    assert page.viewer.picture.disparity_px is None, "without a calibration depth is no disparity"


def test_a_folder_without_pairs_is_refused_with_a_reason(
    window: MainWindow, page: DatasetPage, qtbot: QtBot, tmp_path: Path
) -> None:
    page.library.import_path(tmp_path)
    qtbot.waitUntil(lambda: bool(window.banners), timeout=WAIT_MS)
    assert "nothing to import" in window.banners[0].notice.what


def test_a_recording_is_played_as_the_source(
    window: MainWindow, page: DatasetPage, studio: Studio, qtbot: QtBot, two: list[Path]
) -> None:
    qtbot.mouseClick(page.bar.open_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: studio.sources.last_frame is not None, timeout=WAIT_MS)
    assert studio.sources.url == f"session://{two[1]}"
    assert window.page.name == "capture"


def test_a_damaged_frame_is_explained(window: MainWindow, page: DatasetPage, qtbot: QtBot, two: list[Path]) -> None:
    (two[1] / "frames" / "000002_left.png").write_bytes(b"torn")
    page.viewer.slider.setValue(1)
    qtbot.waitUntil(lambda: bool(window.banners), timeout=WAIT_MS)
    assert page.viewer.picture is None
    page.viewer.slider.setValue(2)
    wait_for_picture(page, qtbot, two[1], 2)


def test_every_pixel_belongs_to_the_rule_that_the_statistics_count() -> None:
    random = np.random.default_rng(3)
    disparity_px = random.uniform(5, 60, (120, 160)).astype(np.float32)
    disparity_px[::3] = np.linspace(10, 20, 160, dtype=np.float32)
    disparity_px[random.random((120, 160)) < 0.1] = np.nan
    geometry = RectifiedGeometry(150.0, 0.05, 80, 60, (160, 120))
    for settings in (LabelMaskSettings(), LabelMaskSettings(use_range=False), LabelMaskSettings(use_finite=False)):
        rules = rule_map(disparity_px, geometry, settings)
        label = mask_label(disparity_px, geometry, settings)
        assert np.array_equal(rules == 0, label.mask)
        for number, rule in enumerate(RULES, start=1):
            assert np.mean(rules == number) == pytest.approx(label.statistics.removed.get(rule, 0.0))


def test_a_recording_plays_to_its_end_and_begins_again(page: DatasetPage, two: list[Path], qtbot: QtBot) -> None:
    page.choose(two[0])
    wait_for_picture(page, qtbot, two[0], 0)
    page.viewer.toggle_play()
    assert page.viewer.is_playing
    last = page.viewer.slider.maximum()
    qtbot.waitUntil(lambda: page.viewer.position == last and not page.viewer.is_playing, timeout=WAIT_MS)
    page.viewer.toggle_play()
    assert page.viewer.position == 0
    page.viewer.toggle_play()
    assert not page.viewer.is_playing


def test_near_copies_are_reported_and_marked_out(page: DatasetPage, two: list[Path], qtbot: QtBot) -> None:
    session = Session.open(two[0])
    with SessionWriter.reopen(two[0]) as writer:
        writer.append(session.frame(0))
    page.reload()
    page.choose(two[0])
    qtbot.waitUntil(lambda: page.chosen is not None and len(page.chosen.session) == len(session) + 1, timeout=WAIT_MS)
    page.checks.check()
    qtbot.waitUntil(lambda: page.checks.report is not None, timeout=WAIT_MS)
    report = page.checks.report
    assert report is not None and report.valid_share is not None
    assert report.duplicates.duplicates == {len(session): 0}
    qtbot.waitUntil(page.checks.mark_button.isVisible, timeout=WAIT_MS)
    page.checks.mark_copies()
    qtbot.waitUntil(lambda: Session.open(two[0]).excluded == {len(session)}, timeout=WAIT_MS)


def test_checks_follow_the_calibration_in_force(
    page: DatasetPage, studio: Studio, qtbot: QtBot, calibration: StereoCalibration
) -> None:
    picture = np.random.default_rng(4).integers(0, 255, (120, 160), dtype=np.uint8)
    with SessionWriter(studio.workspace.sessions / "raw", "usb://0+1", None, {}) as writer:
        writer.append(StereoFrame(1, 0.0, picture, picture, np.full((120, 160), 1200, np.uint16)))
    studio.library_changed.emit()
    qtbot.waitUntil(lambda: page.chosen is not None, timeout=WAIT_MS)
    page.checks.check()
    qtbot.waitUntil(lambda: page.checks.report is not None, timeout=WAIT_MS)
    assert page.checks.report is not None and page.checks.report.valid_share is None, "no label without calibration"
    studio.use_calibration(ActiveCalibration(calibration, "bench"))
    assert page.checks.report is None, "found without it"
    qtbot.waitUntil(page.checks.check_button.isEnabled, timeout=WAIT_MS)
    page.checks.check()
    qtbot.waitUntil(lambda: page.checks.report is not None, timeout=WAIT_MS)
    assert page.checks.report is not None and page.checks.report.valid_share is not None


def test_tags_are_kept(page: DatasetPage, two: list[Path], qtbot: QtBot) -> None:
    page.choose(two[0])
    page.bar.tags_field.setText("bench, low light")
    page.bar.tags_field.editingFinished.emit()
    qtbot.waitUntil(lambda: Session.open(two[0]).tags == ("bench", "low light"), timeout=WAIT_MS)


def test_a_recording_is_exported_and_imported_back(
    page: DatasetPage, two: list[Path], qtbot: QtBot, tmp_path: Path
) -> None:
    page.library.export(two[0], tmp_path / "out", "images")
    qtbot.waitUntil((tmp_path / "out/calibration.npz").exists, timeout=WAIT_MS)
    page.library.import_path(tmp_path / "out")
    qtbot.waitUntil(lambda: len(page.recordings) == 3, timeout=WAIT_MS)


def test_a_recording_without_right_images_says_in_the_menu_that_npy_needs_them(
    page: DatasetPage, two: list[Path], qtbot: QtBot, studio: Studio
) -> None:
    folder = studio.workspace.sessions / "bag"
    with SessionWriter(folder, "file:///x.bag", None, {}) as writer:
        depth_mm = np.full((48, 64), 900, np.uint16)
        writer.append(
            StereoFrame(number=1, timestamp_s=0.0, left=np.zeros((48, 64), np.uint8), right=None, depth_mm=depth_mm)
        )
    studio.library_changed.emit()
    qtbot.waitUntil(lambda: len(page.recordings) == 3, timeout=WAIT_MS)
    npy, images = (page.bar.export_actions[form] for form in ("npy", "images"))
    page.choose(folder)
    assert not npy.isEnabled() and "needs right images" in npy.text()
    assert images.isEnabled() and "index.csv" in images.text()
    page.choose(two[0])
    assert npy.isEnabled() and "meta.txt" in npy.text()
