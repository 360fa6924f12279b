"""The export sheet: what it offers, what it writes, and what it says when that fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from depthstudio.geometry import StereoCalibration
from depthstudio.gui.export_sheet import open_export
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.studio import ActiveCalibration, Studio
from depthstudio.inference.export import read_metadata
from depthstudio.models import create_network, save_network

pytest.importorskip("onnxruntime")
SLOW_MS = 60_000


@pytest.fixture
def network(tmp_path: Path) -> Path:
    net = create_network("depthstudio-s", channels=(8, 8, 8, 8, 8), match=8, groups=2, fine_match=8, max_disparity=32)
    save_network(net, tmp_path / "desk" / "best.safetensors", {"epoch": 3})
    return tmp_path / "desk"


def test_a_file_is_written_and_checked(window: MainWindow, studio: Studio, network: Path, qtbot: QtBot) -> None:
    sheet = open_export(studio, network)
    assert sheet.parentWidget() is window
    sheet.form.choose_kind("onnx")
    sheet.form.half.setChecked(True)
    assert sheet.form.target == studio.workspace.root / "exports" / "desk.onnx"
    sheet.start()
    qtbot.waitUntil(
        lambda: sheet.form.target.is_file() and sheet.verdict.word == "Written and checked", timeout=SLOW_MS
    )
    metadata = read_metadata(sheet.form.target)
    assert metadata["epoch"] == "3" and metadata["resolution"] == "half" and metadata["size"] == "640x480"
    sheet.dismiss()
    again = open_export(studio, network)
    again.form.choose_kind("onnx")
    assert again.form.target.name == "desk_2.onnx"  # the one from before may be another network's
    again.dismiss()


def test_the_keyboard_stays_in_the_sheet(window: MainWindow, studio: Studio, network: Path, qtbot: QtBot) -> None:
    sheet = open_export(studio, network)
    reached = set()
    for _ in range(12):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        assert sheet.isAncestorOf(focused)
        reached.add(focused)
    assert {sheet.export, sheet.close_button} < reached
    qtbot.keyClick(sheet.export, "3")
    assert window.page.name == "capture"
    qtbot.keyClick(sheet.export, Qt.Key.Key_Escape)
    assert sheet.isHidden()


def test_the_folder_takes_the_calibration_in_force(
    window: MainWindow, studio: Studio, network: Path, qtbot: QtBot
) -> None:
    calibration = StereoCalibration.rectified_pair(80.0, 0.1, 47.5, 31.5, (96, 64))
    studio.use_calibration(ActiveCalibration(calibration, "bench"))
    sheet = open_export(studio, network)
    assert sheet.form.wish.size == (96, 64) and not sheet.form.image_size.isEnabled()
    sheet.start()
    folder = studio.workspace.root / "exports" / "desk"
    qtbot.waitUntil(lambda: sheet.verdict.word == "Written and checked", timeout=SLOW_MS)
    with np.load(folder / "rectification.npz") as rig:
        assert float(rig["baseline_m"]) == pytest.approx(0.1)
    assert (folder / "depth.py").is_file()


def test_a_failure_is_said_and_the_form_comes_back(
    studio: Studio, window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    sheet = open_export(studio, tmp_path / "missing.safetensors")
    sheet.start()
    qtbot.waitUntil(lambda: "no network file" in sheet.verdict.word, timeout=SLOW_MS)
    assert sheet.form.isEnabled() and sheet.export.isEnabled()
