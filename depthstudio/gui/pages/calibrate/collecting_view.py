"""What is seen while views are collected: what to do, both pictures, and the views taken so far."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from depthstudio.calibration import CollectedView, Offer, ViewCollector
from depthstudio.frames import StereoFrame
from depthstudio.gui.pages.calibrate.board_pair import BoardPair
from depthstudio.gui.pages.calibrate.report import SolvedCalibration
from depthstudio.gui.widgets.basics import button, column, label, row
from depthstudio.gui.widgets.view_strip import StripItem, ViewStrip

_UPRIGHT_BELOW_DEG = 5


class CollectingView(QWidget):
    """removed(name), chosen(name) of a view in the strip; back_requested(): no view is to be inspected any more."""

    removed = Signal(str)
    chosen = Signal(str)
    back_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.pair = BoardPair()
        self.instruction = label("", "instruction", wrap=True)
        self.reason = label("", "muted")
        self.strip = ViewStrip()
        self.strip.removed.connect(self.removed)
        self.strip.chosen.connect(self.chosen)
        self.back_button = button("Back to live", self.back_requested.emit, "undo-2", "link", "Leave the view (Esc)")
        policy = self.back_button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # so that the pictures do not jump
        self.back_button.setSizePolicy(policy)
        self.back_button.hide()
        layout = column(self.instruction, row(self.reason, 1, self.back_button), self.pair, self.strip)
        layout.setStretch(2, 1)
        self.setLayout(layout)

    def show_seen(self, frame: StereoFrame, offer: Offer, collector: ViewCollector, note: str) -> None:
        """A live frame and what became of it."""
        self.pair.set_note(note)
        self.pair.show_frame(frame, collector.board, offer)
        self.reason.setText(offer.reason[:1].upper() + offer.reason[1:])

    def show_views(
        self, collector: ViewCollector, solved: SolvedCalibration | None, inspected: str, shaded: bool
    ) -> None:
        """The strip with the views taken, and the next instruction. shaded: where the board was seen."""
        self.instruction.setText(collector.instruction)
        errors_px = solved.solution.per_view_errors_px if solved is not None else {}
        left_out = solved.solution.outliers if solved is not None else ()
        items = []
        for one in collector.collected:
            name = one.view.name
            caption = f"{name}  {errors_px[name]:.2f} px" if name in errors_px else name
            items.append(StripItem(name, caption, one.left, "bad" if name in left_out else ""))
        self.strip.set_items(items)
        self.strip.select(inspected)
        shows = shaded and bool(collector.collected) and not inspected
        self.pair.show_coverage(collector.coverage_counts() if shows else None)

    def inspect(self, one: CollectedView, collector: ViewCollector) -> None:
        """A view that was taken, large."""
        self.pair.show_coverage(None)
        self.pair.show_view(one, collector.board)
        pose, count = one.pose, len(one.view.left_corners)
        tilted = pose.tilt_deg >= _UPRIGHT_BELOW_DEG
        tilt = f"tilted by {pose.tilt_deg:.0f}°, its {pose.tilt_sector} nearest" if tilted else "upright"
        self.reason.setText(f"View {one.view.name}: {count} {collector.board.point_name}, {tilt}")
        self.strip.select(one.view.name)
