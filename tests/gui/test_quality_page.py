"""Quality: numbers of all methods on one region, stations, files, and what is said while something is missing."""

from __future__ import annotations

import csv
from math import nan
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from depthstudio.evaluation.depth_quality import Region, depth_quality, frame_quality
from depthstudio.evaluation.quality_loop import QualityReading, QualityWish, board_distance_m
from depthstudio.evaluation.quality_report import Station, write_quality_csv, write_quality_pdf
from depthstudio.frames import StereoFrame
from depthstudio.geometry import RectifiedGeometry
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.quality import QualityPage
from depthstudio.gui.pages.quality.empty import Missing
from depthstudio.gui.studio import Studio
from depthstudio.models import create_network, save_network

SIZE = (160, 120)
GEOMETRY = RectifiedGeometry(100.0, 0.05, 79.5, 59.5, SIZE)
SLOW_MS = 60_000


@pytest.fixture
def page(window: MainWindow) -> QualityPage:
    window.show_page("quality")
    found = window.pages["quality"]
    assert isinstance(found, QualityPage)
    return found


def disparity(distance_m: float, right: float = 0.0) -> np.ndarray:
    u = np.arange(SIZE[0]) - GEOMETRY.cx
    return np.broadcast_to(GEOMETRY.focal_baseline / distance_m + right * u, SIZE[::-1]).astype(np.float32)


def reading(distance_m: float, right: float = 0.0, frames: int = 2, known_m: float | None = None) -> QualityReading:
    wish = QualityWish(Region.centred(SIZE), frames, known_m)
    maps = {"network": disparity(distance_m, right), "sgbm": disparity(distance_m * 1.02, right)}
    quality = {
        name: depth_quality([frame_quality(values, wish.region, GEOMETRY, known_m)] * 2, GEOMETRY, known_m)
        for name, values in maps.items()
    }
    grey = np.zeros(SIZE[::-1], np.uint8)
    frame = StereoFrame(0, 0.0, grey, grey)
    return QualityReading(frame, np.zeros((*SIZE[::-1], 3), np.uint8), maps, quality, frames, frames, GEOMETRY, wish)


def test_the_page_says_what_is_missing(page: QualityPage) -> None:
    assert page.is_empty and page.missing is Missing.SOURCE


def test_numbers_are_shown_for_what_there_is(page: QualityPage) -> None:
    page.show_result(reading(1.0, known_m=1.01))
    assert page.table.text("distance_m", "network") == "1.000"
    assert page.table.text("z_accuracy_mm", "network") == "-10.00"
    assert page.table.text("fill_rate", "sgbm") == "100.0"
    assert page.table.text("fill_rate", "camera") == "–"
    assert page.facing.verdict.word == "Facing it"


def test_a_tilted_camera_is_told_which_way_to_turn(page: QualityPage) -> None:
    page.show_result(reading(1.0, right=0.005))
    assert page.facing.verdict.word.startswith("Tilted by 5.7")


def test_stations_become_curves_and_files(page: QualityPage, studio: Studio, tmp_path: Path, qtbot: QtBot) -> None:
    for distance_m in (2.0, 0.5, 1.0):
        page.add_station(reading(distance_m, known_m=distance_m))
    x, _ = page.curves.plot._data["Network"]
    assert list(x) == [0.5, 1.0, 2.0]
    page.remove_station(0)
    assert len(page.stations) == 2
    assert studio.activities["quality"].question == "2 stations are not saved."
    for kind in ("csv", "pdf"):
        page.saving.save(tmp_path / f"quality.{kind}")
        qtbot.waitUntil(lambda kind=kind: (tmp_path / f"quality.{kind}").is_file(), timeout=SLOW_MS)
    rows = list(csv.DictReader((tmp_path / "quality.csv").open()))
    assert [(row["known_distance_m"], row["method"]) for row in rows] == [
        ("0.5", "network"), ("0.5", "sgbm"), ("1.0", "network"), ("1.0", "sgbm")
    ]  # fmt: skip
    assert float(rows[1]["z_accuracy_mm"]) == pytest.approx(10, rel=0.01)
    assert (tmp_path / "quality.pdf").read_bytes().startswith(b"%PDF")
    qtbot.waitUntil(lambda: "quality" not in studio.activities, timeout=SLOW_MS)
    page.add_station(reading(4.0, known_m=4.0))
    assert studio.activities["quality"].question.startswith("1 station of")
    page.remove_station(2)
    assert "quality" not in studio.activities


