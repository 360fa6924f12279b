"""The curves of a run: loss, EPE, learning rate and gradient norm over the epochs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import nan

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtGui import QColor, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsPathItem, QWidget

from depthstudio.gui.pages.train.distance_plot import DistancePlot
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.theme import GRID_PX, theme
from depthstudio.gui.widgets.basics import column, row
from depthstudio.gui.widgets.curve_plot import CurvePlot
from depthstudio.training.events import EpochDone, StepDone

_MAX_FAINT_POINTS = 400
_TURN_MS = 30  # between two plots of a run that grows: drawing all at once holds up the window
_GAP_ALPHA = 38
_TICKS = (1, 2, 5, 10, 20, 50, 100, 200)
_MOST_TICKS = 8  # intervals: more labels run into each other in the small plots
_MIN_EXTENT = 4.0


class TrainingPlot(CurvePlot):
    """A CurvePlot over epochs: whole numbers on the axis, an optional shaded gap and vertical marks."""

    _gap: tuple[list[float], list[float], list[float]] = ([], [], [])
    _extent = 0.0
    _level: float | None = None
    _level_line: pg.InfiniteLine | None = None
    _shade: QGraphicsPathItem | None = None

    def __init__(self, title: str, curves: dict[str, str], unit: str = "", log: bool = False) -> None:
        super().__init__(title, curves, "", unit, log)
        self._marks: list[pg.InfiniteLine] = []
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setMinimumHeight(72)
        self._shade = QGraphicsPathItem()
        self._shade.setZValue(-10)
        self._shade.setPen(QPen(Qt.PenStyle.NoPen))
        self.plot.addItem(self._shade, ignoreBounds=True)
        self._level_line = pg.InfiniteLine(angle=0, movable=False)
        self._level_line.setVisible(False)
        self.plot.addItem(self._level_line, ignoreBounds=True)
        self._compared = {name: self.plot.plot([], []) for name in curves}
        theme().changed.connect(self._restyle_extras)
        self._restyle_extras()
        self.set_extent(0.0)

    def set_gap(self, x: Sequence[float], low: Sequence[float], high: Sequence[float]) -> None:
        """Shade what lies between two curves."""
        gap = (list(x), list(low), list(high))
        if gap != self._gap:
            self._gap = gap
            self._draw_gap()

    def set_compared(self, name: str, x: Sequence[float], y: Sequence[float]) -> None:
        """The same curve of another run, dashed."""
        self._compared[name].setData(np.asarray(x, float), np.asarray(y, float))

    def set_level(self, value: float | None) -> None:
        """A dotted horizontal line, e.g. the longest gradient allowed; None removes it."""
        if value != self._level:
            self._level = value
            self._draw_level()

    def set_marks(self, epochs: Sequence[float]) -> None:
        """Dotted vertical lines, e.g. where the learning rate fell."""
        if list(epochs) == [line.value() for line in self._marks if line.isVisible()]:
            return
        while len(self._marks) < len(epochs):
            line = pg.InfiniteLine(angle=90, movable=False)
            self._marks.append(line)
            self.plot.addItem(line, ignoreBounds=True)
        for i, line in enumerate(self._marks):
            line.setVisible(i < len(epochs))
            if i < len(epochs):
                line.setValue(epochs[i])
        self._restyle_extras()

    def values(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The points of a curve as drawn: epochs and values."""
        return self._data[name]

    def set_extent(self, last_epoch: float) -> None:
        """Show epochs 0 to this one."""
        extent = max(last_epoch, _MIN_EXTENT)
        if extent == self._extent:
            return
        self._extent = extent
        self._show_range()
        step = next((tick for tick in _TICKS if extent / tick <= _MOST_TICKS), _TICKS[-1])
        self.plot.getAxis("bottom").setTickSpacing(step, step)

    def _show_range(self) -> None:
        if self._extent:
            self.plot.setXRange(0, self._extent, padding=0.04)

    def _set_log(self, log: bool) -> None:
        super()._set_log(log)
        self._draw_gap()
        self._draw_level()
        self._show_range()

    def _draw_level(self) -> None:
        if self._level_line is None:
            return
        drawable = self._level is not None and (self._level > 0 or not self._log)
        self._level_line.setVisible(drawable)
        if self._level is not None and drawable:
            self._level_line.setValue(float(np.log10(self._level)) if self._log else self._level)

    def _draw_gap(self) -> None:
        """pyqtgraph's own FillBetweenItem loses everything after the first crossing."""
        if self._shade is None:
            return
        path = QPainterPath()
        path.setFillRule(Qt.FillRule.WindingFill)
        x, low, high = (np.asarray(values, float) for values in self._gap)
        if len(x) > 1 and not (self._log and min(low.min(), high.min()) <= 0):
            low, high = (np.log10(low), np.log10(high)) if self._log else (low, high)
            outline = [*zip(x, low, strict=True), *zip(x[::-1], high[::-1], strict=True)]
            path.addPolygon(QPolygonF([QPointF(*point) for point in outline]))
        self._shade.setPath(path)

    def _restyle_extras(self) -> None:
        colour = QColor(theme().color("validation"))
        colour.setAlpha(_GAP_ALPHA)
        if self._shade is not None:
            self._shade.setBrush(colour)
        if self._level_line is not None:
            self._level_line.setPen(pg.mkPen(theme().color("warning"), width=1, style=Qt.PenStyle.DotLine))
        for name, curve in self._compared.items():
            curve.setPen(pg.mkPen(theme().color(self._tokens[name]), width=1.2, style=Qt.PenStyle.DashLine))
        for line in self._marks:
            line.setPen(pg.mkPen(theme().color("warning"), width=1, style=Qt.PenStyle.DotLine))


