"""The Live page's point cloud: which one, coloured how, cut where."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QSpinBox, QVBoxLayout, QWidget

from depthstudio.frames import FloatMap
from depthstudio.geometry.point_cloud import PointCloud, point_cloud
from depthstudio.gui.colormaps import color_table, colorize, value_range
from depthstudio.gui.pages.live.coloring import Coloring
from depthstudio.gui.pages.live.kinds import METHODS, why_missing
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import column, field, icon_button, label, row
from depthstudio.gui.widgets.opengl import opengl_problem

if TYPE_CHECKING:
    from depthstudio.gui.widgets.cloud_view import CloudView
    from depthstudio.inference.live_result import LiveResult

_METHOD_WIDTH_PX, _EDITOR_WIDTH_PX, _CONFIDENCE_WIDTH_PX = 168, 96, 144
_HINT = "Drag turns, Ctrl and drag moves, the wheel zooms."


@dataclass(frozen=True)
class CloudOptions:
    """method: see kinds.METHODS. by_depth: colours of the distance instead of the picture's. far_m: inf is no limit."""

    method: str = "network"
    by_depth: bool = False
    near_m: float = 0.0
    far_m: float = math.inf
    least_confidence: float = 0.0
    colormap: str = "turbo"


def cloud_of(result: LiveResult, options: CloudOptions, max_points: int | None = None) -> PointCloud | None:
    """The cloud of a result; None without a geometry or when the result does not have the method."""
    holder = result.holding({options.method})
    if holder is None or holder.geometry is None:
        return None
    keep: NDArray[np.bool_] | None = None
    confidence = holder.confidence.get(options.method, holder.prediction.confidence)
    if options.least_confidence > 0 and confidence is not None:
        keep = confidence >= options.least_confidence
    colors = holder.prediction.left_rectified
    if options.by_depth:
        colors = _colors_of_depth(holder.depth_m[options.method], options)
    return point_cloud(
        holder.disparity_px[options.method],
        holder.geometry,
        colors,
        near_m=options.near_m,
        far_m=options.far_m,
        keep=keep,
        max_points=max_points,
    )


def _colors_of_depth(depth_m: FloatMap, options: CloudOptions) -> NDArray[np.uint8]:
    """(H, W, 3) RGB over the range in which nearly all of the points lie that are kept."""
    sample = depth_m[::4, ::4]
    kept = sample[(sample >= options.near_m) & (sample <= options.far_m)]
    low, high = value_range(kept[None]) or (0.0, 1.0) if kept.size else (0.0, 1.0)
    pixels = colorize(depth_m, low, high, color_table(options.colormap))
    return pixels[:, :, 2::-1]


class CloudPane(QWidget):
    """The 3-D view under its options, or why there is none.

    painted(ms), options_changed(), export_requested(): the user wants a file of what is shown.
    """

    painted = Signal(float)
    options_changed = Signal()
    export_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.view: CloudView | None = None
        self._colormap = "turbo"
        self._method = field(QComboBox(), "Points of", "Whose points are shown.")
        for key, words in METHODS.items():
            self._method.addItem(words, key)
        self._method.setFixedWidth(_METHOD_WIDTH_PX)
        self._colors = field(QComboBox(), "Colours", "Colours of the picture, or of the distance.")
        self._colors.addItems(["Picture", "Distance"])
        self._near = _metres("Nearest", "Points nearer than this are cut away.", 0.0)
        self._far = _metres("Farthest", "Points farther than this are cut away; 0 keeps all.", 5.0)
        self._far.setSpecialValueText("no end")
        self._confidence = field(QSpinBox(), "Least confidence", "Points less sure than this are cut away.")
        self._confidence.setRange(0, 99)
        self._confidence.setSuffix(" % sure")
        self._confidence.setSpecialValueText("any confidence")
        self._confidence.setFixedWidth(_CONFIDENCE_WIDTH_PX)
        for editor in (self._colors, self._near, self._far):
            editor.setFixedWidth(_EDITOR_WIDTH_PX)
        self._count = label("", "small")
        reset = icon_button("rotate-ccw", "Look from the camera again", self._reset_view, size_px=16)
        self.export_button = icon_button("download", "Save the points as a .ply file", self.export_requested.emit)
        header = row(self._method, self._colors, self._near, label("to", "muted"), self._far, self._confidence, 1)
        header.addWidget(reset)
        header.addWidget(self.export_button)
        self._message = label("", "muted", wrap=True)
        self._place = QVBoxLayout()
        self._place.addWidget(self._message)
        self._hint = label(_HINT, "small")
        layout = column(header, self._place, row(self._hint, 1, self._count), spacing=GRID_PX)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        for chooser in (self._method, self._colors):
            chooser.currentIndexChanged.connect(self.options_changed)
        for box in (self._near, self._far, self._confidence):
            box.valueChanged.connect(self.options_changed)

    @property
    def method(self) -> str:
        """Whose points are shown; see kinds.METHODS."""
        return str(self._method.currentData())

    @property
    def options(self) -> CloudOptions:
        """What is chosen."""
        return CloudOptions(
            self.method,
            self._colors.currentIndex() == 1,
            self._near.value(),
            self._far.value() or math.inf,
            self._confidence.value() / 100,
            self._colormap,
        )

    def show_result(self, result: LiveResult, coloring: Coloring) -> None:
        """Show a result's points, as many as this machine draws quickly."""
        problem = opengl_problem()
        if problem:
            self.say(f"{problem} The point cloud cannot be shown; it can still be saved as a .ply file.")
            return
        self._colormap = coloring.colormap
        view = self._made_view()
        cloud = cloud_of(result, self.options, view.budget)
        if cloud is None or result.geometry is None:
            self.say(why_missing(result, self.method, "depth", coloring.pair))
            return
        self.say("")
        height, width = result.prediction.disparity_px.shape
        step = max(1, math.ceil(math.sqrt(height * width / view.budget)))
        view.show_cloud(cloud, step / result.geometry.focal_px)
        self._count.setText(f"{len(cloud):,} points".replace(",", " "))

    def forget(self) -> None:
        """Another scene comes."""
        if self.view is not None:
            self.view.forget()

    def _made_view(self) -> CloudView:
        """Made when it is first needed: a window with OpenGL in it is slower to open."""
        if self.view is None:
            from depthstudio.gui.widgets.cloud_view import CloudView

            self.view = CloudView()
            self.view.painted.connect(self.painted)
            self._place.addWidget(self.view, 1)
        return self.view

    def _reset_view(self) -> None:
        if self.view is not None:
            self.view.reset_view()

    def say(self, words: str) -> None:
        """Show words instead of points; the points again when there are none."""
        self._message.setText(words)
        self._message.setVisible(bool(words))
        self._hint.setVisible(not words)
        if words:
            self._count.clear()
        if self.view is not None:
            self.view.setVisible(not words)


def _metres(name: str, tip: str, value: float) -> QDoubleSpinBox:
    box = field(QDoubleSpinBox(), name, tip)
    box.setRange(0.0, 200.0)
    box.setDecimals(1)
    box.setSingleStep(0.5)
    box.setSuffix(" m")
    box.setValue(value)
    box.setKeyboardTracking(False)
    return box
