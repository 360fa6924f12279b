"""The pictures of a frame: left and right on top, depth and colour below, or one of them large."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QWidget

from depthstudio.frames import StereoFrame
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import row
from depthstudio.gui.widgets.color_bar import ColorBar
from depthstudio.gui.widgets.image_view import ImageView

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
        self._grid = QGridLayout()
        self._grid.setSpacing(GRID_PX)
        layout = row(self._grid, self.color_bar, spacing=GRID_PX)
        layout.setStretch(0, 1)
        self.setLayout(layout)
        for key, view in self.views.items():
            view.double_clicked.connect(lambda key=key: self.enlarge("" if self._large == key else key))
            view.hovered.connect(lambda x, y, value, key=key: self._show_hover(key, x, y, value))
        self.views["depth"].range_changed.connect(self.color_bar.set_range)
        self._arrange()

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
        if frame.depth_mm is not None and self.views["depth"].isVisible():
            self.views["depth"].set_map(frame.depth_mm)

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

    def _show_hover(self, key: str, x: int, y: int, value: object) -> None:
        view = self.views[key]
        if value is None:
            view.set_readout("")
        elif key == "depth" and isinstance(value, int):
            view.set_readout(f"x {x}  y {y}  " + (f"{value / 1000:.3f} m" if value else "no depth"))
        else:
            words = " ".join(str(v) for v in value) if isinstance(value, tuple) else str(value)
            view.set_readout(f"x {x}  y {y}  {words}")
        if key == "depth":
            self.color_bar.set_mark(float(value) if isinstance(value, int) and value else None)
