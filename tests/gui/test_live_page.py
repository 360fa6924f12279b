from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from depthstudio.geometry import StereoCalibration
from depthstudio.geometry.point_cloud import read_ply
from depthstudio.gui.loop_engine import EngineState
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.live import LivePage
from depthstudio.gui.pages.live.readout import spoken_distance
from depthstudio.gui.studio import ActiveCalibration, Studio
from depthstudio.gui.widgets.status import NoticeBanner
from depthstudio.models import create_network, save_network

RIG = "sim://ir?scene=wall&size=160x120&frames=4"
PATIENT_MS = 120_000


@pytest.fixture(scope="module")
def network_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "fresh.safetensors"
    save_network(create_network("depthstudio-s", max_disparity=32), path, {})
    return path


@pytest.fixture
def page(window: MainWindow, qtbot: QtBot) -> Iterator[LivePage]:
    window.show_page("live")
    page = window.pages["live"]
    assert isinstance(page, LivePage)
    qtbot.waitUntil(lambda: page.networks_listed, timeout=PATIENT_MS)
    yield page


def run_live(page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path, url: str = RIG) -> None:
    page.choose_network(network_file)
    studio.sources.open(url)
    qtbot.waitUntil(lambda: page.views.result is not None, timeout=PATIENT_MS)


def test_without_a_source_or_a_network_the_page_says_what_is_missing(
    page: LivePage, studio: Studio, qtbot: QtBot
) -> None:
    assert page.is_empty
    assert page.empty_shown == "source"
    page.networks.first.set_current(None)
    studio.sources.open(RIG)
    qtbot.waitUntil(lambda: page.empty_shown == "network", timeout=PATIENT_MS)


def test_the_prediction_is_shown_beside_the_left_picture_with_rates_and_latency(
    page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path
) -> None:
    run_live(page, studio, qtbot, network_file)
    assert not page.is_empty
    assert page.views.left.view.image_size == page.views.right.view.image_size == (160, 120)
    qtbot.waitUntil(lambda: page.speed.text("shown", "p95").endswith("ms"), timeout=PATIENT_MS)
    assert page.speed.text("inference", "p50").endswith("ms")
    assert page.speed.text("display", "p50").endswith("ms")
    assert studio.settings.live_network == str(network_file)


def test_the_cursor_is_shared_and_reads_disparity_depth_and_expected_error(
    page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path
) -> None:
    run_live(page, studio, qtbot, network_file)
    studio.sources.set_paused(True)
    view = page.views.right.view
    area = view.image_rect()
    qtbot.mouseMove(view, QPoint(round(area.x() + area.width() / 2), round(area.y() + area.height() / 2)))
    qtbot.waitUntil(lambda: page.views.readout.text("disparity").endswith("px"), timeout=PATIENT_MS)
    result = page.views.result
    assert result is not None
    x, y = (int(part) for part in page.views.readout.text("position").split(","))
    assert page.views.readout.text("disparity") == f"{result.disparity_px['network'][y, x]:.2f} px"
    depth_m = float(result.depth_m["network"][y, x])
    assert page.views.readout.text("depth") == f"{depth_m:.3f} m"
    expected_m = depth_m**2 / result.geometry.focal_baseline * 0.25
    assert page.views.readout.text("error") == f"± {spoken_distance(expected_m)}"
    assert page.views.left.view._overlays, "the cursor is seen in the other picture, too"


def test_pausing_holds_the_frame_and_the_cameras_depth_can_still_be_compared(
    page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path
) -> None:
    run_live(page, studio, qtbot, network_file)
    qtbot.mouseClick(page.pause_button, Qt.MouseButton.LeftButton)
    assert page.engine.loop is not None
    qtbot.wait(600)  # what was under way when the pause began
    held = page.views.result
    assert held is not None
    page.views.right.choose("camera")
    qtbot.waitUntil(lambda: "camera" in page.views.result.disparity_px, timeout=PATIENT_MS)  # type: ignore[union-attr]
    assert page.views.result.frame is held.frame  # type: ignore[union-attr]
    assert page.views.right.view.image_size == (160, 120)
    qtbot.mouseClick(page.pause_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.views.result.frame is not held.frame, timeout=PATIENT_MS)  # type: ignore[union-attr]


def test_a_hidden_page_computes_nothing(
    window: MainWindow, page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path
) -> None:
    run_live(page, studio, qtbot, network_file)
    window.show_page("capture")
    assert page.engine.loop is not None
    assert page.engine.loop.held
    window.show_page("live")
    assert not page.engine.loop.held


def test_a_wrong_checkpoint_is_explained_and_another_can_be_chosen(
    page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path, tmp_path: Path
) -> None:
    def banners() -> list[NoticeBanner]:
        return page.window().banners  # type: ignore[attr-defined]

    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"this is no network")
    page.choose_network(broken)
    studio.sources.open(RIG)
    qtbot.waitUntil(lambda: bool(banners()), timeout=PATIENT_MS)
    assert "broken.safetensors" in banners()[0].notice.what
    assert banners()[0].notice.next_step
    assert page.engine.state is EngineState.FAILED
    assert not page.is_empty
    page.choose_network(network_file)
    qtbot.waitUntil(lambda: page.views.result is not None, timeout=PATIENT_MS)


