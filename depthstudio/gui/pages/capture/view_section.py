"""Exposure and rectification at a glance: histogram, clipped pixels, epipolar lines."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox

from depthstudio.frames import StereoFrame
from depthstudio.gui.pages.capture.frame_grid import FrameGrid
from depthstudio.gui.pages.capture.level_histogram import LevelHistogram
from depthstudio.gui.studio import Studio
from depthstudio.gui.widgets.basics import Section

_EPIPOLAR_TIP = "The same point of the scene must lie on the same line in left and right."


class ViewSection(Section):
    """What is drawn over the pictures of `grid`; folded it costs nothing."""

    def __init__(self, studio: Studio, grid: FrameGrid) -> None:
        super().__init__("Exposure and rectification", foldable=True, folded=True)
        self._studio = studio
        self._grid = grid
        self.levels = LevelHistogram()
        self.clipping = QCheckBox("Colour saturated and black pixels")
        self.clipping.toggled.connect(grid.set_clipping)
        self.epipolar = QCheckBox("Epipolar lines")
        self.epipolar.toggled.connect(self._draw_lines)
        for box in (self.clipping, self.epipolar):
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # after a click Space records, as before it
        for item in (self.levels, self.clipping, self.epipolar):
            self.add(item)
        studio.calibration_changed.connect(self._draw_lines)
        self._draw_lines()

    def show_frame(self, frame: StereoFrame, is_first: bool) -> None:
        """Follow the newest frame. is_first: of a source; its size may be another one."""
        if is_first:
            self._draw_lines()
        if not self.is_folded:
            self.levels.show_frame(frame)

    def _draw_lines(self, *_: object) -> None:
        active = self._studio.calibration
        wanted = active.calibration if active is not None and self.epipolar.isChecked() else None
        problem = self._grid.set_epipolar(wanted)
        self.epipolar.setEnabled(active is not None)
        self.epipolar.setToolTip(problem or (_EPIPOLAR_TIP if active is not None else "There is no calibration."))
