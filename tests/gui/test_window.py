from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from depthstudio.cli.window import PAGES
from depthstudio.geometry import StereoCalibration
from depthstudio.gui import pages
from depthstudio.gui.application import make_window
from depthstudio.gui.errors import Notice
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.base import Page
from depthstudio.gui.settings import WindowSettings
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import ActiveCalibration, Activity, Studio
from depthstudio.gui.theme import ThemeMode, theme
from depthstudio.workspace import Workspace


def test_an_empty_workspace_says_what_to_do(window: MainWindow) -> None:
    assert window.page.name == "capture"
    assert window.page.is_empty


def test_the_number_keys_show_the_pages_in_order(window: MainWindow, qtbot: QtBot) -> None:
    names = [name for name in window.pages if name != "settings"]
    for number, name in enumerate(names, start=1):
        qtbot.keyClick(window, str(number))
        assert window.page.name == name
        assert window.header.title.text() == window.page.title


def test_the_settings_page_names_every_number_key(window: MainWindow) -> None:
    pages_with_a_key = [name for name in window.pages if name != "settings"]
    told = [item.text() for item in window.pages["settings"].findChildren(QLabel)]
    assert f"1 … {len(pages_with_a_key)}" in told


def test_full_screen_leads_back_to_a_maximised_window(window: MainWindow, qtbot: QtBot) -> None:
    window.showMaximized()
    qtbot.waitUntil(window.isMaximized)
    qtbot.keyClick(window, "f")
    assert window.isFullScreen() and window.header.isHidden()
    qtbot.keyClick(window, "f")
    assert not window.isFullScreen() and window.isMaximized() and not window.header.isHidden()


def test_a_maximised_window_comes_back_so_and_keeps_its_own_size(
    qtbot: QtBot, window: MainWindow, workspace: Workspace
) -> None:
    window.resize(1100, 650)
    window.showMaximized()
    window.close()
    again = make_window(workspace, ThemeMode.DARK)
    qtbot.addWidget(again)
    again.show()
    assert again.isMaximized()
    assert again.studio.settings.window_size == (1100, 650)
    again.close()


def test_while_a_question_is_open_the_keyboard_is_its_own(window: MainWindow, studio: Studio, qtbot: QtBot) -> None:
    studio.set_activity("train", Activity("Training.", "A training is running."))
    window.close()
    question = window.question
    assert question is not None
    keep, stop = question.buttons.values()
    qtbot.keyClick(keep, "3")
    assert window.page.name == "capture"
    for reached in (stop, keep):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert QApplication.focusWidget() is reached
    qtbot.keyClick(keep, Qt.Key.Key_Escape)
    assert window.question is None and window.isVisible()


def test_closing_asks_before_it_cuts_off_what_the_strip_shows(window: MainWindow, studio: Studio, qtbot: QtBot) -> None:
    gate = Event()
    studio.tasks.run(lambda context: gate.wait(20), "Import desk", shown=True)
    window.close()
    assert window.isVisible() and window.question is not None
    assert "Import desk" in window.question.accessibleName()
    qtbot.keyClick(window.question, Qt.Key.Key_Escape)
    gate.set()
    qtbot.waitUntil(lambda: not studio.tasks.running)
    window.close()
    assert not window.isVisible()


def test_everything_clickable_has_a_name_for_screen_readers(window: MainWindow) -> None:
    from PySide6.QtWidgets import QAbstractButton

    while window.pages.make_next():
        pass
    nameless = [
        item.objectName() or type(item).__name__
        for item in window.findChildren(QAbstractButton)
        if not (item.accessibleName() or item.text()) and not item.objectName().startswith("qt_")
    ]
    assert nameless == []


def test_a_recording_that_is_not_there_is_told_and_the_window_goes_on(
    window: MainWindow, studio: Studio, qtbot: QtBot, make_session: Callable[..., Path]
) -> None:
    studio.sources.open("file:///nowhere/camera.db3")
    qtbot.waitUntil(lambda: studio.sources.state is SourceState.FAILED, timeout=20_000)
    assert len(window.banners) == 1
    studio.sources.open(f"session://{make_session()}?realtime=0")
    qtbot.waitUntil(lambda: studio.sources.last_frame is not None, timeout=20_000)


def test_the_source_stays_open_across_pages_and_brings_its_calibration(
    window: MainWindow,
    studio: Studio,
    qtbot: QtBot,
    make_session: Callable[..., Path],
    calibration: StereoCalibration,
) -> None:
    studio.sources.open(f"session://{make_session(frames=60)}")
    qtbot.waitUntil(lambda: studio.sources.is_streaming, timeout=20_000)
    window.show_page("calibrate")
    window.show_page("capture")
    assert studio.sources.is_streaming
    active = studio.calibration
    assert active is not None
    assert active.path is None
    assert active.calibration.id == calibration.id
    assert window.header.calibration.choice == "Source's own"


def test_pause_holds_the_picture_and_p_lets_it_go_on(
    window: MainWindow, studio: Studio, qtbot: QtBot, make_session: Callable[..., Path]
) -> None:
    studio.sources.open(f"session://{make_session(frames=200)}")
    qtbot.waitUntil(lambda: studio.sources.last_frame is not None, timeout=20_000)
    qtbot.keyClick(window, "p")
    assert studio.sources.state is SourceState.PAUSED
    qtbot.wait(500)  # frames on their way when the key was pressed are still shown
    held = studio.sources.last_frame
    qtbot.wait(300)
    assert studio.sources.last_frame is held
    qtbot.keyClick(window, "p")
    qtbot.waitUntil(lambda: studio.sources.last_frame is not held, timeout=10_000)


