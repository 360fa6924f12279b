"""The Live page's views on results made by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from pytestqt.qtbot import QtBot

from depthstudio.frames import StereoFrame
from depthstudio.geometry import RectifiedGeometry
from depthstudio.geometry.disparity import disparity_to_depth
from depthstudio.gui.pages.live.cloud import CloudOptions, cloud_of
from depthstudio.gui.pages.live.display_form import DisplayForm
from depthstudio.gui.pages.live.speed_hint import SpeedHint
from depthstudio.gui.pages.live.views import LiveViews
from depthstudio.gui.theme import ThemeMode, theme
from depthstudio.inference import Prediction
from depthstudio.inference.live_result import LiveResult

SIZE = (64, 48)
GEOMETRY = RectifiedGeometry(100.0, 0.1, 31.5, 23.5, SIZE)
EVERYTHING = frozenset({"camera", "sgbm", "second", "exact"})


def live_result(**others: float) -> LiveResult:
    """A network that sees disparities from 5 to 20 px; other methods see it larger by so much."""
    grey = np.full(SIZE[::-1], 90, np.uint8)
    network = np.linspace(5, 20, SIZE[0] * SIZE[1], dtype=np.float32).reshape(SIZE[::-1])
    confidence = np.full(SIZE[::-1], 0.8, np.float32)
    confidence[:, :32] = 0.2
    disparity = {"network": network, **{name: network + np.float32(more) for name, more in others.items()}}
    depth = {name: disparity_to_depth(values, GEOMETRY) for name, values in disparity.items()}
    prediction = Prediction(network, confidence, np.dstack([grey] * 3), 1.0)
    frame = StereoFrame(1, 0.0, grey, grey)
    return LiveResult(frame, prediction, GEOMETRY, disparity, depth, EVERYTHING, confidence={"network": confidence})


@pytest.fixture
def views(qtbot: QtBot) -> LiveViews:
    theme().apply(ThemeMode.DARK)
    made = LiveViews()
    qtbot.addWidget(made)
    made.resize(800, 500)
    made.show()
    return made


def test_layouts_show_one_two_four_or_a_wipe(views: LiveViews) -> None:
    views.show_result(live_result(camera=1))
    for name, count in (("one", 1), ("two", 2), ("four", 4), ("wipe", 0)):
        views.set_layout(name)
        assert sum(pane.isVisible() for pane in views.panes) == count
        assert views.wipe.isVisible() == (name == "wipe")
    assert views.wipe.view.image_size == SIZE


def test_a_double_click_enlarges_a_picture_and_shows_all_again(views: LiveViews) -> None:
    views.set_layout("four")
    views.panes[2].view.double_clicked.emit()
    assert [pane.isVisible() for pane in views.panes] == [False, False, True, False]
    views.panes[2].view.double_clicked.emit()
    assert views.layout_name == "four"


def test_only_what_is_looked_at_is_wanted(views: LiveViews) -> None:
    assert views.wanted == set()
    views.set_layout("four")
    assert views.wanted == {"camera"}
    views.coloring.pair = ("sgbm", "exact")
    assert views.wanted == {"camera", "sgbm", "exact"}
    views.panes[3].choose("confidence")
    views.panes[2].choose("second")
    assert views.wanted == {"second"}


def test_the_difference_has_its_own_scale_and_unit(views: LiveViews) -> None:
    views.set_layout("four")
    views.show_result(live_result(camera=-1.5))
    pane = views.panes[3]
    shown = pane._shown
    assert shown is not None
    assert shown.limits == (-2.0, 2.0)
    np.testing.assert_allclose(shown.values, 1.5, atol=1e-5)
    views.set_unit("depth")
    assert pane._shown is not None
    assert (pane._shown.values < 0).all(), "a larger disparity is nearer"  # type: ignore[operator]
    assert pane._shown.unit == "m"


def test_what_is_missing_is_said(views: LiveViews) -> None:
    views.panes[1].choose("second")
    views.show_result(live_result())
    assert views.panes[1].view.image_size is None
    assert "second network" in views.panes[1].view._placeholder
    views.show_result(replace(live_result(), depth_m={}, geometry=None))
    views.panes[1].choose("network")
    views.set_unit("depth")
    assert "calibration" in views.panes[1].view._placeholder


def test_ranges_follow_are_fixed_or_run_between_percentiles(views: LiveViews, qtbot: QtBot) -> None:
    form = DisplayForm(views)
    qtbot.addWidget(form)
    views.show_result(live_result())
    assert views.coloring.limits == pytest.approx((5.3, 19.7), abs=0.2)
    form.range._buttons["percentiles"].click()
    form.low.setValue(25)
    form.high.setValue(75)
    assert views.coloring.limits == pytest.approx((8.75, 16.25), abs=0.2)
    form.range._buttons["fixed"].click()
    assert (form.low.value(), form.high.value()) == pytest.approx((8.8, 16.2), abs=0.2)
    form.low.setValue(1)
    form.high.setValue(3)
    assert views.coloring.limits == (1, 3)
    form.unit._buttons["depth"].click()
    assert views.coloring.limits == pytest.approx((10 / 19.7, 10 / 5.3), abs=0.1)


def test_fixed_limits_after_percentiles_are_not_rounded_to_percents(views: LiveViews, qtbot: QtBot) -> None:
    form = DisplayForm(views)
    qtbot.addWidget(form)
    views.show_result(live_result())
    form.unit.set_current("depth")
    form._on_unit("depth")
    form.range.set_current("percentiles")
    form._on_range("percentiles")
    assert form.high.maximum() == 100.0
    found = views.coloring.limits
    assert found is not None
    form.range.set_current("fixed")
    form._on_range("fixed")
    assert (form.low.value(), form.high.value()) == pytest.approx(found, abs=0.005)
    assert views.coloring.limits == pytest.approx(found, abs=0.005)


def test_a_key_of_another_alphabet_is_no_fault_of_the_wipe(views: LiveViews) -> None:
    before = views.wipe.view.share
    views.wipe.view.keyPressEvent(QKeyEvent(QEvent.Type.KeyPress, 0x0424, Qt.KeyboardModifier.NoModifier, "ф"))
    assert views.wipe.view.share == before


def test_logarithmic_colours_differ_and_the_bar_knows(views: LiveViews, qtbot: QtBot) -> None:
    form = DisplayForm(views)
    qtbot.addWidget(form)
    views.show_result(live_result())
    linear = views.right.view.grab().toImage()
    form.log.setChecked(True)
    assert views.right.view.grab().toImage() != linear
    low, high = views.coloring.limits or (0, 0)
    assert views.color_bar._value_at(0.5) == pytest.approx((low * high) ** 0.5)


def test_the_wipe_shows_both_pictures_and_its_line_is_dragged(views: LiveViews, qtbot: QtBot) -> None:
    views.set_layout("wipe")
    views.show_result(live_result())
    view = views.wipe.view
    area = view.image_rect()

    def grey_at(share: float) -> bool:
        place = QPoint(round(area.x() + share * area.width()), round(area.y() + 0.4 * area.height()))
        return view.grab().toImage().pixelColor(place).getRgb()[:3] == (90, 90, 90)

    assert grey_at(0.15)
    assert not grey_at(0.8)
    middle = QPoint(round(area.center().x()), round(area.center().y()))
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(view, QPoint(round(area.x() + 0.9 * area.width()), middle.y()))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=middle)
    assert view.share == pytest.approx(0.9, abs=0.02)
    assert grey_at(0.8)
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert view.share == pytest.approx(0.88, abs=0.02)


def test_zooming_one_picture_zooms_all(views: LiveViews) -> None:
    views.set_layout("two")
    views.show_result(live_result())
    views.left.view._zoom = 3.0
    views.left.view._move_to(0.6, 0.4)
    assert views.right.view._zoom == 3.0
    assert views.right.view._centre == views.left.view._centre


def test_the_cursor_reads_every_method_that_is_shown(views: LiveViews) -> None:
    views.set_layout("four")
    views.panes[2].choose("exact")
    views.coloring.pair = ("network", "exact")
    result = live_result(exact=1)
    views.show_result(result)
    views._on_hover(40, 20, None)
    depth_m, exact_m = (float(result.depth_m[name][20, 40]) for name in ("network", "exact"))
    assert views.readout.text("depth") == f"{depth_m:.3f} m"
    assert views.readout.text("exact") == f"{exact_m:.3f} m"
    assert views.readout.text("confidence") == "80%"
    assert views.readout.text("difference") == "-1.00 px", "in the unit of the views"
    views.set_unit("depth")
    assert views.readout.text("difference") == f"{(depth_m - exact_m) * 1000:+.1f} mm"


def test_a_cloud_is_cut_by_distance_and_confidence_and_coloured_by_distance() -> None:
    result = live_result()
    whole = cloud_of(result, CloudOptions())
    assert whole is not None
    assert len(whole) == SIZE[0] * SIZE[1]
    assert (whole.colors == 90).all()
    sure = cloud_of(result, CloudOptions(least_confidence=0.5))
    assert sure is not None
    assert len(sure) == len(whole) / 2
    near = cloud_of(result, CloudOptions(far_m=1.0, by_depth=True))
    assert near is not None
    assert near.points_m[:, 2].max() <= 1.0
    assert len(np.unique(near.colors, axis=0)) > 50
    assert cloud_of(result, CloudOptions(method="camera")) is None


def test_a_network_far_behind_the_camera_offers_half_resolution_and_the_way_back(qtbot: QtBot) -> None:
    hint = SpeedHint()
    qtbot.addWidget(hint)
    hint.show_rates(30.0, math.nan, half=False)
    assert not hint.isVisibleTo(None), "nothing is predicted yet"
    hint.show_rates(30.0, 40.0, half=False)
    assert not hint.isVisibleTo(None), "25 of 30 is near enough"
    hint.show_rates(30.0, 200.0, half=False)
    assert hint.isVisible()
    assert "5.0 of the camera's 30 frames" in hint.words.text()
    hint.show_rates(30.0, 48.0, half=False)
    assert hint.isVisible(), "does not come and go at the limit"
    with qtbot.waitSignal(hint.half_chosen) as chosen:
        hint.button.click()
    assert chosen.args == [True]
    hint.show_rates(30.0, 30.0, half=True)
    assert hint.isVisible()
    assert not hint.words.isVisible()
    with qtbot.waitSignal(hint.half_chosen) as chosen:
        hint.button.click()
    assert chosen.args == [False]
