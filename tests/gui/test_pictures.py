from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from pytestqt.qtbot import QtBot

from depthstudio.gui.colormaps import COLORMAP_NAMES, DIVERGING, color_table, colorize, difference_limit, value_range
from depthstudio.gui.theme import ThemeMode, theme
from depthstudio.gui.widgets.image_view import ImageView, Overlay
from depthstudio.gui.widgets.layer_painting import Picture

INVALID = (1, 2, 3)


@pytest.mark.parametrize("name", COLORMAP_NAMES)
def test_a_colour_table_is_injective_enough_and_keeps_the_invalid_colour_apart(name: str) -> None:
    table = color_table(name, INVALID)
    assert table.shape == (256,)
    assert table[0] == 0xFF010203
    assert len(np.unique(table[1:])) >= 200


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_invalid_pixels_show_in_their_own_colour(dtype: type) -> None:
    values = np.array([[0, 500, 1000, 5000]], dtype)
    if dtype is np.float32:
        values = np.concatenate([values, np.array([[np.nan, np.inf, -1, 500]], dtype)])
    table = color_table("turbo", INVALID)
    colours = np.ascontiguousarray(colorize(values, 500, 1000, table)).view(np.uint32)[..., 0]
    assert colours[0, 0] == table[0]
    assert colours[0, 1] == table[1]
    assert colours[0, 2] == colours[0, 3] == table[255]
    if dtype is np.float32:
        assert list(colours[1]) == [table[0], table[0], table[0], table[1]]


def test_the_range_ignores_invalid_pixels_and_outliers() -> None:
    values = np.zeros((100, 100), np.uint16)
    values[50:] = 1000
    values[50:, :50] = 2000
    values[99, 99] = 65000
    assert value_range(values) == (1000.0, 2000.0)
    assert value_range(np.zeros((10, 10), np.uint16)) is None


@pytest.fixture
def view(qtbot: QtBot) -> ImageView:
    theme().apply(ThemeMode.DARK)
    made = ImageView("Left")
    qtbot.addWidget(made)
    made.resize(400, 200)
    made.show()
    return made


def test_the_aspect_is_kept_and_the_cursor_reads_the_right_pixel(view: ImageView, qtbot: QtBot) -> None:
    image = np.arange(100 * 100, dtype=np.uint16).reshape(100, 100)
    view.set_map(image)
    area = view.image_rect()
    assert (area.width(), area.height(), area.x()) == (200, 200, 100)
    seen: list[tuple[int, int, object]] = []
    view.hovered.connect(lambda x, y, value: seen.append((x, y, value)))
    qtbot.mouseMove(view, QPoint(100 + 2 * 30 + 1, 2 * 70 + 1))
    assert seen[-1] == (30, 70, 7030)
    qtbot.mouseMove(view, QPoint(20, 20))
    assert seen[-1] == (-1, -1, None)


def test_a_drag_pans_and_a_click_is_a_click(view: ImageView, qtbot: QtBot) -> None:
    view.set_image(np.zeros((100, 200), np.uint8))
    clicks: list[tuple[float, float]] = []
    view.clicked.connect(lambda x, y: clicks.append((round(x, 1), round(y, 1))))
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    assert clicks == [(49.5, 49.5)]
    view.set_view(2.0, 0.5, 0.5)
    before = view.image_rect()
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    qtbot.mouseMove(view, QPoint(130, 90))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(130, 90))
    assert view.image_rect() == before.translated(30, -10)
    assert len(clicks) == 1


def test_what_is_painted_are_the_pixels(view: ImageView) -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, :100] = (200, 10, 10)
    view.set_image(image)
    view.set_overlays([Overlay(points=np.array([[150.0, 50.0]], np.float32), token="good")])
    grabbed = view.grab().toImage()
    left = grabbed.pixelColor(100, 150)
    assert (left.red(), left.green(), left.blue()) == (200, 10, 10)
    marked = grabbed.pixelColor(301, 101)
    assert marked.green() > 60


