"""The Train page on two tiny recordings with a network that trains in a blink: fixtures and how to handle the form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSpinBox
from pytestqt.qtbot import QtBot

from depthstudio.datasets.session import Session
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.train import TrainPage
from depthstudio.models import create_network, save_network
from depthstudio.workspace import Workspace

SIZE = (64, 48)
LONG_MS = 60_000


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def recordings(workspace: Workspace) -> list[Path]:
    """One recording that trains and one that validates, 4 + 2 tiny frames with true disparity."""
    calibration = StereoCalibration.rectified_pair(60.0, 0.05, 31.5, 23.5, SIZE)
    folders = []
    for name, frames, role in (("desk", 4, "train"), ("shelf", 2, "validation")):
        random = np.random.default_rng(len(name))
        folder = workspace.sessions / name
        with SessionWriter(folder, "sim://test", calibration, {}, name=name) as writer:
            for number in range(frames):
                left = random.integers(0, 255, (SIZE[1], SIZE[0]), dtype=np.uint8)
                depth = np.full((SIZE[1], SIZE[0]), 600, np.uint16)
                right = np.roll(left, -5, axis=1)
                writer.append(StereoFrame(number, number / 30, left, right, depth, right_timestamp_s=number / 30))
        Session.open(folder).set_role(role)
        folders.append(folder)
    return folders


@pytest.fixture
def small_network(workspace: Workspace) -> Path:
    """A network of the user's that trains in a blink."""
    torch.manual_seed(0)
    network = create_network(
        "depthstudio-s",
        channels=(8, 8, 8, 8, 8),
        match=8,
        groups=2,
        fine_match=8,
        fine_groups=2,
        aggregation=(4, 4, 4),
        hidden=8,
        steps=2,
        radius=2,
        max_disparity=32,
    )
    workspace.networks.mkdir(parents=True)
    path = workspace.networks / "small.safetensors"
    save_network(network, path, {})
    return path


@pytest.fixture
def page(recordings: list[Path], small_network: Path, window: MainWindow, qtbot: QtBot, one_thread: None) -> TrainPage:
    page = window.pages["train"]
    assert isinstance(page, TrainPage)
    window.show_page("train")
    page.setup.network.choose(str(small_network))
    enter(page, epochs=2, batch_size=2, crop_width=64, crop_height=48, num_workers=0)
    choose(page, precision="fp32", device="cpu", guard="off")
    qtbot.waitUntil(page.start_footer.button.isEnabled, timeout=LONG_MS)
    return page


def enter(page: TrainPage, **values: float) -> None:
    for name, value in values.items():
        editor = page.setup.form.editor(name)
        assert isinstance(editor, QSpinBox | QDoubleSpinBox)
        editor.setValue(value)  # type: ignore[arg-type]


def choose(page: TrainPage, **values: str) -> None:
    for name, value in values.items():
        editor = page.setup.form.editor(name)
        if isinstance(editor, QComboBox):
            editor.setCurrentIndex(editor.findData(value))
        else:
            editor.setText(value)  # type: ignore[attr-defined]


def run_to_the_end(page: TrainPage, qtbot: QtBot) -> None:
    page.start_footer.button.click()
    qtbot.waitUntil(lambda: not page.job.is_running, timeout=LONG_MS)
