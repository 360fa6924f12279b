"""CloudView: a point cloud to turn, move and zoom, with a grid and axes in metres. Needs OpenGL."""

from __future__ import annotations

import math
import statistics
import time
from collections import deque

import numpy as np
import pyqtgraph.opengl as gl
from OpenGL import GL
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent, QVector3D, QVector4D
from PySide6.QtWidgets import QWidget

from depthstudio.frames import FloatMap
from depthstudio.geometry.point_cloud import PointCloud
from depthstudio.gui.theme import theme

# Points drawn: as many as leave room for fifteen frames a second beside everything else.
LEAST_POINTS, MOST_POINTS = 12_000, 160_000
_SLOW_MS, _QUICK_MS = 40.0, 22.0
_TIMES_JUDGED = 7
_START_ELEVATION, _START_AZIMUTH = 14.0, -90.0
# How far to stand from the middle of the scene, in its distance from the camera, and how much of it to fit.
_NEAREST_STAND, _FARTHEST_STAND = 1.2, 4.0
_FITTED_PERCENT = 90
_GRID_STEPS_M = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
_GRID_LINES = 10
_OVERLAP = 1.3


class CloudView(gl.GLViewWidget):
    """Shows clouds of the rectified left camera; in the view z is up and y is away from the camera.

    painted(ms): a picture is finished and took so long. `budget` follows how fast this machine draws.
    """

    painted = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.budget = 40_000
        self.shown_points = 0
        self._times_ms: deque[float] = deque(maxlen=_TIMES_JUDGED)
        self._labels: list[tuple[QVector3D, str]] = []
        self._words = _Words(self)
        self._framed = False
        self._floor: tuple[float, float, float] | None = None
        self._furniture: list[gl.GLGraphicsItem] = []
        self._points = gl.GLScatterPlotItem(pos=np.zeros((1, 3), np.float32), size=0.01, pxMode=False)
        self._points.setGLOptions("opaque")
        self.addItem(self._points)
        self.setAccessibleName("Point cloud")
        self.opts["fov"] = 50
        self._on_theme()
        theme().changed.connect(self._on_theme)

    def show_cloud(self, cloud: PointCloud, pitch: float) -> None:
        """pitch: how far apart neighbouring points lie at one metre, m; points are drawn as large as their distance
        needs to close the surface."""
        self.shown_points = len(cloud)
        if len(cloud) == 0:
            self._points.setData(pos=np.zeros((1, 3), np.float32), size=0.0)
            return
        points = _upright(cloud.points_m)
        colors = np.ones((len(cloud), 4), np.float32)
        np.multiply(cloud.colors, np.float32(1 / 255), out=colors[:, :3])
        sizes = points[:, 1] * np.float32(pitch * _OVERLAP)
        self._points.setData(pos=points, color=colors, size=sizes)
        self._furnish(points)
        if not self._framed:
            self.reset_view()

    def reset_view(self) -> None:
        """Look from behind the camera, the middle of the scene in the middle and nearly all of it in sight."""
        points = self._points.pos
        self._framed = len(points) > 1
        middle = np.median(points, axis=0) if self._framed else np.array([0.0, 1.0, 0.0])
        half_width = math.tan(math.radians(self.opts["fov"] / 2))
        half_height = half_width * self.height() / max(self.width(), 1)
        beside = np.abs(points - middle) / np.array([half_width, 1.0, max(half_height, 0.1)])
        fitting_m = np.percentile(np.maximum(beside[:, 0], beside[:, 2]) + middle[1] - points[:, 1], _FITTED_PERCENT)
        self.setCameraPosition(
            pos=QVector3D(*middle),
            distance=float(np.clip(fitting_m, _NEAREST_STAND * middle[1], _FARTHEST_STAND * middle[1])),
            elevation=_START_ELEVATION,
            azimuth=_START_AZIMUTH,
        )

    def forget(self) -> None:
        """The next cloud is of another scene and is framed anew."""
        self._framed = False
        self._floor = None

    def paintGL(self) -> None:
        """Draw, wait for the result, and adapt the number of points to the time it took."""
        started = time.perf_counter()
        super().paintGL()
        GL.glFinish()
        ms = (time.perf_counter() - started) * 1000.0
        self._place_labels()
        self._times_ms.append(ms)
        if len(self._times_ms) == _TIMES_JUDGED:
            self._judge(statistics.median(self._times_ms))
        self.painted.emit(ms)

    def _judge(self, ms: float) -> None:
        factor = 0.7 if ms > _SLOW_MS else 1.3 if ms < _QUICK_MS else 1.0
        self.budget = int(np.clip(self.budget * factor, LEAST_POINTS, MOST_POINTS))
        self._times_ms.clear()

    def _place_labels(self) -> None:
        to_screen = self._points.mvpMatrix()
        placed = []
        for place, text in self._labels:
            seen = to_screen.map(QVector4D(place, 1.0))
            if seen.w() > 0:
                x, y = (1 + seen.x() / seen.w()) / 2 * self.width(), (1 - seen.y() / seen.w()) / 2 * self.height()
                placed.append((round(x) + 4, round(y) - 3, text))
        self._words.set_placed(placed)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The words lie over the whole view."""
        super().resizeEvent(event)
        self._words.resize(self.size())

    def _furnish(self, points: FloatMap) -> None:
        """Floor grid and numbers in metres; rebuilt only when the scene has changed a good deal."""
        sample = points[:: max(1, len(points) // 4000)]
        floor_m = float(np.percentile(sample[:, 2], 2))
        reach_m = float(np.percentile(sample[:, 1], 98))
        half_m = float(np.percentile(np.abs(sample[:, 0]), 98))
        if self._floor is not None:
            old = np.array(self._floor)
            if np.all(np.abs(np.array((floor_m, reach_m, half_m)) - old) < 0.25 * np.maximum(np.abs(old), 0.2)):
                return
        self._floor = floor_m, reach_m, half_m
        for item in self._furniture:
            self.removeItem(item)
        self._furniture, self._labels = _furniture(floor_m, reach_m, half_m)
        for item in self._furniture:
            self.addItem(item)

    def _on_theme(self) -> None:
        self.setBackgroundColor(theme().color("stage"))
        self._floor = None


class _Words(QWidget):
    """Text over the view. A painter on the OpenGL picture itself draws nothing in core profiles."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._placed: list[tuple[int, int, str]] = []
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)

    def set_placed(self, placed: list[tuple[int, int, str]]) -> None:
        """Words with the place of their lower left corner."""
        if placed != self._placed:
            self._placed = placed
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Only the words; what is under them shows."""
        painter = QPainter(self)
        painter.setPen(theme().color("text_muted"))
        for x, y, text in self._placed:
            painter.drawText(x, y, text)


def _upright(points_m: FloatMap) -> FloatMap:
    """x right, y down, z forward, as x right, y forward, z up."""
    return np.stack([points_m[:, 0], points_m[:, 2], -points_m[:, 1]], axis=1)


def _furniture(
    floor_m: float, reach_m: float, half_m: float
) -> tuple[list[gl.GLGraphicsItem], list[tuple[QVector3D, str]]]:
    """A grid on the floor with a number at each line of depth and width, and the camera's axes at the origin."""
    extent_m = max(reach_m, 2 * half_m)
    step_m = next((step for step in _GRID_STEPS_M if extent_m / step <= _GRID_LINES), _GRID_STEPS_M[-1])
    across = max(1, round(np.ceil(half_m / step_m)))
    along = max(1, round(np.ceil(reach_m / step_m)))
    lines: list[tuple[float, float, float]] = []
    for i in range(-across, across + 1):
        lines += [(i * step_m, 0, floor_m), (i * step_m, along * step_m, floor_m)]
    for i in range(along + 1):
        lines += [(-across * step_m, i * step_m, floor_m), (across * step_m, i * step_m, floor_m)]
    faint = theme().color("border_strong")
    grid = gl.GLLinePlotItem(pos=np.array(lines, np.float32), color=faint, width=1, mode="lines", glOptions="opaque")
    labels = [(QVector3D(across * step_m, i * step_m, floor_m), f"{i * step_m:g} m") for i in range(1, along + 1)]
    labels += [(QVector3D(i * step_m, along * step_m, floor_m), f"{i * step_m:g}") for i in range(-across, across)]
    ends = zip("xyz", _axis_ends(step_m).values(), strict=True)
    labels += [(QVector3D(*end), name) for name, end in ends]
    return [grid, *_axes(step_m)], labels


def _axis_ends(length_m: float) -> dict[str, tuple[float, float, float]]:
    """Of the left camera, by theme colour: x right, y down, z forward."""
    return {"bad": (length_m, 0.0, 0.0), "good": (0.0, 0.0, -length_m), "mask_border": (0.0, length_m, 0.0)}


def _axes(length_m: float) -> list[gl.GLGraphicsItem]:
    return [
        gl.GLLinePlotItem(
            pos=np.array([(0, 0, 0), end], np.float32), color=theme().color(token), width=2.5, glOptions="opaque"
        )
        for token, end in _axis_ends(length_m).items()
    ]
