"""The classic before/after table, filled in with a run."""

from __future__ import annotations

from math import isfinite

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.theme import GRID_PX
from depthstudio.gui.widgets.basics import clear_layout, label, number_label

Row = tuple[str, str, str, str, str]  # measure, before, after, target, tone of "after"

_GAP_TARGET, _EPE_TARGET_PX = 3.0, 15.0


class ResultTable(QWidget):
    """Measure, before, after, target; the classic recipe's targets."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Before and after")
        self.rows: list[Row] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GRID_PX)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(0, 1)

    def show_story(self, story: RunStory) -> None:
        """Fill it in; hidden while there is nothing to compare."""
        rows = result_rows(story)
        self.setVisible(bool(rows))
        if rows == self.rows:
            return
        self.rows = rows
        clear_layout(self._grid)
        heads = (("", "small"), ("Before", "small"), ("After", "small"), ("Target", "small"))
        for column, (words, role) in enumerate(heads):
            head = label(words, role)
            head.setAlignment(Qt.AlignmentFlag.AlignRight)
            self._grid.addWidget(head, 0, column)
        for line, (measure, before, after, target, tone) in enumerate(rows, start=1):
            self._grid.addWidget(label(measure, "muted"), line, 0)
            for column, words in ((1, before), (2, after), (3, target)):
                number = number_label(words, "muted" if column == 3 else "")
                number.setAlignment(Qt.AlignmentFlag.AlignRight)
                number.setAccessibleName(f"{measure} {heads[column][0]} {words}")
                if column == 2:
                    number.setProperty("tone", tone)
                self._grid.addWidget(number, line, column)


def result_rows(story: RunStory) -> list[Row]:
    """The table as text. Training errors of the network as it came are those of the first epoch, which begins there."""
    best, baseline = story.best, story.baseline
    if best is None or not story.epochs:
        return []
    first = story.epochs[0]
    loss = (first.train_loss, best.train_loss)
    epe = (first.train_epe_px, best.train_epe_px)
    validation_loss = (baseline.validation_loss if baseline else first.validation_loss, best.validation_loss)
    validation_epe = (baseline.validation_epe_px if baseline else first.validation_epe_px, best.validation_epe_px)
    loss_gap, epe_gap = validation_loss[1] - loss[1], validation_epe[1] - epe[1]
    rows = [
        _row("Train loss", loss),
        _row("Validation loss", validation_loss, tone=_better(validation_loss)),
        ("Loss gap", "", f"{loss_gap:+.3g}", f"< {_GAP_TARGET:g}", "warning" if loss_gap >= _GAP_TARGET else "good"),
        _row("Train EPE, px", epe),
        _row(
            "Validation EPE, px",
            validation_epe,
            f"< {_EPE_TARGET_PX:g}",
            _better(validation_epe) if validation_epe[1] < _EPE_TARGET_PX else "warning",
        ),
        ("EPE gap, px", "", f"{epe_gap:+.3g}", f"< {_GAP_TARGET:g}", "warning" if epe_gap >= _GAP_TARGET else "good"),
    ]
    guard = (baseline.guard_epe_px if baseline else None, best.guard_epe_px)
    if guard[0] is not None and guard[1] is not None:
        rows.append(_row("Guard EPE, px", (guard[0], guard[1]), tone=_better((guard[0], guard[1] / 1.1))))
    return rows


def _row(measure: str, values: tuple[float, float], target: str = "", tone: str = "") -> Row:
    before, after = (f"{value:.3g}" if isfinite(value) else "" for value in values)
    return measure, before, after, target, tone


def _better(values: tuple[float, float]) -> str:
    return "good" if values[1] < values[0] else "warning"
