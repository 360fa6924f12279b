"""Two calibrations against each other: a map of how many px they differ, and words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QComboBox, QWidget

from depthstudio.calibration.compare import Comparison, compare
from depthstudio.geometry import StereoCalibration
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import NewestAnswer, TaskContext
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import column, field, label, row
from depthstudio.gui.widgets.color_bar import ColorBar
from depthstudio.gui.widgets.facts import Facts
from depthstudio.gui.widgets.image_view import ImageView
from depthstudio.gui.widgets.status import VerdictLabel

Read = Callable[[], StereoCalibration]


class CompareView(QWidget):
    """Choose two of: what was solved just now, what is in use, what the source knows, files of the workspace."""

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self._studio = studio
        self._solved: StereoCalibration | None = None
        self._reads: dict[str, Read] = {}
        self._comparing = NewestAnswer(studio.tasks)
        self.verdict = VerdictLabel()
        self.first, self.second = (
            field(QComboBox(), name, "Seen from the first, how far off is the second?") for name in ("First", "Second")
        )
        for box in (self.first, self.second):
            box.setMinimumWidth(200)
            box.activated.connect(self.compare)
        self.map = ImageView("Difference over the left image, px", "Choose two calibrations")
        self.map.set_colormap("viridis")
        self.bar = ColorBar("px", digits=2)
        self.bar.set_colormap("viridis")
        self.map.range_changed.connect(self.bar.set_range)
        self.map.hovered.connect(self._on_hovered)
        self.numbers = Facts("Differences")
        self.numbers.setFixedWidth(240)
        picture = row(self.map, self.bar, column(self.numbers, 1), spacing=GRID_PX)
        picture.setStretch(0, 1)
        choice = row(label("Compare", "small"), self.first, label("with", "small"), self.second, 1)
        layout = column(choice, self.verdict, picture)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        studio.library_changed.connect(self.refresh)
        studio.calibration_changed.connect(self.refresh)

    def set_solved(self, calibration: StereoCalibration | None) -> None:
        """The result of the last solve, to be among the choices."""
        self._solved = calibration
        self.refresh()

    def refresh(self) -> None:
        """List what can be compared; compares when it is visible."""
        chosen = [box.currentText() for box in (self.first, self.second)]
        self._reads = self._choices()
        names = list(self._reads)
        for box, before, fallback in zip((self.first, self.second), chosen, (0, 1), strict=True):
            box.clear()
            box.addItems(names)
            found = names.index(before) if before in names else min(fallback, len(names) - 1)
            if box is self.second and found == self.first.currentIndex() and len(names) > 1:
                found = (found + 1) % len(names)
            box.setCurrentIndex(found)
        if self.isVisible():
            self.compare()

    def compare(self) -> None:
        """Compare the two chosen, in the background."""
        first, second = (self._reads.get(box.currentText()) for box in (self.first, self.second))
        if first is None or second is None or len(self._reads) < 2:
            self._show_nothing("Nothing to compare yet", "It takes two calibrations: solve one, or load a file.")
            return

        def work(_: TaskContext) -> Comparison:
            return compare(first(), second())

        self._comparing.run(work, "Compare calibrations", self._show, self._on_failed)

    def _choices(self) -> dict[str, Read]:
        found: dict[str, Read] = {}
        if self._solved is not None:
            found["Solved just now"] = partial(_same, self._solved)
        active = self._studio.calibration
        if active is not None:
            found[f"In use: {active.name}"] = partial(_same, active.calibration)
        own = self._studio.sources.calibration
        if own is not None:
            found["The source's own"] = partial(_same, own)
        for path in self._studio.calibration_files():
            found[path.stem] = partial(_load, path)
        return found

    def _show(self, found: Comparison) -> None:
        word, _, reason = found.verdict.partition(":")
        tone = "good" if found.mean_px < 0.1 else "warning" if found.mean_px < 0.5 else "bad"
        self.verdict.set_verdict(word.rstrip("."), reason.strip(), tone)
        self.map.set_range((0.0, max(found.max_px, 0.05)))
        self.bar.set_range(0.0, max(found.max_px, 0.05))
        self.map.set_map(found.difference_px)
        self.numbers.set_facts(
            [
                ("Mean", f"{found.mean_px:.3f} px"),
                ("Largest", f"{found.max_px:.3f} px"),
                ("Baseline", f"{found.baseline_mm:+.2f} mm"),
                ("Focal length", f"{found.focal_percent:+.2f} %"),
                ("Turned by", f"{found.rotation_deg:.3f}°"),
                *((f"Depth at {z:g} m", f"{mm:+.1f} mm") for z, mm in found.depth_mm.items()),
            ]
        )

    def _on_failed(self, error: BaseException) -> None:
        self._show_nothing("They cannot be compared", str(error))

    def _show_nothing(self, word: str, reason: str) -> None:
        self.verdict.set_verdict(word, reason)
        self.map.set_map(None)
        self.numbers.set_facts([])

    def _on_hovered(self, _x: int, _y: int, value: object) -> None:
        shown = isinstance(value, float) or hasattr(value, "item")
        self.map.set_readout(f"{value:.2f} px" if shown else "")


def _same(calibration: StereoCalibration) -> StereoCalibration:
    return calibration


def _load(path: Path) -> StereoCalibration:
    return StereoCalibration.load(path)