def test_unknown_numbers_are_empty_cells(tmp_path: Path) -> None:
    empty = frame_quality(np.full(SIZE[::-1], np.nan, np.float32), Region.centred(SIZE), GEOMETRY)
    station = Station({"camera": depth_quality([empty], GEOMETRY)}, nan, "sim://ir", "tiny", "now")
    write_quality_csv(tmp_path / "q.csv", [station])
    (row,) = csv.DictReader((tmp_path / "q.csv").open())
    assert row["fill_rate"] == "0.0" and row["plane_rms_mm"] == "" and row["known_distance_m"] == ""
    write_quality_pdf(tmp_path / "q.pdf", [station])


def test_a_board_says_how_far_its_plane_is() -> None:
    import cv2

    board = np.zeros((12, 3))
    board[:, :2] = np.mgrid[0:4, 0:3].T.reshape(-1, 2) * 0.05
    K = np.array([[100.0, 0, GEOMETRY.cx], [0, 100.0, GEOMETRY.cy], [0, 0, 1]])
    turn = np.array([0.0, 0.2, 0.0])
    seen = cv2.projectPoints(board, turn, np.array([0.1, -0.05, 1.2]), K, None)[0]
    found = board_distance_m(seen.reshape(-1, 2), board, GEOMETRY)
    normal = cv2.Rodrigues(turn)[0][:, 2]
    assert found == pytest.approx(float(normal @ [0.1, -0.05, 1.2] / normal[2]), rel=1e-3)


def test_the_board_section_says_why_there_is_no_distance(page: QualityPage, studio: Studio, qtbot: QtBot) -> None:
    studio.show_page("capture")  # so that no network is loaded
    section = page.distance
    section.set_kind("board")
    section.find_board()
    assert "Open a source" in section.note.text() and section.note.isVisibleTo(section)
    studio.sources.open("sim://ir?scene=wall&distance_m=1&size=160x120&frames=2")
    qtbot.waitUntil(lambda: studio.sources.last_frame is not None, timeout=SLOW_MS)
    section.set_kind("board")
    section.corners.setText("nine by six")
    section.find_board()
    qtbot.waitUntil(lambda: "nine by six" in section.note.text(), timeout=SLOW_MS)
    assert section.note.isVisibleTo(section)
    section._on_board(1.25)
    assert section.distance_m == 1.25
    studio.sources.open("sim://ir?scene=wall&distance_m=2&size=160x120&frames=2")
    qtbot.waitUntil(lambda: section.distance_m is None, timeout=SLOW_MS)


def test_a_network_that_cannot_be_used_is_told_and_old_numbers_go_with_their_source(
    page: QualityPage, studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no network")
    page.networks.set_current(broken)
    page.show_result(reading(1.0))
    studio.sources.open("sim://ir?scene=wall&distance_m=1&size=160x120&frames=2")
    assert page.table.text("distance_m", "network") == "–"
    qtbot.waitUntil(lambda: "cannot be used" in page.state.text(), timeout=SLOW_MS)


def test_a_wall_is_measured_with_all_three_methods(page: QualityPage, studio: Studio, qtbot: QtBot) -> None:
    net = create_network("depthstudio-s", channels=(8, 8, 8, 8, 8), match=8, groups=2, fine_match=8, max_disparity=32)
    studio.workspace.networks.mkdir(parents=True)
    save_network(net, studio.workspace.networks / "tiny.safetensors", {})
    page.networks.set_current(studio.workspace.networks / "tiny.safetensors")
    page.frame_count.setValue(2)
    studio.sources.open("sim://ir?scene=wall&distance_m=1&size=160x120&frames=2")
    qtbot.waitUntil(lambda: page.reading is not None, timeout=SLOW_MS)
    assert page.distance.distance_m == pytest.approx(1.0, rel=0.01)  # a simulation knows
    page.measure_station()
    qtbot.waitUntil(lambda: len(page.stations) == 1, timeout=SLOW_MS)
    (station,) = page.stations
    assert set(station.quality) == {"network", "camera", "sgbm"}
    assert station.quality["camera"].distance_m == pytest.approx(1.0, rel=0.02)
    assert station.known_distance_m == pytest.approx(1.0, rel=0.01)
    page.region_share.setValue(20)
    qtbot.waitUntil(lambda: page.reading is not None and page.reading.wish.region.width == 32, timeout=SLOW_MS)
    loop = page.engine.loop
    assert loop is not None
    page._polling.stop()
    qtbot.waitUntil(lambda: loop._newest is not None and loop._newest.number > 3, timeout=SLOW_MS)
    loop.measure(page._wish(SIZE))
    late = loop.take()
    assert late is None or late.number <= 3, "a station averages frames that come after it was asked for"
