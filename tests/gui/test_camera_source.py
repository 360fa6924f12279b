"""A camera in the window: the SDK's software device stands in for one, everything behind it is real."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import Studio

sys.path.insert(0, str(Path(__file__).parents[1] / "cameras"))
from software_camera import SoftwareCamera

SERIAL = "424242"


class Plugged:
    """A camera on the bus that delivers pictures until it is pulled out."""

    def __init__(self, camera: SoftwareCamera) -> None:
        self.camera = camera
        self._stop = threading.Event()
        self._producer: threading.Thread | None = None

    def plug_in(self) -> None:
        self.camera.plug_in()
        self._stop = threading.Event()
        self._producer = self.camera.produce(self._stop)

    def pull_out(self) -> None:
        self._stop.set()
        if self._producer is not None:
            self._producer.join()
        self.camera.unplug()


@pytest.fixture
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugged]:
    monkeypatch.setenv("HOME", str(tmp_path))  # the SDK writes its statistics there
    made = Plugged(SoftwareCamera(serial=SERIAL))
    made.plug_in()
    yield made
    made.pull_out()


def wait_streaming(studio: Studio, qtbot: QtBot) -> None:
    def streams() -> bool:
        return studio.sources.state is SourceState.STREAMING and studio.sources.last_frame is not None

    qtbot.waitUntil(streams, timeout=20_000)


def menu_texts(window: MainWindow) -> list[str]:
    return [action.text() for action in window.header.source.menu_shown.actions()]


def test_a_camera_appears_in_the_list_and_leaves_it(window: MainWindow, qtbot: QtBot, plugged: Plugged) -> None:
    qtbot.waitUntil(lambda: any("RealSense D435, infrared" in text for text in menu_texts(window)), timeout=20_000)
    assert any("RealSense D435, colour" in text for text in menu_texts(window))
    plugged.pull_out()
    qtbot.waitUntil(lambda: not any("D435" in text for text in menu_texts(window)), timeout=20_000)


def test_a_lost_camera_is_told_its_recording_kept_and_it_is_opened_again(
    window: MainWindow, studio: Studio, qtbot: QtBot, plugged: Plugged
) -> None:
    studio.sources.open(f"realsense://{SERIAL}?mode=ir")
    wait_streaming(studio, qtbot)
    page = window.pages["capture"]
    recording = page.recording
    folders: list[Path] = []
    recording.finished.connect(folders.append)
    page.record.toggle()
    qtbot.waitUntil(lambda: recording.recorded >= 5, timeout=20_000)
    plugged.pull_out()
    qtbot.waitUntil(lambda: studio.sources.state is SourceState.FAILED, timeout=20_000)
    assert any("was lost" in banner.notice.what for banner in window.banners)
    assert window.header.state.text() == "awaiting its return"
    qtbot.waitUntil(lambda: len(folders) == 1, timeout=20_000)
    from depthstudio.datasets.session import Session

    assert len(Session.open(folders[0])) >= 5
    plugged.plug_in()
    returned_s = time.monotonic()
    wait_streaming(studio, qtbot)
    assert time.monotonic() - returned_s < 5
    assert studio.sources.url == f"realsense://{SERIAL}?mode=ir"
    assert any("is back" in banner.notice.what for banner in window.banners)
    assert not any("was lost" in banner.notice.what for banner in window.banners)


def test_settings_are_remembered_by_serial_number(
    window: MainWindow, studio: Studio, qtbot: QtBot, plugged: Plugged
) -> None:
    def value(name: str) -> float:
        return next(control.value for control in studio.sources.controls if control.name == name)

    studio.sources.open(f"realsense://{SERIAL}?mode=ir")
    wait_streaming(studio, qtbot)
    form = window.pages["capture"].camera.controls
    assert not form.row("exposure").isEnabled() and "Automatic" in form.row("exposure").toolTip()
    assert "no such setting" in form.row("color.white_balance").toolTip()
    box = form.row("emitter_enabled").findChildren(QComboBox)[0]
    box.setCurrentIndex(3)
    box.activated.emit(3)
    studio.sources.set_control("exposure", 12_000)
    qtbot.waitUntil(lambda: value("exposure") == 12_000 and value("emitter_enabled") == 3, timeout=10_000)
    qtbot.waitUntil(lambda: form.row("exposure").isEnabledTo(form), timeout=10_000)
    studio.sources.close()
    qtbot.waitUntil(lambda: studio.sources.state is SourceState.NONE, timeout=10_000)
    plugged.pull_out()
    plugged.camera = SoftwareCamera(serial=SERIAL)  # with its own defaults again
    plugged.plug_in()
    studio.sources.open(f"realsense://{SERIAL}?mode=rgb")
    wait_streaming(studio, qtbot)
    assert (value("exposure"), value("enable_auto_exposure"), value("emitter_enabled")) == (12_000, 0, 3)


def test_a_settings_file_that_the_camera_refuses_is_a_notice(
    window: MainWindow, studio: Studio, qtbot: QtBot, plugged: Plugged, tmp_path: Path
) -> None:
    studio.sources.open(f"realsense://{SERIAL}?mode=ir")
    wait_streaming(studio, qtbot)
    file = tmp_path / "preset.json"
    file.write_text("no settings")
    window.pages["capture"].camera.load_file(str(file))
    qtbot.waitUntil(lambda: any("no camera settings" in b.notice.what for b in window.banners), timeout=10_000)


def test_without_the_camera_the_answer_comes_at_once(window: MainWindow, studio: Studio, qtbot: QtBot) -> None:
    import pyrealsense2  # noqa: F401 - importing it is no part of the answer

    started_s = time.monotonic()
    studio.sources.open("realsense://000?mode=ir")
    qtbot.waitUntil(lambda: studio.sources.state is SourceState.FAILED, timeout=10_000)
    assert time.monotonic() - started_s < 5  # the SDK's own start would block for 15 s
    assert "not connected" in window.banners[-1].notice.what


def test_the_resolution_is_remembered_and_left_alone_when_it_is_no_longer_offered(
    studio: Studio, qtbot: QtBot, plugged: Plugged
) -> None:
    url = f"realsense://{SERIAL}?mode=ir"
    studio.sources.open(f"{url}&size=64x48&fps=30")
    wait_streaming(studio, qtbot)
    studio.sources.open(url)
    wait_streaming(studio, qtbot)
    assert studio.sources.url == url
    source = studio.sources.source
    assert source is not None and source.url.endswith("size=64x48&fps=30")
    file = studio.workspace.cameras / f"realsense-{SERIAL}.json"
    file.write_text(file.read_text().replace("64x48", "1920x1080"))
    studio.sources.open(url)
    wait_streaming(studio, qtbot)
    source = studio.sources.source
    assert source is not None and source.url == url
