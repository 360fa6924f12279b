from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from depthstudio.errors import SettingsError
from depthstudio.gui.event_loop_delay import EventLoopDelay, LoopDelays, StallWatch, need_display, wait, wait_for
from depthstudio.gui.responsive_benchmark import responsive_benchmark


def block() -> None:
    time.sleep(0.3)


def test_a_slot_that_blocks_is_measured_and_named(qtbot: QtBot) -> None:
    delay = EventLoopDelay()
    watch = StallWatch(delay)
    QTimer.singleShot(50, block)
    wait(0.6)
    longest = max(watch.stop(), key=lambda stall: stall.late_ms)
    found = delay.stop()
    assert found.max_ms > 250
    assert found.p50_ms < found.max_ms
    assert longest.late_ms > 150
    assert longest.place.endswith("block")
    assert longest.computing_ms is None or longest.computing_ms < longest.late_ms, "it slept"


def test_no_tick_is_no_number() -> None:
    assert LoopDelays.of([]).ticks == 0
    assert LoopDelays.of([1.0, 3.0]) == LoopDelays(2, 2.0, pytest.approx(2.98), 3.0)


def test_what_does_not_come_is_told(qtbot: QtBot) -> None:
    wait_for(lambda: True, 0.1, "Nothing.")
    with pytest.raises(SettingsError, match="The run did not start"):
        wait_for(lambda: False, 0.1, "The run did not start.")


def test_without_a_display_the_user_is_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(SettingsError) as refused:
        need_display("depthstudio bench live")
    assert "xvfb-run" in refused.value.next_step
    with pytest.raises(SettingsError):
        responsive_benchmark(tmp_path, "depthstudio-s", 1.0)
    assert not list(tmp_path.iterdir())
