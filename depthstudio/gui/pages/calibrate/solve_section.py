"""How to solve: lens model, refinement, and which intrinsics to keep."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QComboBox

from depthstudio.calibration import SolveOptions
from depthstudio.calibration.lens_kinds import LENS_CHOICES, LENS_TITLES
from depthstudio.geometry import StereoCalibration
from depthstudio.gui.widgets.basics import Section, field, label

_REFINE = {"When it helps": None, "Never": False, "Always": True}


class SolveSection(Section):
    """Folded until somebody wants it: the defaults are right for most."""

    def __init__(self) -> None:
        super().__init__("Solving", foldable=True, folded=True)
        self.lens = field(
            QComboBox(), "Lens model", "Automatic takes the simplest that predicts views left out as well."
        )
        for choice in LENS_CHOICES:
            self.lens.addItem(LENS_TITLES[choice], choice)
        self.refine = field(
            QComboBox(), "Refine together", "Both cameras' intrinsics and their pose in one adjustment."
        )
        self.refine.addItems(list(_REFINE))
        self.fix_left = QCheckBox("Keep the left camera's own intrinsics")
        self.fix_right = QCheckBox("Keep the right camera's own intrinsics")
        self._own: StereoCalibration | None = None
        self.add(label("Lens model", "small"))
        self.add(self.lens)
        self.add(label("Refine both together", "small"))
        self.add(self.refine)
        self.add(self.fix_left)
        self.add(self.fix_right)
        self.set_factory(None)

    def set_factory(self, own: StereoCalibration | None) -> None:
        """What the open source knows of its cameras."""
        self._own = own
        for box in (self.fix_left, self.fix_right):
            box.setEnabled(own is not None)
            box.setToolTip("From the factory." if own is not None else "The source does not know its own cameras.")
            if own is None:
                box.setChecked(False)

    def options(self) -> SolveOptions:
        """As set."""
        return SolveOptions(
            lens=self.lens.currentData(),
            refine=_REFINE[self.refine.currentText()],
            factory=self._own,
            fix_left=self.fix_left.isChecked(),
            fix_right=self.fix_right.isChecked(),
        )
