"""One frame of a recording: left picture, label, mask and histogram, with a slider through all frames."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import QGridLayout, QSlider, QWidget

from depthstudio.gui.pages.dataset.mask_view import MaskLegend, MaskView
from depthstudio.gui.pages.dataset.reading import FramePicture
from depthstudio.gui.theme import GRID_PX, theme
from depthstudio.gui.widgets.basics import Segments, button, column, field, icon_button, label, number_label, row
from depthstudio.gui.widgets.color_bar import ColorBar
from depthstudio.gui.widgets.histogram import Histogram
from depthstudio.gui.widgets.image_view import ImageView

_PLAY_INTERVAL_MS = 100
_UNITS = {"disparity": ("px", 1), "depth": ("m", 2)}


class FrameViewer(QWidget):
    """Four tiles and the way through the frames. position_changed(int) from 0; mark_toggled() for the frame shown."""

    position_changed = Signal(int)
    mark_toggled = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.picture: FramePicture | None = None
        self._excluded: frozenset[int] = frozenset()
        self._large: QWidget | None = None
        self._unit = "disparity"
        self._build_tiles()
        self._build_line()
        layout = column(self._grid, self._line)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self._show_label()
        self.set_frames(0, frozenset())

    def _build_tiles(self) -> None:
        self.left, self.label, self.mask_view = ImageView("Left"), ImageView("Label"), MaskView()
        self.color_bar = ColorBar("px", 1.0, 1)
        self.legend = MaskLegend()
        self.advice = label("", "small", wrap=True, tone="warning")
        self.histogram = Histogram("Disparity", ("measured", "used"))
        labelled = QWidget()
        line = row(self.label, self.color_bar)
        line.setStretch(0, 1)
        labelled.setLayout(line)
        numbers = QWidget()
        stack = column(self.legend, self.advice, self.histogram)
        stack.setStretch(2, 1)
        numbers.setLayout(stack)
        self._grid = QGridLayout()
        self._grid.setSpacing(GRID_PX)
        self._tiles: tuple[QWidget, ...] = (self.left, labelled, self.mask_view, numbers)
        for place, tile in enumerate(self._tiles):
            self._grid.addWidget(tile, place // 2, place % 2)
        for view, tile in ((self.left, self._tiles[0]), (self.label, self._tiles[1]), (self.mask_view, self._tiles[2])):
            view.double_clicked.connect(lambda tile=tile: self.enlarge(tile))
        for place in range(2):
            self._grid.setColumnStretch(place, 1)
            self._grid.setRowStretch(place, 1)
            self._grid.setColumnMinimumWidth(place, 120)
        self.left.hovered.connect(self._on_left_hover)
        self.label.hovered.connect(self._on_label_hover)
        self.label.range_changed.connect(self.color_bar.set_range)

    def _build_line(self) -> None:
        self.slider = field(QSlider(Qt.Orientation.Horizontal), "Frame", "Arrow keys go from frame to frame.")
        self.slider.valueChanged.connect(self._on_slider)
        self.number = number_label("", "muted")
        self.number.setMinimumWidth(96)
        self.number.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.mark_button = button("Mark out", self.mark_toggled.emit, "eye-off", tip="Not to be learnt from (X)")
        self.mark_button.setMinimumWidth(108)
        self.unit = Segments({"disparity": "Disparity", "depth": "Depth"})
        self.unit.setFixedWidth(176)
        self.unit.chosen.connect(self._choose_unit)
        back = icon_button("chevron-left", "Frame before (left arrow)", lambda: self.step(-1))
        on = icon_button("chevron-right", "Next frame (right arrow)", lambda: self.step(1))
        self.play_button = icon_button("play", "Play (Space)", self.toggle_play)
        self._line = row(self.play_button, back, self.slider, on, self.number, self.mark_button, self.unit)
        self._line.setStretch(2, 1)
        self._playing = False
        self._next = QTimer(self, singleShot=True, interval=_PLAY_INTERVAL_MS)
        self._next.timeout.connect(lambda: self.step(1))

    # ---- what is shown

    @property
    def position(self) -> int:
        """The frame chosen, from 0."""
        return self.slider.value()

    def set_frames(self, count: int, excluded: frozenset[int]) -> None:
        """How many frames there are and which are marked out; the place stays when it still exists."""
        self._excluded = excluded
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(0, count - 1))
            self.slider.setPageStep(max(1, count // 10))
        self.slider.setEnabled(count > 1)
        self.mark_button.setEnabled(count > 0)
        self._show_number()

    def go_to(self, position: int) -> None:
        """Choose a frame without telling."""
        with QSignalBlocker(self.slider):
            self.slider.setValue(position)
        self._show_number()

    def step(self, by: int) -> None:
        """Some frames on or back."""
        self.slider.setValue(self.position + by)

    def toggle_play(self) -> None:
        """Go through the frames by itself, from the start again when at the end; or stop."""
        if not self._playing and self.position == self.slider.maximum():
            self.slider.setValue(0)
        self.set_playing(not self._playing)
        self.play_on()

    def set_playing(self, playing: bool) -> None:
        """Play or stand still."""
        self._playing = playing and self.slider.maximum() > 0
        if not self._playing:
            self._next.stop()
        theme().set_icon(self.play_button, "pause" if self._playing else "play", "text_muted", 16)
        self.play_button.setAccessibleName("Stop playing" if self._playing else "Play")

    def play_on(self) -> None:
        """Called when a frame is shown: the next one follows when playing, at ten a second at most."""
        if not self._playing:
            return
        if self.position < self.slider.maximum():
            self._next.start()
        else:
            self.set_playing(False)

    @property
    def is_playing(self) -> bool:
        """True while frames follow each other by themselves."""
        return self._playing

    def set_picture(self, picture: FramePicture | None) -> None:
        """Show a frame; None shows empty tiles."""
        self.picture = picture
        self.left.set_image(picture.left if picture is not None else None)
        self.left.set_caption("Left" if picture is None or picture.rules is not None else "Left, as recorded")
        self.mask_view.set_picture(picture)
        statistics = picture.statistics if picture is not None else None
        self.legend.set_statistics(statistics)
        self.advice.setText(statistics.warning if statistics is not None else "")
        self.advice.setVisible(bool(self.advice.text()))
        self._show_label()

    def set_placeholder(self, text: str) -> None:
        """What is said while there is no picture."""
        for view in (self.left, self.label, self.mask_view):
            view.set_placeholder(text)

    def enlarge(self, tile: QWidget | None) -> None:
        """One tile alone; again, or None, for all."""
        self._large = None if tile is self._large else tile
        for other in self._tiles:
            other.setVisible(self._large is None or other is self._large)
        place = self._tiles.index(self._large) if self._large is not None else -1
        for i in range(2):
            self._grid.setRowStretch(i, 1 if place < 0 or place // 2 == i else 0)
            self._grid.setColumnStretch(i, 1 if place < 0 or place % 2 == i else 0)
            self._grid.setColumnMinimumWidth(i, 120 if place < 0 or place % 2 == i else 0)

    @property
    def shown_unit(self) -> str:
        """What was asked for; depth where disparity is unknown for want of a calibration."""
        picture = self.picture
        is_raw = picture is not None and picture.disparity_px is None and picture.depth_m is not None
        return "depth" if is_raw else self._unit

    def _choose_unit(self, unit: str) -> None:
        self._unit = unit
        self._show_label()

    def _show_label(self) -> None:
        unit, picture = self.shown_unit, self.picture
        self.color_bar.set_unit(_UNITS[unit][0], 1.0, _UNITS[unit][1])
        words = unit.capitalize()
        values = None
        if picture is not None:
            values = picture.disparity_px if unit == "disparity" else picture.depth_m
            self.label.set_placeholder("This frame has no depth")
        self.unit.set_current(unit)
        self.unit.set_choice_enabled("disparity", unit == self._unit)
        self.unit.setToolTip("" if unit == self._unit else "Disparity takes a calibration.")
        self.histogram.setVisible(picture is None or values is not None)
        self.label.set_caption(f"Label: {unit}")
        self.label.set_range(None)  # a new frame has a range of its own at once, nothing flickers as in live pictures
        self.label.set_map(values)
        self.histogram.set_title(f"{words} of the label", f"{unit}, {_UNITS[unit][0]}")
        rules = picture.rules if picture is not None else None
        self.histogram.set_values(values, rules == 0 if rules is not None else None)

    def _show_number(self) -> None:
        count = self.slider.maximum() + 1 if self.mark_button.isEnabled() else 0
        out = self.position in self._excluded
        self.number.setText(f"{self.position + 1} of {count}" if count else "no frames")
        self.mark_button.setText("Take back" if out else "Mark out")
        self.left.set_readout("Marked out: nothing is learnt from this frame" if out else "")

    # ---- reacting

    def _on_slider(self, position: int) -> None:
        self._show_number()
        self.position_changed.emit(position)

    def _on_left_hover(self, x: int, y: int, value: object) -> None:
        if value is None:
            self._show_number()
            return
        words = " ".join(str(v) for v in value) if isinstance(value, tuple) else str(value)
        self.left.set_readout(f"x {x}  y {y}  {words}")

    def _on_label_hover(self, x: int, y: int, value: object) -> None:
        if not isinstance(value, float):
            self.label.set_readout("")
            self.color_bar.set_mark(None)
            return
        unit, digits = _UNITS[self.shown_unit]
        known = value > 0
        self.label.set_readout(f"x {x}  y {y}  " + (f"{value:.{digits + 1}f} {unit}" if known else "no label"))
        self.color_bar.set_mark(value if known else None)
