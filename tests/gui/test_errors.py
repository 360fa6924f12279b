from __future__ import annotations

import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from depthstudio.errors import SourceError
from depthstudio.gui.errors import ErrorHooks, Notice, notice_of
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import Studio


def test_an_error_meant_for_the_user_keeps_its_three_parts() -> None:
    notice = notice_of(SourceError("No camera.", "Nothing is plugged in.", "Plug one in."))
    assert (notice.what, notice.why, notice.next_step) == ("No camera.", "Nothing is plugged in.", "Plug one in.")
    assert "SourceError" in notice.details


def test_a_fault_of_the_program_says_so_and_keeps_the_traceback() -> None:
    try:
        raise ZeroDivisionError("division by zero")
    except ZeroDivisionError as error:
        notice = notice_of(error)
    assert "inside DepthStudio" in notice.what
    assert "test_errors.py" in notice.details


def test_exceptions_nobody_caught_are_logged_and_shown(qtbot: QtBot, tmp_path: Path) -> None:
    hooks = ErrorHooks(tmp_path / "new" / "depthstudio.log")
    hooks.install()
    try:
        caught: list[BaseException] = []
        hooks.caught.connect(caught.append)
        sys.excepthook(ValueError, ValueError("from the window"), None)

        def fail() -> None:
            raise ValueError("from a thread")

        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        qtbot.waitUntil(lambda: len(caught) == 2)
    finally:
        hooks.uninstall()
    log = hooks.log_file.read_text()
    assert "from the window" in log
    assert "from a thread" in log
    assert "Traceback" in log


def test_the_window_shows_a_notice_once_and_it_can_be_dismissed(window: MainWindow, qtbot: QtBot) -> None:
    for _ in range(2):
        window.studio.notify(Notice("The disk is full.", "0 MB left.", "Free some space."))
    (banner,) = window.banners
    assert "Free some space." in banner.accessibleName()
    qtbot.keyClick(window, "\x1b")
    assert window.banners == []


def test_a_fourth_notice_takes_the_place_of_the_oldest(window: MainWindow) -> None:
    for number in range(4):
        window.studio.notify(Notice(f"Notice {number}"))
    assert [banner.notice.what for banner in window.banners] == ["Notice 1", "Notice 2", "Notice 3"]


def fail_to_open(studio: Studio, qtbot: QtBot, folder: Path) -> None:
    studio.sources.open(f"folder://{folder}")
    qtbot.waitUntil(lambda: studio.sources.state is SourceState.FAILED, timeout=20_000)


def test_why_a_source_failed_goes_when_it_opens_after_all(
    window: MainWindow, studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    folder = tmp_path / "pairs"
    fail_to_open(studio, qtbot, folder)
    fail_to_open(studio, qtbot, folder)
    (banner,) = window.banners
    assert "no folder" in banner.notice.what
    studio.notify(Notice("The disk is full."))
    folder.mkdir()
    for side in ("left", "right"):
        cv2.imwrite(str(folder / f"{side}.png"), np.zeros((48, 64), np.uint8))
    studio.sources.reopen()
    qtbot.waitUntil(lambda: [one.notice.what for one in window.banners] == ["The disk is full."], timeout=20_000)


@pytest.mark.parametrize("elsewhere", ["", "folder:///another/one"])
def test_why_a_source_failed_goes_when_the_user_leaves_it(
    window: MainWindow, studio: Studio, qtbot: QtBot, tmp_path: Path, elsewhere: str
) -> None:
    fail_to_open(studio, qtbot, tmp_path / "pairs")
    studio.sources.open(elsewhere) if elsewhere else studio.sources.close()
    assert window.banners == []
    if elsewhere:
        qtbot.waitUntil(lambda: len(window.banners) == 1, timeout=20_000)
        assert "/another/one" in window.banners[0].notice.what