def test_a_wrong_calibration_file_is_refused_with_the_reason(
    window: MainWindow, studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.npz"
    wrong.write_bytes(b"no archive")
    studio.load_calibration(wrong)
    qtbot.waitUntil(lambda: len(window.banners) == 1, timeout=10_000)
    assert studio.calibration is None


def test_the_chosen_calibration_is_remembered(
    window: MainWindow, studio: Studio, qtbot: QtBot, workspace: Workspace, calibration: StereoCalibration
) -> None:
    path = workspace.calibrations / "bench-2.npz"
    calibration.save(path)
    studio.load_calibration(path)
    qtbot.waitUntil(lambda: studio.calibration is not None, timeout=10_000)
    assert window.header.calibration.choice == "bench-2"
    window.close()
    again = make_window(workspace)
    qtbot.addWidget(again)
    qtbot.waitUntil(lambda: again.studio.calibration is not None, timeout=10_000)
    again.close()


def test_closing_asks_while_something_runs(window: MainWindow, studio: Studio, qtbot: QtBot) -> None:
    studio.set_activity("capture", Activity("Recording", "A recording is running."))
    window.close()
    assert window.isVisible()
    question = window.question
    assert question is not None
    qtbot.mouseClick(question.buttons["Stay"], Qt.MouseButton.LeftButton)
    assert window.isVisible()
    window.close()
    assert window.question is not None
    qtbot.mouseClick(window.question.buttons["Close anyway"], Qt.MouseButton.LeftButton)
    assert not window.isVisible()


def test_closing_tells_of_what_is_not_saved_beside_what_runs(window: MainWindow, studio: Studio) -> None:
    done = Event()
    studio.tasks.run(lambda _: done.wait(20), "Export a network", shown=True)
    studio.set_activity("quality", Activity("1 station", "1 station is not saved.", runs=False))
    window.close()
    assert window.question is not None
    told = "1 station is not saved. Not finished yet: Export a network. Closing cuts it off."
    assert window.question.accessibleName() == f"Close DepthStudio? {told}"
    done.set()
    window.question.buttons["Close anyway"].click()


@pytest.mark.parametrize("mode", [ThemeMode.LIGHT, ThemeMode.DARK])
def test_the_theme_can_be_set_and_every_token_of_the_sheet_exists(window: MainWindow, mode: ThemeMode) -> None:
    theme().apply(mode)
    assert theme().is_dark is (mode is ThemeMode.DARK)
    window.grab()


def test_pages_are_made_when_they_are_shown_and_the_others_in_idle_time(window: MainWindow, qtbot: QtBot) -> None:
    assert [page.name for page in window.pages.made] == ["capture"]
    window.show_page("settings")
    assert [page.name for page in window.pages.made] == ["capture", "settings"]
    window.make_pages_in_idle_time()
    qtbot.waitUntil(lambda: len(window.pages.made) == len(window.pages), timeout=20_000)
    assert window.page.name == "settings"


@pytest.mark.parametrize("name", ["preview_requested", "evaluation_requested"])
def test_a_request_makes_the_page_that_answers_it(
    window: MainWindow, studio: Studio, tmp_path: Path, name: str
) -> None:
    network = tmp_path / "mine.safetensors"
    getattr(studio, name).emit(network)
    live, evaluate = name == "preview_requested", name == "evaluation_requested"
    made = [page.name for page in window.pages.made]
    assert ("live" in made, "evaluate" in made) == (live, evaluate)
    if live:
        assert window.pages["live"].networks.current == network  # type: ignore[attr-defined]
    else:
        assert window.pages["evaluate"].setup.wish.networks == (network,)  # type: ignore[attr-defined]


def test_a_page_made_late_knows_the_source(
    window: MainWindow, studio: Studio, qtbot: QtBot, make_session: Callable[..., Path]
) -> None:
    studio.sources.open(f"session://{make_session(frames=90)}")
    qtbot.waitUntil(lambda: studio.sources.is_streaming, timeout=20_000)
    calibrate = window.pages["calibrate"]
    assert calibrate.solving.fix_left.isEnabled()  # type: ignore[attr-defined]


def test_pages_pay_for_frames_only_while_they_are_visible(qtbot: QtBot, workspace: Workspace) -> None:
    served: list[str] = []

    class Counting(Page):
        name, title, icon = "counting", "Counting", "box"

        def on_frame(self, frame: object) -> None:
            served.append("frame")

    studio = Studio(workspace, WindowSettings())
    page = Counting(studio)
    qtbot.addWidget(page)
    page.show()
    studio.sources.frame_ready.emit("frame")
    page.hide()
    studio.sources.frame_ready.emit("frame")
    assert served == ["frame"]


def test_use_calibration_none_goes_back_to_the_sources_own(studio: Studio, calibration: StereoCalibration) -> None:
    studio.use_calibration(ActiveCalibration(calibration, "bench"))
    assert studio.calibration is not None
    studio.use_calibration(None)
    assert studio.calibration is None


def test_good_news_goes_by_itself_and_bad_news_stays(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("depthstudio.gui.main_window._GOOD_NEWS_MS", 50)
    window.show_notice(Notice("It is saved.", tone="good"))
    window.show_notice(Notice("It is not saved."))
    qtbot.waitUntil(lambda: [banner.notice.what for banner in window.banners] == ["It is not saved."])


def test_every_page_can_be_asked_for_on_the_command_line() -> None:
    assert tuple(page.name for page in pages.PAGES) == PAGES
