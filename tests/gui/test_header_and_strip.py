from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QToolButton
from pytestqt.qtbot import QtBot

from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.settings import load_settings
from depthstudio.gui.sources import SourceState
from depthstudio.gui.status_strip import TaskLine, spoken_duration
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import TaskContext, TaskState


def test_the_source_menu_lists_rigs_and_recordings(
    window: MainWindow, qtbot: QtBot, make_session: Callable[..., Path]
) -> None:
    make_session("bench one")
    chooser = window.header.source
    chooser.list_sources()

    def texts() -> list[str]:
        return [action.text() for action in chooser.menu_shown.actions()]

    qtbot.waitUntil(lambda: any(text.startswith("bench one\t3 frames") for text in texts()), timeout=20_000)
    assert any(text.startswith("Simulated infrared pair") for text in texts())
    assert "Open folder…" in texts()


def test_an_address_can_be_typed(window: MainWindow, studio: Studio, qtbot: QtBot) -> None:
    chooser = window.header.source
    chooser.menu_shown.popup(chooser.mapToGlobal(chooser.rect().bottomLeft()))
    (field,) = chooser.menu_shown.findChildren(QLineEdit)
    field.setFocus()
    qtbot.waitUntil(field.hasFocus, timeout=10_000)
    qtbot.keyClicks(field, "nothing:")
    chooser.list_sources()  # as when a camera is plugged in
    assert chooser.menu_shown.findChildren(QLineEdit) == [field]
    assert field.isVisible() and field.hasFocus()
    qtbot.keyClicks(field, "//here")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert not chooser.menu_shown.isVisible()
    qtbot.waitUntil(lambda: studio.sources.state is SourceState.FAILED, timeout=10_000)
    assert "nothing" in window.banners[0].notice.what


def test_what_was_opened_from_elsewhere_is_found_again_in_the_menu(
    window: MainWindow, studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    folder = tmp_path / "elsewhere" / "captures"
    folder.mkdir(parents=True)
    for side in ("left", "right"):
        cv2.imwrite(str(folder / f"{side}_01.png"), np.zeros((48, 64), np.uint8))
    urls = [f"folder://{folder}", "sim://ir?scene=wall&size=160x120&frames=2"]
    for url in (*urls, urls[0]):
        studio.sources.open(url)
        qtbot.waitUntil(lambda: studio.sources.last_frame is not None, timeout=60_000)
    assert studio.settings.recent_urls == urls
    window.header.source.list_sources()
    texts = [action.text() for action in window.header.source.menu_shown.actions()]
    (shown,) = (text for text in texts if text.startswith("captures\t"))
    assert shown.endswith("/elsewhere")
    assert "sim://ir?scene=wall&&size=160x120&&frames=2" in texts
    studio.save_settings()
    assert load_settings(studio.workspace.settings_file)[0].recent_urls == urls


def test_no_camera_is_told_with_what_to_do(window: MainWindow, studio: Studio, qtbot: QtBot) -> None:
    studio.camera_requested.emit()
    qtbot.waitUntil(lambda: len(window.banners) == 1 or studio.sources.url != "", timeout=30_000)
    if window.banners:
        assert window.banners[0].notice.what == "No camera found."
        assert window.banners[0].notice.action is not None


def test_a_long_task_stands_in_the_strip_and_can_be_stopped_there(
    window: MainWindow, studio: Studio, qtbot: QtBot
) -> None:
    began = threading.Event()

    def work(context: TaskContext) -> None:
        context.progress(0.4, "epoch 4 of 10")
        began.set()
        while not context.cancel.is_cancelled:
            threading.Event().wait(0.01)

    task = studio.tasks.run(work, "Fine-tune", shown=True)
    qtbot.waitUntil(began.is_set, timeout=10_000)
    (line,) = window.status.findChildren(TaskLine)
    qtbot.waitUntil(lambda: line._bar.value() == 400, timeout=5_000)
    assert "epoch 4 of 10" in line._text.full_text()
    line.findChildren(QToolButton)[0].click()
    with qtbot.waitSignal(task.ended, timeout=10_000):
        pass
    assert task.state is TaskState.CANCELLED
    qtbot.waitUntil(lambda: not window.status.findChildren(TaskLine), timeout=5_000)


def test_durations_are_spoken() -> None:
    assert [spoken_duration(s) for s in (4.4, 95, 7500)] == ["4 s", "1 min 35 s", "2 h 5 min"]