def test_a_rig_without_calibration_is_sent_to_calibrate(
    page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path
) -> None:
    page.choose_network(network_file)
    studio.sources.open("sim://hybrid?scene=wall&size=160x120&frames=4")
    qtbot.waitUntil(lambda: page.empty_shown == "calibration", timeout=PATIENT_MS)
    page.treat_as_rectified()
    assert not page.is_empty
    qtbot.waitUntil(lambda: page.views.result is not None, timeout=PATIENT_MS)
    assert page.views.result.depth_m == {}  # type: ignore[union-attr]


def test_a_calibration_of_another_size_is_explained(
    window: MainWindow, page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path
) -> None:
    other = StereoCalibration.rectified_pair(600.0, 0.05, 319.5, 239.5, (640, 480))
    studio.use_calibration(ActiveCalibration(other, "another camera"))
    page.choose_network(network_file)
    studio.sources.open(RIG)
    qtbot.waitUntil(lambda: page.empty_shown == "fitting", timeout=PATIENT_MS)
    assert "640x480" in window.banners[0].notice.what
    studio.use_calibration(None)  # the source's own
    qtbot.waitUntil(lambda: page.views.result is not None, timeout=PATIENT_MS)
    assert not [banner for banner in window.banners if "640x480" in banner.notice.what]


def test_a_run_to_preview_becomes_the_network(
    page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "best.safetensors").write_bytes(network_file.read_bytes())
    studio.show_page("capture")
    studio.preview_requested.emit(run)
    studio.show_page("live")
    assert page.networks.current == run / "best.safetensors"
    studio.sources.open(RIG)
    qtbot.waitUntil(lambda: page.views.result is not None, timeout=PATIENT_MS)


def test_a_recording_that_ended_is_still_predicted(
    page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path, make_session: Callable[..., Path]
) -> None:
    studio.sources.open(f"session://{make_session('one', frames=1)}")
    qtbot.waitUntil(lambda: studio.sources.last_frame is not None, timeout=PATIENT_MS)
    page.choose_network(network_file)
    qtbot.waitUntil(lambda: page.views.result is not None, timeout=PATIENT_MS)


def test_a_snapshot_holds_picture_disparity_depth_and_settings(
    window: MainWindow, page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path
) -> None:
    run_live(page, studio, qtbot, network_file)
    studio.sources.set_paused(True)
    qtbot.wait(600)
    result = page.views.result
    assert result is not None
    page.saver.snapshot()
    page.saver.snapshot()  # in the same second
    qtbot.waitUntil(lambda: len(window.banners) == 2, timeout=PATIENT_MS)
    folder, other = (studio.workspace.root / "snapshots").iterdir()
    assert {file.name for file in folder.iterdir()} == {file.name for file in other.iterdir()}
    assert np.array_equal(np.load(folder / "disparity.npy"), result.prediction.disparity_px)
    depth_mm = cv2.imread(str(folder / "depth.png"), cv2.IMREAD_UNCHANGED)
    assert depth_mm.dtype == np.uint16
    near = (result.depth_m["network"] < 60) & (depth_mm > 0)
    assert np.abs(depth_mm[near] / 1000 - result.depth_m["network"][near]).max() <= 0.000501
    assert cv2.imread(str(folder / "left.png")).shape == (120, 160, 3)
    assert cv2.imread(str(folder / "right.png"), cv2.IMREAD_UNCHANGED).shape[:2] == (120, 160)
    cloud = read_ply(folder / "cloud.ply")
    assert len(cloud) == np.isfinite(result.depth_m["network"]).sum()
    assert np.load(folder / "confidence.npy").shape == (120, 160)
    about = json.loads((folder / "settings.json").read_text())
    assert about["source"] == RIG
    assert about["network_file"] == str(network_file)
    assert about["focal_px"] > 0


def test_distances_are_spoken_in_millimetres_or_metres() -> None:
    assert spoken_distance(0.0123) == "12.3 mm"
    assert spoken_distance(-0.02, "+") == "-20.0 mm"
    assert spoken_distance(1.5, "+") == "+1.50 m"


def test_a_second_network_is_computed_only_while_it_is_shown(
    page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path
) -> None:
    run_live(page, studio, qtbot, network_file)
    page.networks.second._choose(network_file)
    assert page.views.wanted == {"second"}
    qtbot.waitUntil(
        lambda: page.views.result is not None and "second" in page.views.result.disparity_px, timeout=PATIENT_MS
    )
    result = page.views.result
    assert result is not None
    np.testing.assert_allclose(result.disparity_px["second"], result.disparity_px["network"], atol=1e-3)
    page.networks.second._choose(None)
    assert page.views.wanted == set()
    assert page.engine.setup is not None
    assert page.engine.setup.second is None


