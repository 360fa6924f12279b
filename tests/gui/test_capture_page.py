from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from depthstudio.datasets.session import Session, list_sessions
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.capture import CapturePage
from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.cards import MediaCard

RIG = "sim://ir?scene=desk&size=160x120&frames=6"


@pytest.fixture
def page(window: MainWindow) -> CapturePage:
    page = window.pages["capture"]
    assert isinstance(page, CapturePage)
    return page


def open_rig(studio: Studio, qtbot: QtBot) -> None:
    studio.sources.open(RIG)
    qtbot.waitUntil(lambda: studio.sources.last_frame is not None, timeout=60_000)


def test_left_right_and_depth_are_shown_with_their_checks(page: CapturePage, studio: Studio, qtbot: QtBot) -> None:
    open_rig(studio, qtbot)
    assert not page.is_empty
    for key in ("left", "right", "depth"):
        assert page.pictures.views[key].isVisible()
        assert page.pictures.views[key].image_size == (160, 120)
    assert not page.pictures.views["color"].isVisible()
    assert page.chips["fill"].accessibleName().endswith("%")


def test_a_double_click_enlarges_one_picture_and_esc_goes_back(
    window: MainWindow, page: CapturePage, studio: Studio, qtbot: QtBot
) -> None:
    open_rig(studio, qtbot)
    qtbot.mouseDClick(page.pictures.views["right"], Qt.MouseButton.LeftButton)
    assert page.pictures.views["right"].isVisible()
    assert not page.pictures.views["left"].isVisible()
    qtbot.keyClick(window, "\x1b")
    assert page.pictures.views["left"].isVisible()


def test_space_records_and_stops_and_the_recording_appears(
    window: MainWindow, page: CapturePage, studio: Studio, qtbot: QtBot
) -> None:
    open_rig(studio, qtbot)
    page.record.name.setText("bench one")
    window.setFocus()
    qtbot.keyClick(window, " ")
    qtbot.waitUntil(lambda: page.recording.recorded >= 3, timeout=30_000)
    assert "capture" in studio.activities, "closing now would ask"
    qtbot.mouseClick(page.record.button, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(page.recording.finished, timeout=30_000) as finished:
        pass
    session = Session.open(finished.args[0])
    assert session.name == "bench one"
    assert session.frame_count >= 3
    assert session.calibration is not None
    assert studio.activities == {}
    qtbot.waitUntil(lambda: bool(page.recent.list.cards), timeout=10_000)
    (card,) = page.recent.list.cards
    assert isinstance(card, MediaCard)
    assert card.title.full_text() == "bench one"


def test_snapshots_of_one_source_lie_in_one_session(page: CapturePage, studio: Studio, qtbot: QtBot) -> None:
    open_rig(studio, qtbot)
    for count in (1, 2):
        page.record.snapshot()
        qtbot.waitUntil(lambda: not page.recording.is_busy, timeout=10_000)
        (session,) = list_sessions(studio.workspace.sessions)
        assert session.frame_count == count


def test_the_source_ending_ends_the_recording(
    page: CapturePage, studio: Studio, qtbot: QtBot, make_session: Callable[..., Path]
) -> None:
    studio.sources.open(f"session://{make_session('old', frames=40)}")
    qtbot.waitUntil(lambda: studio.sources.is_streaming, timeout=20_000)
    with qtbot.waitSignal(page.recording.finished, timeout=30_000):
        page.record.toggle()
    assert not page.recording.is_recording
    assert len(list_sessions(studio.workspace.sessions)) == 2


def test_the_cameras_settings_can_be_changed(page: CapturePage, studio: Studio, qtbot: QtBot) -> None:
    open_rig(studio, qtbot)
    boxes = page.controls.row("projector").findChildren(QComboBox)
    boxes[0].setCurrentIndex(0)
    boxes[0].activated.emit(0)

    def projector() -> float:
        return next(control.value for control in studio.sources.controls if control.name == "projector")

    qtbot.waitUntil(lambda: projector() == 0, timeout=20_000)
    assert not page.controls.row("distance_m").isEnabled()
    assert page.controls.row("distance_m").toolTip() == "Only the wall can be moved."
