"""The one open source: changing it quickly, and by what name it is known."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from depthstudio.cameras import FrameSource
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration
from depthstudio.gui import camera_settings, sources
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import ActiveCalibration, Studio


class SlowToClose(FrameSource):
    """A camera that only one may open at a time, and that takes a moment to close."""

    _lock: ClassVar[threading.Lock] = threading.Lock()
    opened: ClassVar[list[bool]] = []

    def __init__(self, url: str) -> None:
        super().__init__(url, "Slow camera")

    @property
    def calibration(self) -> StereoCalibration | None:
        return None

    def open(self) -> None:
        self.opened.append(self._lock.acquire(blocking=False))

    def close(self) -> None:
        time.sleep(0.4)
        self._lock.release()

    def read(self, timeout_s: float = 0.5) -> StereoFrame | None:
        time.sleep(0.02)
        return StereoFrame(0, 0.0, np.zeros((48, 64), np.uint8), np.zeros((48, 64), np.uint8))


def wait_for_a_frame(studio: Studio, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: studio.sources.last_frame is not None, timeout=20_000)


@pytest.mark.parametrize("between", ["close", "another"])
def test_a_camera_is_opened_again_only_when_it_is_closed(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    monkeypatch.setattr(sources, "open_source", SlowToClose)
    monkeypatch.setattr(SlowToClose, "opened", [])
    studio.sources.open("usb://0")
    wait_for_a_frame(studio, qtbot)
    if between == "close":
        studio.sources.close()
    else:
        studio.sources.open("usb://1")
    studio.sources.open("usb://0")
    wait_for_a_frame(studio, qtbot)
    assert SlowToClose.opened == [True, True], "it was free each time"


def test_another_source_begins_without_the_rates_of_the_one_before(
    studio: Studio, qtbot: QtBot, make_session: Callable[..., Path]
) -> None:
    studio.sources.open(f"session://{make_session(frames=90)}")
    qtbot.waitUntil(lambda: studio.sources.rates.received > 0, timeout=20_000)
    studio.sources.open("sim://ir?scene=wall&size=160x120")
    assert studio.sources.rates == sources.Rates()


def test_return_in_an_empty_address_field_leaves_the_source_open(
    window: MainWindow, studio: Studio, qtbot: QtBot, make_session: Callable[..., Path]
) -> None:
    studio.sources.open(f"session://{make_session(frames=90)}")
    wait_for_a_frame(studio, qtbot)
    (field,) = window.header.source.menu_shown.findChildren(QLineEdit)
    field.returnPressed.emit()
    assert studio.sources.is_streaming


def test_p_plays_again_what_has_ended(
    window: MainWindow, studio: Studio, qtbot: QtBot, make_session: Callable[..., Path]
) -> None:
    studio.sources.open(f"session://{make_session(frames=3)}?realtime=0")
    qtbot.waitUntil(lambda: studio.sources.state is SourceState.ENDED, timeout=20_000)
    qtbot.keyClick(window, Qt.Key.Key_P)
    assert studio.sources.state is SourceState.OPENING
    qtbot.waitUntil(lambda: studio.sources.state is SourceState.ENDED, timeout=20_000)


def test_a_recording_opened_by_its_path_is_told_apart_by_its_calibration(
    window: MainWindow, studio: Studio, qtbot: QtBot, make_session: Callable[..., Path]
) -> None:
    folder = make_session(frames=90)
    studio.sources.open(str(folder))
    wait_for_a_frame(studio, qtbot)
    assert studio.sources.url == f"session://{folder}"
    other = StereoCalibration.rectified_pair(151.0, 0.05, 79.5, 59.5, (160, 120))
    studio.use_calibration(ActiveCalibration(other, "other"))
    assert any("was made with calibration" in banner.notice.what for banner in window.banners)


def test_a_camera_that_does_not_answer_is_told_when_its_settings_are_saved(
    window: MainWindow, studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    studio.sources.open("sim://ir?scene=wall&size=160x120&frames=2")
    wait_for_a_frame(studio, qtbot)
    capture = studio.sources.capture
    assert capture is not None
    monkeypatch.setattr(capture, "call", lambda _: Future())
    monkeypatch.setattr(camera_settings, "_ANSWER_TIMEOUT_S", 0.1)
    window.pages["capture"].camera.save_file(str(tmp_path / "settings.json"))  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: bool(window.banners), timeout=20_000)
    assert "did not say its settings" in window.banners[0].notice.what
