from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from depthstudio.errors import DatasetError
from depthstudio.gui.export_sheet import ExportSheet
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.dataset import DatasetPage
from depthstudio.gui.pages.evaluate import EvaluatePage
from depthstudio.gui.pages.train import TrainPage
from depthstudio.gui.pages.train.dataset_link import frame_position
from depthstudio.training.checks.finding import FrameRef
from tests.gui.train_rig import LONG_MS, one_thread, page, recordings, run_to_the_end, small_network

__all__ = ["one_thread", "page", "recordings", "small_network"]


def test_after_a_run_its_network_is_evaluated_and_exported(
    page: TrainPage, recordings: list[Path], window: MainWindow, qtbot: QtBot
) -> None:
    run_to_the_end(page, qtbot)
    assert page.shown is not None
    assert page.shown.folder is not None
    best = page.shown.folder / "best.safetensors"
    page.exits.export.click()
    sheet = window.findChild(ExportSheet)
    assert sheet is not None
    assert sheet.isVisible()
    assert sheet.form.wish.network == best
    sheet.dismiss()
    page.exits.evaluate.click()
    evaluate = window.pages["evaluate"]
    assert isinstance(evaluate, EvaluatePage)
    assert window.page is evaluate
    assert best in evaluate.setup.wish.networks
    qtbot.waitUntil(lambda: evaluate.setup.wish.data == (recordings[1],), timeout=LONG_MS)
    assert evaluate.start_button.isEnabled()


def test_a_frame_of_a_check_opens_on_the_dataset_page(
    page: TrainPage, recordings: list[Path], window: MainWindow, qtbot: QtBot
) -> None:
    link = page.views.preview.link
    page.show_frame(FrameRef("validation", 1, "shelf 000002"))
    qtbot.waitUntil(lambda: link.isVisible() and link._frame == ("shelf", "shelf 000002"), timeout=LONG_MS)
    link.button.click()
    dataset = window.pages["dataset"]
    assert isinstance(dataset, DatasetPage)
    assert window.page is dataset
    qtbot.waitUntil(lambda: dataset.chosen is not None and dataset.chosen.folder == recordings[1], timeout=LONG_MS)
    assert dataset.viewer.position == 1


def test_a_worst_frame_opens_on_the_dataset_page(page: TrainPage, recordings: list[Path], qtbot: QtBot) -> None:
    asked: list[tuple[Path, int]] = []
    page.studio.frame_requested.connect(lambda folder, position: asked.append((folder, position)))
    run_to_the_end(page, qtbot)
    assert page.shown is not None
    worst = page.shown.frames[0]
    link = page.views.samples.link
    assert not link.isVisible(), "the strip's own frames are judged by, and need no way back"
    page.show_scored_frame(worst)
    qtbot.waitUntil(link.isVisible, timeout=LONG_MS)
    link.button.click()
    assert asked == [(recordings[1], int(worst.name.split()[-1]) - 1)]


def test_frames_of_other_folders_have_no_link(page: TrainPage) -> None:
    link = page.views.samples.link
    link.set_frame("elsewhere", "elsewhere 000000")
    assert link.isHidden()
    link.set_frame("", "")
    assert link.isHidden()


def test_a_frame_that_is_gone_is_said_so(page: TrainPage, recordings: list[Path]) -> None:
    assert frame_position(recordings[0], "desk 000004") == 3
    with pytest.raises(DatasetError, match="not in its recording"):
        frame_position(recordings[0], "desk 000099")
