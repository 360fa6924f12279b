"""The pictures of a frame: left and right on top, depth and colour below, or one of them large."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from depthstudio.errors import CalibrationError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration
from depthstudio.gui.pages.capture.cue import Cue
from depthstudio.gui.pages.capture.overlays import Lines, clipped_tint, epipolar_lines
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import row
from depthstudio.gui.widgets.color_bar import ColorBar
from depthstudio.gui.widgets.image_view import ImageView, Overlay

_NAMES = {"left": "Left", "right": "Right", "depth": "Depth", "color": "Colour"}


class FrameGrid(QWidget):
    """Shows what a frame has; a double click enlarges a picture and brings the others back."""

    def __init__(self) -> None:
        super().__init__()
        self.views = {key: ImageView(text) for key, text in _NAMES.items()}
        self.color_bar = ColorBar("m", 0.001, 2)
        self._present: tuple[str, ...] = ("left", "right", "depth")
        self._large = ""
        self._last: StereoFrame | None = None
        self._hovered: tuple[str, int, int] | None = None
        self._show_clipping = False
        self._grid = QGridLayout()
        self._grid.setSpacing(GRID_PX)
        layout = row(self._grid, self.color_bar, spacing=GRID_PX)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        self.cue = Cue(self)
        for key, view in self.views.items():
            view.double_clicked.connect(lambda key=key: self.enlarge("" if self._large == key else key))
            view.hovered.connect(lambda x, y, _, key=key: self._on_hover(key, x, y))
        self.views["depth"].range_changed.connect(self.color_bar.set_range)
        self._arrange()

    @property
    def is_empty(self) -> bool:
        """True while there is no frame."""
        return self._last is None

    def show_frame(self, frame: StereoFrame) -> None:
        """Show the newest frame; pictures that are hidden cost nothing."""
        self._last = frame
        images = {"left": frame.left, "right": frame.right, "color": frame.color}
        has = {**{key: image is not None for key, image in images.items()}, "depth": frame.depth_mm is not None}
        present = tuple(key for key in _NAMES if has[key])
        if present != self._present:
            self._present = present
            self._arrange()
        for key, image in images.items():
            if image is not None and self.views[key].isVisible():
                self.views[key].set_image(image)
                if self._show_clipping:
                    self.views[key].set_tint(clipped_tint(image))
        if frame.depth_mm is not None and self.views["depth"].isVisible():
            self.views["depth"].set_map(frame.depth_mm)
        if self._hovered is not None:
            self._show_hover(*self._hovered)

    def clear(self, reason: str) -> None:
        """Show no picture, and why."""
        self._last = None
        for view in self.views.values():
            view.set_placeholder(reason)
            view.set_image(None)

    def enlarge(self, key: str) -> None:
        """Show one picture alone, or all of them for an empty key."""
        self._large = key
        self._arrange()
        if self._last is not None:
            self.show_frame(self._last)

    def set_epipolar(self, calibration: StereoCalibration | None) -> str:
        """Draw the lines of a calibration over left and right, or none; returns why they cannot be drawn."""
        lines: tuple[Lines, Lines] = ([], [])
        problem = ""
        if calibration is not None and self._last is not None:
            try:
                lines = epipolar_lines(calibration, self._last.size)
            except CalibrationError as error:
                problem = str(error)
        for key, side in zip(("left", "right"), lines, strict=True):
            self.views[key].set_overlays([Overlay(lines=side)] if side else [])
        return problem

    def set_clipping(self, shown: bool) -> None:
        """Colour saturated and black pixels."""
        self._show_clipping = shown
        for view in self.views.values():
            view.set_tint(None)
        if self._last is not None:
            self.show_frame(self._last)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The cue covers everything."""
        super().resizeEvent(event)
        self.cue.setGeometry(self.rect())

    def _arrange(self) -> None:
        for view in self.views.values():
            self._grid.removeWidget(view)
            view.hide()
        shown = [self._large] if self._large in self._present else list(self._present)
        for line in range(2):
            keys = shown[2 * line : 2 * line + 2]
            self._grid.setRowStretch(line, 1 if keys else 0)
            for place, key in enumerate(keys):
                self._grid.addWidget(self.views[key], line, place, 1, 2 if len(keys) == 1 else 1)
                self.views[key].show()
        self.color_bar.setVisible("depth" in shown)
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 1 if len(shown) > 1 else 0)

    def _on_hover(self, key: str, x: int, y: int) -> None:
        self._hovered = (key, x, y) if x >= 0 else None
        if self._hovered is None:
            self.views[key].set_readout("")
            self.color_bar.set_mark(None)
        else:
            self._show_hover(key, x, y)

    def _show_hover(self, key: str, x: int, y: int) -> None:
        """Position, grey value or colour, and the depth, which lies in the left picture's pixels."""
        value = self.views[key].value_at(x, y)
        if value is None:
            self.views[key].set_readout("")
            return
        words = [f"x {x}  y {y}"]
        if key != "depth":
            words.append(f"RGB {' '.join(map(str, value))}" if isinstance(value, tuple) else f"grey {value}")
        depth = self.views["depth"].value_at(x, y) if key in ("left", "depth") else None
        if isinstance(depth, int):
            words.append(f"{depth / 1000:.3f} m" if depth else "no depth")
            self.color_bar.set_mark(float(depth) if depth else None)
        self.views[key].set_readout("   ".join(words))