def test_the_wheel_zooms_about_the_cursor_and_a_double_click_shows_all_again(view: ImageView, qtbot: QtBot) -> None:
    view.set_image(np.zeros((100, 200), np.uint8))
    whole = view.image_rect()
    place = QPointF(120, 80)
    before = view.to_image(place)
    for _ in range(4):
        view.wheelEvent(wheel(place))
    assert view.image_rect().width() > 2 * whole.width()
    assert view.to_image(place) == pytest.approx(before, abs=0.5)
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton)
    assert view.image_rect() == whole


def wheel(place: QPointF) -> QWheelEvent:
    nothing = Qt.KeyboardModifier.NoModifier
    return QWheelEvent(
        place, place, QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, nothing, Qt.ScrollPhase.NoScrollPhase, False
    )


def test_logarithmic_colours_show_equal_ratios_as_equal_steps() -> None:
    table = color_table("grey", INVALID)
    values = np.array([[1, 10, 100]], np.float32)
    shown = colorize(values, 1, 100, table, log=True)[0, :, 0].astype(int)
    assert shown[1] - shown[0] == pytest.approx(shown[2] - shown[1], abs=2)
    whole = colorize(values.astype(np.uint16), 1, 100, table, log=True)[0, :, 0].astype(int)
    assert np.abs(whole - shown).max() <= 1


def test_differences_have_zero_in_the_middle_and_only_the_unknown_is_invalid() -> None:
    table = color_table(DIVERGING, INVALID)
    values = np.array([[-4, 0, 4, np.nan, -1e12, 1e12]], np.float32)
    colours = colorize(values, -4, 4, table, signed=True).view(np.uint32)[0, :, 0]
    assert list(colours) == [table[1], table[128], table[255], table[0], table[1], table[255]]
    assert difference_limit(values[:, :4]) == pytest.approx(4)
    assert difference_limit(np.full((3, 3), np.nan, np.float32)) is None


def test_a_value_far_beyond_the_range_takes_the_colour_of_the_end() -> None:
    table = color_table("turbo", INVALID)
    colours = colorize(np.array([[1e-9, 1e12]], np.float32), 1, 10, table).view(np.uint32)[0, :, 0]
    assert list(colours) == [table[1], table[255]]


def test_a_drag_draws_a_rectangle_when_asked_to(view: ImageView, qtbot: QtBot) -> None:
    view.set_image(np.zeros((100, 200), np.uint8))
    view.set_selecting(True)
    seen: list[tuple[float, ...]] = []
    view.selected.connect(lambda *corners: seen.append(corners))
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    for x in (60, 101):
        qtbot.mouseMove(view, QPoint(x, 81))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(101, 81))
    assert seen[-1] == pytest.approx((9.5, 9.5, 50.0, 40.0))
    assert view.image_rect().x() == 0, "the picture did not move"


def test_two_views_can_look_at_the_same_part(view: ImageView, qtbot: QtBot) -> None:
    other = ImageView()
    qtbot.addWidget(other)
    other.resize(400, 200)
    view.view_changed.connect(other.set_view)
    for each in (view, other):
        each.show_picture(Picture(np.zeros((100, 200, 3), np.uint8)))
    view.wheelEvent(wheel(QPointF(50, 50)))
    assert other.image_rect() == view.image_rect()
    assert other.image_rect().width() > 400


def test_holes_keep_their_colour_and_give_none_to_their_neighbours(qtbot: QtBot) -> None:
    view = ImageView()
    qtbot.addWidget(view)
    view.resize(150, 150)
    view.set_range((1.0, 2.0))
    values = np.full((100, 100), 2.0, np.float32)
    values[:, 50:] = np.nan
    view.set_map(values)
    image = view.grab().toImage()
    shown = {image.pixelColor(x, 75).getRgb()[:3] for x in range(150)}
    far = image.pixelColor(10, 75).getRgb()[:3]
    hole = image.pixelColor(140, 75).getRgb()[:3]
    assert hole == theme().rgb("invalid")
    between = shown - {far, hole}
    low, high = np.minimum(far, hole), np.maximum(far, hole)
    assert all((np.array(one) >= low - 2).all() and (np.array(one) <= high + 2).all() for one in between)
