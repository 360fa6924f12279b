"""A window on an empty workspace, without a screen. A message box in a test is a failure, not a hang."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QDialog, QMessageBox
from pytestqt.qtbot import QtBot

from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration
from depthstudio.gui.application import make_window
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.studio import Studio
from depthstudio.gui.theme import ThemeMode
from depthstudio.workspace import Workspace

SIZE = (160, 120)


@pytest.fixture(autouse=True)
def no_modal_dialogs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("A modal dialog was opened.")

    for name in ("exec", "critical", "warning", "information", "question"):
        monkeypatch.setattr(QMessageBox, name, refuse)
    monkeypatch.setattr(QDialog, "exec", refuse)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def window(qtbot: QtBot, workspace: Workspace) -> Iterator[MainWindow]:
    made = make_window(workspace, ThemeMode.DARK)
    qtbot.addWidget(made)
    made.show()
    yield made
    made.studio.activities.clear()
    made.close()


@pytest.fixture
def studio(window: MainWindow) -> Studio:
    return window.studio


@pytest.fixture
def calibration() -> StereoCalibration:
    return StereoCalibration.rectified_pair(150.0, 0.05, 79.5, 59.5, SIZE)


@pytest.fixture
def make_session(workspace: Workspace, calibration: StereoCalibration) -> Callable[..., Path]:
    """Writes a small recording: make_session("name", frames=3) -> its folder."""

    def make(name: str = "bench", frames: int = 3) -> Path:
        random = np.random.default_rng(0)
        folder = workspace.sessions / name
        with SessionWriter(folder, "sim://test", calibration, {}, name=name) as writer:
            for number in range(frames):
                left = random.integers(0, 255, (SIZE[1], SIZE[0]), dtype=np.uint8)
                depth = np.full((SIZE[1], SIZE[0]), 1500, np.uint16)
                depth[:10] = 0
                writer.append(
                    StereoFrame(
                        number, number / 30, left, np.roll(left, -5, axis=1), depth, right_timestamp_s=number / 30
                    )
                )
        return folder

    return make