def test_backend_and_half_resolution_are_chosen_and_remembered(
    page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path
) -> None:
    run_live(page, studio, qtbot, network_file)
    page.computing._backend.setCurrentIndex(page.computing._backend.findData("torch"))
    page.computing._half.setChecked(True)
    qtbot.waitUntil(lambda: "half resolution (torch" in page.networks.state.text(), timeout=PATIENT_MS)
    assert studio.settings.live_backend == "torch"
    assert studio.settings.live_half_resolution


def test_steps_after_the_network_are_a_view_of_their_own_and_not_measured(
    page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path
) -> None:
    run_live(page, studio, qtbot, network_file)
    studio.sources.set_paused(True)
    page.steps.cut.setChecked(True)
    page.steps.confidence.setValue(99)
    assert page.views.right.kind == "processed"
    page.views.left.choose("network")
    page.steps.confidence.setValue(page.steps.confidence.value() + 1)
    assert page.views.left.kind == "network", "to compare while the steps change"
    qtbot.waitUntil(
        lambda: page.views.result is not None and page.views.result.steps.least_confidence == 0.99, timeout=PATIENT_MS
    )
    result = page.views.result
    assert result is not None
    assert np.isnan(result.disparity_px["processed"]).mean() > 0
    assert np.isfinite(result.disparity_px["network"]).all()
    page.measure.tools.set_current("region")
    page.measure.select(10, 10, 60, 60)
    assert page.measure.text("network", "fill") == "100%"
    page.steps.cut.setChecked(False)
    assert page.views.right.kind == "network"


def test_two_clicks_measure_a_distance_and_escape_puts_the_tool_away(
    page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path
) -> None:
    run_live(page, studio, qtbot, network_file)
    studio.sources.set_paused(True)
    qtbot.wait(300)
    qtbot.mouseClick(page.measure.tools._buttons["distance"], Qt.MouseButton.LeftButton)
    view = page.views.left.view
    area = view.image_rect()
    for share in (0.25, 0.75):
        place = QPoint(round(area.x() + share * area.width()), round(area.center().y()))
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=place)
    page._measure()
    assert page.measure.distance.text().endswith("m")
    assert "expected" in page.measure.distance_detail.text()
    assert page.measure.marks()[0].text == page.measure.distance.text()
    page.on_escape()
    assert page.measure.tool == "look"
    assert page.measure.marks() == []


def test_the_point_cloud_is_explained_where_there_is_no_opengl_and_can_still_be_saved(
    window: MainWindow, page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path
) -> None:
    run_live(page, studio, qtbot, network_file)
    studio.sources.set_paused(True)
    qtbot.mouseClick(page.display_form.layouts._buttons["cloud"], Qt.MouseButton.LeftButton)
    assert page.views.cloud.isVisible()
    assert "OpenGL" in page.views.cloud._message.text()
    page.saver.cloud()
    page.saver.cloud()  # in the same second
    qtbot.waitUntil(lambda: len(window.banners) == 2, timeout=PATIENT_MS)
    files = list((studio.workspace.root / "clouds").iterdir())
    assert len(files) == 2
    result = page.views.result
    assert result is not None
    kept = result.depth_m["network"] <= page.views.cloud.options.far_m
    assert {len(read_ply(file)) for file in files} == {kept.sum()}


def test_a_paused_recording_is_predicted_frame_by_frame_as_it_is_stepped(
    page: LivePage, studio: Studio, qtbot: QtBot, network_file: Path, make_session: Callable[..., Path]
) -> None:
    page.choose_network(network_file)
    studio.sources.open(f"session://{make_session('played', frames=6)}?loop=1")
    qtbot.waitUntil(lambda: page.views.result is not None, timeout=PATIENT_MS)
    studio.sources.set_paused(True)
    qtbot.wait(400)
    for move in (lambda: studio.sources.seek(0.0), *[lambda: studio.sources.step(1)] * 2):
        before = studio.sources.last_frame
        move()
        qtbot.waitUntil(lambda: studio.sources.last_frame is not before, timeout=PATIENT_MS)  # noqa: B023
        wanted = studio.sources.last_frame.number  # type: ignore[union-attr]
        qtbot.waitUntil(lambda: page.views.result.frame.number == wanted, timeout=PATIENT_MS)  # type: ignore[union-attr]  # noqa: B023
    assert wanted == 2


def test_a_network_trained_with_another_calibration_says_so_when_it_is_chosen(
    window: MainWindow, page: LivePage, studio: Studio, network_file: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run-3"
    run.mkdir()
    (run / "best.safetensors").write_bytes(network_file.read_bytes())
    own = StereoCalibration.rectified_pair(600.0, 0.05, 319.5, 239.5, (640, 480))
    other = StereoCalibration.rectified_pair(610.0, 0.05, 319.5, 239.5, (640, 480))
    (run / "run.json").write_text(json.dumps({"calibration_ids": [own.id]}))
    studio.use_calibration(ActiveCalibration(other, "other"))
    page.choose_network(network_file)
    assert not window.banners
    page.choose_network(run / "best.safetensors")
    assert "run-3 was trained with" in window.banners[0].notice.what
    assert "run-3" in page.networks.warning.text()
    studio.use_calibration(ActiveCalibration(own, "own"))
    assert page.networks.warning.text() == ""
