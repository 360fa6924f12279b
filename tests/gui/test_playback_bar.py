from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from depthstudio.cameras import PlaybackState
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.playback_bar import words_of


@pytest.fixture
def playing(window: MainWindow, studio: Studio, qtbot: QtBot, make_session: Callable[..., Path]) -> Studio:
    """A session of 60 frames, paused at its start."""
    studio.sources.open(f"session://{make_session('long', 60)}")
    qtbot.waitUntil(lambda: studio.sources.last_frame is not None, timeout=20_000)
    studio.sources.set_paused(True)
    qtbot.waitUntil(lambda: studio.sources.playback is not None and studio.sources.playback.paused, timeout=10_000)
    return studio


def frame_of(studio: Studio) -> int:
    assert studio.sources.playback is not None and studio.sources.playback.frame is not None
    return studio.sources.playback.frame


def test_the_bar_is_there_for_recordings_only(
    window: MainWindow, studio: Studio, qtbot: QtBot, make_session: Callable[..., Path]
) -> None:
    assert window.playback.isHidden()
    studio.sources.open(f"session://{make_session()}")
    qtbot.waitUntil(lambda: not window.playback.isHidden(), timeout=20_000)
    studio.sources.open("sim://ir?scene=wall&size=160x120")
    qtbot.waitUntil(window.playback.isHidden, timeout=20_000)


def test_stepping_shows_single_frames(window: MainWindow, playing: Studio, qtbot: QtBot) -> None:
    shown: list[int] = []
    playing.sources.frame_ready.connect(lambda frame: shown.append(frame.number))
    before = frame_of(playing)
    window.playback.on.click()
    qtbot.waitUntil(lambda: shown[-1:] == [before + 1], timeout=10_000)
    window.playback.back.click()
    qtbot.waitUntil(lambda: shown[-1:] == [before], timeout=10_000)
    assert playing.sources.state is SourceState.PAUSED


def test_a_click_on_the_line_goes_there(window: MainWindow, playing: Studio, qtbot: QtBot) -> None:
    line = window.playback.line
    qtbot.mouseClick(line, Qt.MouseButton.LeftButton, pos=QPoint(line.width() // 2, line.height() // 2))
    qtbot.waitUntil(lambda: abs(frame_of(playing) - 30) <= 2, timeout=10_000)
    qtbot.waitUntil(lambda: "of 60" in window.playback.position.text(), timeout=10_000)
    assert playing.sources.state is SourceState.PAUSED


def test_speed_and_loop_reach_the_recording(window: MainWindow, playing: Studio, qtbot: QtBot) -> None:
    window.playback.loop.click()
    playing.sources.set_speed(4.0)
    qtbot.waitUntil(lambda: playing.sources.playback == _with(playing, loop=True, speed=4.0), timeout=10_000)
    window.playback.play.click()
    shown: list[int] = []
    playing.sources.frame_ready.connect(lambda frame: shown.append(frame.number))
    qtbot.waitUntil(lambda: any(b < a for a, b in itertools.pairwise(shown)), timeout=20_000)
    assert playing.sources.state is SourceState.STREAMING


def test_what_has_ended_plays_again_from_where_one_clicks(window: MainWindow, playing: Studio, qtbot: QtBot) -> None:
    playing.sources.seek(58 / 30)
    playing.sources.set_paused(False)
    qtbot.waitUntil(lambda: playing.sources.state is SourceState.ENDED, timeout=20_000)
    assert not window.playback.isHidden()
    playing.sources.seek(1.0)
    qtbot.waitUntil(
        lambda: playing.sources.state is SourceState.STREAMING and playing.sources.last_frame is not None,
        timeout=20_000,
    )
    assert frame_of(playing) >= 30


def _with(studio: Studio, **changes: object) -> PlaybackState:
    from dataclasses import replace

    assert studio.sources.playback is not None
    return replace(studio.sources.playback, **changes)


def test_the_words_tell_what_is_known() -> None:
    assert words_of(PlaybackState(3.25, 70.0, 97, 2100)) == "0:03.2 / 1:10.0   frame 98 of 2100"
    assert words_of(PlaybackState(3.25)) == "0:03.2"
