"""Evaluate: a comparison on a recording, its frames and pictures, its report, and a preselected network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.evaluate import EvaluatePage
from depthstudio.gui.studio import Studio
from depthstudio.models import create_network, save_network

SLOW_MS = 60_000


@pytest.fixture
def page(window: MainWindow) -> EvaluatePage:
    window.show_page("evaluate")
    found = window.pages["evaluate"]
    assert isinstance(found, EvaluatePage)
    return found


@pytest.fixture
def network(studio: Studio) -> Path:
    folder = studio.workspace.networks
    folder.mkdir(parents=True, exist_ok=True)
    net = create_network("depthstudio-s", channels=(8, 8, 8, 8, 8), match=8, groups=2, fine_match=8, max_disparity=32)
    save_network(net, folder / "tiny.safetensors", {})
    return folder / "tiny.safetensors"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    from depthstudio.cameras.recording import record

    return record("sim://ir?seed=1&size=160x120&frames=3&realtime=off", tmp_path / "room", frames=3).folder


def test_nothing_starts_without_data(page: EvaluatePage, network: Path) -> None:
    assert not page.start_button.isEnabled()
    page.setup.add_network(network)
    assert not page.start_button.isEnabled() and "data" in page.why.text()


def test_a_network_asked_for_elsewhere_is_chosen(page: EvaluatePage, studio: Studio, network: Path) -> None:
    studio.evaluation_requested.emit(network)
    studio.evaluation_requested.emit(network)
    assert page.setup.networks.paths == [network]
    page.setup.networks.remove(network)
    assert page.setup.networks.paths == []


def test_methods_are_compared_frame_by_frame(
    page: EvaluatePage, studio: Studio, network: Path, recording: Path, qtbot: QtBot
) -> None:
    page.setup.add_network(network)
    page.setup.add_data(recording)
    page.toggle()
    assert page.is_running and "evaluate" in studio.activities
    qtbot.waitUntil(lambda: not page.is_running and bool(page.evaluations), timeout=SLOW_MS)
    assert [one.method for one in page.evaluations] == ["tiny", "SGBM", "SGBM, holes filled", "camera's own depth"]
    assert page.comparison_table.rowCount() == 4 and page.frames_table.rowCount() == 3
    assert page.bands_table.rowCount() >= 1
    assert "exact where a simulation knows it" in page.conventions.toolTip()
    assert "every frame the same" in page.conventions.text()
    assert "evaluate" not in studio.activities
    qtbot.waitUntil(lambda: page.views["error"].value_at(5, 5) is not None, timeout=SLOW_MS)
    page.comparison_table.pick(1)
    qtbot.waitUntil(lambda: page.which_method.text() == "SGBM", timeout=SLOW_MS)
    page.save_report()
    qtbot.waitUntil(lambda: bool(list(studio.workspace.root.glob("evaluations/*/report.html"))), timeout=SLOW_MS)


def test_a_comparison_can_be_stopped(
    page: EvaluatePage, network: Path, recording: Path, qtbot: QtBot, make_session: Callable[..., Path]
) -> None:
    page.setup.add_network(network)
    page.setup.add_data(recording)
    page.toggle()
    page.toggle()
    qtbot.waitUntil(lambda: not page.is_running, timeout=SLOW_MS)
    assert page.start_button.isEnabled() and page.setup.isEnabled()


def test_data_that_cannot_be_measured_is_told(
    page: EvaluatePage, window: MainWindow, network: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    page.setup.add_network(network)
    page.setup.add_data(tmp_path)
    page.toggle()
    qtbot.waitUntil(lambda: bool(window.banners), timeout=SLOW_MS)
    assert "nothing to learn from" in window.banners[0].notice.what


def test_data_that_is_offered_never_takes_the_place_of_what_the_user_chose(page: EvaluatePage, tmp_path: Path) -> None:
    first, second, own = (tmp_path / name for name in ("first", "second", "own"))
    page.setup.offer_data([first])
    page.setup.offer_data([second])
    assert page.setup.wish.data == (second,)
    page.setup.add_data(own)
    page.setup.offer_data([first])
    assert page.setup.wish.data == (second, own)