class CurvesView(QWidget):
    """Four plots of one run that share their epochs, and its error by distance."""

    def __init__(self) -> None:
        super().__init__()
        self._reached = self._compared_to = 0.0
        self._story: RunStory | None = None
        self._waiting: deque[Callable[[RunStory], None]] = deque()
        self._turns = QTimer(self, interval=_TURN_MS)
        self._turns.timeout.connect(self._take_turn)
        sides = {"train": "train", "validation": "validation"}
        self.loss = TrainingPlot("Loss", sides)
        self.epe = TrainingPlot("EPE", sides, "px")
        self.rate = TrainingPlot("Learning rate", {"rate": "text_muted"}, log=True)
        self.gradient = TrainingPlot("Gradient norm", {"norm": "train"}, log=True)
        self.rate.plot.getPlotItem().vb.setLimits(minYRange=1.0)  # a decade, or a constant has no labelled tick
        self.gradient.plot.getPlotItem().vb.setLimits(minYRange=0.8)
        for plot in (self.loss, self.epe):  # those below share the axis
            plot.plot.setLabel("bottom", "epoch")
        self.plots = (self.loss, self.epe, self.rate, self.gradient)
        self.distance = DistancePlot()
        upper = row(self.loss, self.epe, spacing=2 * GRID_PX)
        lower = row(self.rate, self.gradient, self.distance, spacing=2 * GRID_PX)
        for place in range(3):
            lower.setStretch(place, 1)
        layout = column(upper, lower, spacing=GRID_PX)
        layout.setStretch(0, 5)
        layout.setStretch(1, 3)
        self.setLayout(layout)

    def show_story(self, story: RunStory | None) -> None:
        """Draw a run as far as it got; None clears."""
        self._story = story
        self._waiting.clear()
        if story is None:
            for plot in self.plots:
                plot.clear()
                plot.set_gap([], [], [])
                plot.set_marks([])
            self.distance.set_bands((), (), "")
            self._reached = 0.0
            self.show_compared(None)
            return
        for part in self._parts():
            part(story)

    def follow(self, story: RunStory) -> None:
        """Draw what the run on show has done since, one plot after the other; a new call does not start over."""
        self._story = story
        if not self._waiting:
            self._waiting.extend(self._parts())
            self._turns.start()

    def _parts(self) -> tuple[Callable[[RunStory], None], ...]:
        return (
            lambda story: self._show_pair(self.loss, story, "loss"),
            lambda story: self._show_pair(self.epe, story, "epe_px"),
            self._show_rate,
            self._show_gradient,
            self._show_distance,
            self._show_reached,
        )

    def _take_turn(self) -> None:
        if self._story is None or not self._waiting:
            self._turns.stop()
            return
        self._waiting.popleft()(self._story)

    def _show_reached(self, story: RunStory) -> None:
        last = story.steps[-1] if story.steps else None
        self._reached = max(float(story.epoch), _position(last) if last else 0.0)
        self._show_extent()

    def show_compared(self, other: RunStory | None) -> None:
        """Draw another run dashed beside the shown one; None removes it."""
        epochs = other.epochs if other is not None else []
        for plot, what in ((self.loss, "loss"), (self.epe, "epe_px")):
            for side in ("train", "validation"):
                values = [getattr(done, f"{side}_{what}") for done in epochs]
                plot.set_compared(side, [done.epoch for done in epochs], values)
        self._compared_to = float(epochs[-1].epoch) if epochs else 0.0
        self._show_extent()

    def _show_extent(self) -> None:
        for plot in self.plots:
            plot.set_extent(float(np.ceil(max(self._reached, self._compared_to))))

    def _show_pair(self, plot: TrainingPlot, story: RunStory, what: str) -> None:
        epochs = [done.epoch for done in story.epochs]
        train: list[float] = [getattr(done, f"train_{what}") for done in story.epochs]
        validation: list[float] = [getattr(done, f"validation_{what}") for done in story.epochs]
        start = [0] if story.baseline is not None else []
        before = [getattr(story.baseline, f"validation_{what}")] if story.baseline is not None else []
        plot.set_curve("train", epochs, train)
        plot.set_curve("validation", [*start, *epochs], [*before, *validation])
        plot.set_faint("train", *_faint(story.steps, lambda step: getattr(step, what)))
        plot.set_gap(epochs, train, validation)
        plot.set_best(float(story.best_epoch) if epochs else None, "validation")

    def _show_rate(self, story: RunStory) -> None:
        xs: list[float] = []
        ys: list[float] = []
        for done in story.epochs:  # steps, because the rate holds for the whole epoch
            xs += [done.epoch - 1, done.epoch]
            ys += [done.learning_rate] * 2
        if story.steps and story.steps[-1].epoch > story.epoch:
            running = story.steps[-1]
            xs += [running.epoch - 1, _position(running)]
            ys += [running.learning_rate] * 2
        self.rate.set_curve("rate", xs, ys)
        self.rate.set_marks([done.epoch - 1 for done in reductions(story.epochs)])

    def _show_gradient(self, story: RunStory) -> None:
        norms = [nan if done.gradient_norm is None else done.gradient_norm for done in story.epochs]
        self.gradient.set_curve("norm", [done.epoch for done in story.epochs], norms)
        limit = story.settings.clip_norm
        self.gradient.set_level(limit or None)
        self.gradient.plot.setToolTip(f"Gradients longer than {limit:g} (dotted) are shortened." if limit else "")
        self.gradient.set_faint("norm", *_faint(story.steps, lambda step: step.gradient_norm))

    def _show_distance(self, story: RunStory) -> None:
        before = story.baseline.bands if story.baseline is not None else ()
        newest = story.best or (story.epochs[-1] if story.epochs else None)
        words = f"epoch {newest.epoch}" if newest is not None else "now"
        self.distance.set_bands(before, newest.bands if newest is not None else (), words)


def reductions(epochs: Sequence[EpochDone]) -> list[EpochDone]:
    """The epochs that began with a lower learning rate than the one before."""
    return [b for a, b in pairwise(epochs) if b.learning_rate < a.learning_rate * (1 - 1e-6)]


def _position(step: StepDone) -> float:
    return step.epoch - 1 + step.step / step.steps_per_epoch


def _faint(steps: Sequence[StepDone], value: Callable[[StepDone], float | None]) -> tuple[list[float], list[float]]:
    """At most some hundred points of all steps, evenly picked."""
    stride = max(1, len(steps) // _MAX_FAINT_POINTS)
    picked = [(step, value(step)) for step in steps[::stride]]
    return [_position(step) for step, y in picked if y is not None], [y for _, y in picked if y is not None]
