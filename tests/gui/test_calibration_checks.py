"""The Calibrate page beyond collecting: report files, live check, comparison, drift, and warnings about another one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from depthstudio.calibration import Board
from depthstudio.cameras.realsense_self_calibration import SelfCalibrated
from depthstudio.cameras.simulated.rig import simulated_rig
from depthstudio.datasets import SessionWriter
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.calibrate import CalibratePage, self_calibration_section
from depthstudio.gui.pages.calibrate.saving import write_calibration, write_report
from depthstudio.gui.studio import ActiveCalibration, Studio

HYBRID = "sim://hybrid?scene=board&size=320x240"
SMALL = (320, 240)


@pytest.fixture
def page(window: MainWindow) -> CalibratePage:
    window.show_page("calibrate")
    page = window.pages["calibrate"]
    assert isinstance(page, CalibratePage)
    page.board.use(Board(9, 6, 0.025))
    return page


def truth() -> StereoCalibration:
    return simulated_rig("hybrid", SMALL).calibration


def turned(c: StereoCalibration) -> StereoCalibration:
    return replace(c, R=cv2.Rodrigues(np.array([0.01, 0.0, 0.0]))[0] @ c.R)


def texture(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 255, (300, 400)).astype(np.uint8)
    return np.asarray(cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX), np.uint8)


def recorded(studio: Studio, calibration: StereoCalibration) -> Path:
    """A recording of two frames whose right image is a row too low."""
    folder = studio.workspace.sessions / "bench"
    writer = SessionWriter(folder, "sim://test", calibration, {})
    picture = texture()
    for i in range(2):
        writer.append(StereoFrame(i, i / 30, picture[10:250, 30:350], picture[12:252, 40:360]))
    writer.close()
    studio.library_changed.emit()
    return folder


def test_from_the_simulated_rig_to_a_saved_and_checked_calibration(
    page: CalibratePage, studio: Studio, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    """From nothing to saved, with the buttons a user has; then the board is shown again, and the report is written."""
    assert page.is_empty
    studio.sources.open("sim://hybrid?scene=board&size=640x480&realtime=0&frames=160")
    qtbot.waitUntil(lambda: len(page.collecting.strip.keys) >= 6, timeout=200_000)
    qtbot.mouseClick(page.footer.solve_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.solved is not None, timeout=120_000)
    assert page.tab == "report"
    assert page.report.verdict.word in ("Good", "Usable", "Poor")
    assert page.solved is not None
    assert page.solved.solution.calibration.baseline_m == pytest.approx(0.1371, rel=0.05)
    write_report(studio, page.solved, tmp_path / "report.html")
    qtbot.waitUntil((tmp_path / "report.html").is_file, timeout=60_000)
    qtbot.waitUntil(page.footer.save_button.isEnabled, timeout=10_000)
    page.footer.name_field.setText("bench")
    qtbot.mouseClick(page.footer.save_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: studio.chosen_calibration is not None, timeout=20_000)
    assert window.header.calibration.choice == "bench"
    assert (studio.workspace.calibrations / "bench.npz").is_file()


def test_the_board_shown_again_is_judged_live(page: CalibratePage, studio: Studio, qtbot: QtBot) -> None:
    c = simulated_rig("hybrid", (640, 480)).calibration
    studio.use_calibration(ActiveCalibration(c, "exact"))
    studio.sources.open("sim://hybrid?scene=board&size=640x480&frames=24")
    qtbot.waitUntil(lambda: studio.sources.is_streaming, timeout=60_000)
    page.open_tab("check")
    qtbot.waitUntil(lambda: "exact: still good" in page.check.verdict.word, timeout=120_000)
    assert page.check.left.image_size == (640, 480)
    studio.use_calibration(ActiveCalibration(turned(c), "knocked"))
    page.open_tab("check")
    qtbot.waitUntil(lambda: "knocked: no longer good" in page.check.verdict.word, timeout=120_000)
    page.open_tab("views")
    assert page.views.isVisible()


def test_drift_of_a_recording(page: CalibratePage, studio: Studio, qtbot: QtBot) -> None:
    c = StereoCalibration.rectified_pair(300, 0.05, 160, 120, SMALL)
    recorded(studio, c)
    page.open_tab("compare")  # the page is empty without a source otherwise
    studio.use_calibration(ActiveCalibration(c, "bench"))
    page.open_tab("check")
    page.check.check_drift()
    qtbot.waitUntil(lambda: "Drifted" in page.check.drift.text(), timeout=30_000)


def test_two_calibrations_are_compared(page: CalibratePage, studio: Studio, qtbot: QtBot) -> None:
    folder = studio.workspace.calibrations
    folder.mkdir(parents=True, exist_ok=True)
    truth().save(folder / "one.npz")
    turned(truth()).save(folder / "two.npz")
    page.open_tab("compare")
    comparison = page.comparison
    comparison.first.setCurrentText("one")
    comparison.second.setCurrentText("two")
    comparison.compare()
    qtbot.waitUntil(lambda: comparison.numbers.value("Turned by") == "0.573°", timeout=20_000)
    assert comparison.verdict.word == "They differ"
    comparison.second.setCurrentText("one")
    comparison.compare()
    qtbot.waitUntil(lambda: comparison.verdict.word == "They are the same", timeout=20_000)


def test_a_calibration_is_exported_as_opencv_and_ros(
    studio: Studio, window: MainWindow, qtbot: QtBot, tmp_path
) -> None:
    write_calibration(studio, truth(), tmp_path / "c.yml")
    write_calibration(studio, truth(), tmp_path / "c.yaml", ros=True)
    qtbot.waitUntil(lambda: (tmp_path / "c_right.yaml").is_file() and (tmp_path / "c.yml").is_file(), timeout=20_000)
    assert StereoCalibration.load(tmp_path / "c.yml").id == truth().id


def test_another_calibration_than_the_recording_s_warns(studio: Studio, window: MainWindow, qtbot: QtBot) -> None:
    c = StereoCalibration.rectified_pair(300, 0.05, 160, 120, SMALL)
    folder = recorded(studio, c)
    studio.sources.open(f"session://{folder}")
    qtbot.waitUntil(lambda: studio.sources.calibration is not None, timeout=30_000)
    studio.use_calibration(ActiveCalibration(c, "same"))
    assert not [banner for banner in window.banners if "another one" in banner.notice.what]
    other = StereoCalibration.rectified_pair(310, 0.05, 160, 120, SMALL)
    studio.use_calibration(ActiveCalibration(other, "other"))
    warned = [banner.notice for banner in window.banners if "another one" in banner.notice.what]
    assert len(warned) == 1
    assert c.id in warned[0].what


def test_another_calibration_than_the_network_s_warns(studio: Studio, window: MainWindow, tmp_path: Path) -> None:
    run = tmp_path / "run-7"
    run.mkdir()
    (run / "run.json").write_text(json.dumps({"calibration_ids": [truth().id]}))
    studio.settings.live_network = str(run / "best.safetensors")
    studio.use_calibration(ActiveCalibration(truth(), "same"))
    assert not window.banners
    studio.use_calibration(ActiveCalibration(turned(truth()), "other"))
    assert "run-7 was trained with" in window.banners[0].notice.what


def test_the_camera_s_own_calibration_is_greyed_with_the_reason(page: CalibratePage) -> None:
    section = page.self_calibration
    section.refresh()
    assert not section.on_chip.isEnabled()
    assert "RealSense" in section.reason.text()


class FirmwareStandIn:
    """What no software device has: a firmware that calibrates. It notes whether the source was closed meanwhile."""

    answers: ClassVar[list[SelfCalibrated | SourceError]] = []
    studio: ClassVar[Studio]
    was_closed: ClassVar[list[bool]] = []

    @classmethod
    def of(cls, serial: str) -> FirmwareStandIn:
        return cls()

    def run(self, kind: str, target_mm: float, progress: object) -> SelfCalibrated:
        self.was_closed.append(self.studio.sources.capture is None and not self.studio.sources._leaving)
        answer = self.answers.pop(0)
        if isinstance(answer, SourceError):
            raise answer
        return answer


def test_the_camera_is_closed_while_it_calibrates_itself_and_opened_again_whatever_came_of_it(
    page: CalibratePage, studio: Studio, window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    section, url = page.self_calibration, "sim://ir?scene=board&size=320x240&projector=off&frames=2"
    monkeypatch.setattr(self_calibration_section, "SelfCalibration", FirmwareStandIn)
    monkeypatch.setattr(self_calibration_section, "why_unavailable_now", lambda url: "" if url else "Closed.")
    monkeypatch.setattr(FirmwareStandIn, "studio", studio, raising=False)
    found = SelfCalibrated("on-chip", (1,), (2,), (0.1, 0.0))
    FirmwareStandIn.answers[:] = [SourceError("The camera could not calibrate itself."), found]
    studio.sources.open(url)
    qtbot.waitUntil(lambda: studio.sources.last_frame is not None, timeout=120_000)
    for number in (1, 2):
        qtbot.waitUntil(section.on_chip.isEnabled, timeout=60_000)
        section.run("on-chip")
        qtbot.waitUntil(lambda number=number: len(FirmwareStandIn.was_closed) == number, timeout=60_000)
        qtbot.waitUntil(lambda: studio.sources.last_frame is not None, timeout=120_000)
        assert studio.sources.url == url
    assert FirmwareStandIn.was_closed == [True, True]
    assert "could not calibrate" in window.banners[0].notice.what
    assert "Health +0.10" in section.result.text()
    assert "flat" in section.on_chip.toolTip().lower()
    studio.sources.open("sim://ir?scene=wall&size=320x240&frames=2")
    assert section.result.text() == ""
