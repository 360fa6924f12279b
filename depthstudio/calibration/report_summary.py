"""The pages of a calibration's PDF report that hold words and numbers; they flow onto as many as they need."""

from __future__ import annotations

import textwrap
from itertools import zip_longest

from matplotlib.figure import Figure

from depthstudio.calibration.facts import Fact, RectifiedFacts, report_facts
from depthstudio.calibration.solution import CalibrationSolution
from depthstudio.geometry import Rectifier
from depthstudio.geometry.measuring import MATCHING_ERROR_PX

TONES = {"good": "#1a7f4b", "usable": "#9a6700", "poor": "#b3261e"}
_PAGE = (8.27, 11.69)  # A4 portrait, inches
_TOP, _FOOT = 0.95, 0.06
_FAINT = "#5c666e"
_COLUMNS = (0.08, 0.32, 0.56)
_ROW = 0.0165


class _Flow:
    """Writes from top to foot and goes on at the top of the next page. Heights are shares of a page."""

    def __init__(self) -> None:
        self.pages = [Figure(figsize=_PAGE)]
        self._y = _TOP

    def paragraph(self, text: str, size: float = 9, **style: str) -> None:
        """A text over the whole width."""
        for line in textwrap.wrap(text, int(820 / size)):
            self._need(size / 560)
            self._put(_COLUMNS[0], line, size, **style)
            self._y -= size / 560

    def fact(self, fact: Fact) -> None:
        """Name, value and note in three columns."""
        columns = [
            textwrap.wrap(text, characters) for text, characters in ((fact.name, 28), (fact.value, 28), (fact.note, 55))
        ]
        for cells in zip_longest(*columns, fillvalue=""):
            self._need(_ROW)
            for x, text, size, color in zip(_COLUMNS, cells, (9, 9, 8), (_FAINT, "black", _FAINT), strict=True):
                self._put(x, text, size, color=color)
            self._y -= _ROW
        self._y -= 0.003

    def gap(self, height: float) -> None:
        """Some room."""
        self._y -= height

    def _need(self, height: float) -> None:
        if self._y - height < _FOOT:
            self.pages.append(Figure(figsize=_PAGE))
            self._y = _TOP

    def _put(self, x: float, line: str, size: float, **style: str) -> None:
        self.pages[-1].text(x, self._y, line, fontsize=size, va="top", **style)  # type: ignore[arg-type]


def summary_pages(solution: CalibrationSolution, title: str) -> list[Figure]:
    """Verdict, warnings, numbers and what they mean for depth."""
    facts = RectifiedFacts.of(Rectifier(solution.calibration))
    flow, c = _Flow(), solution.calibration
    flow.paragraph(f"Stereo calibration {title}, {c.date}, id {c.id}", color=_FAINT)
    flow.gap(0.01)
    flow.paragraph(solution.verdict, 15, color=TONES[solution.quality], weight="bold")
    flow.gap(0.01)
    for warning in solution.warnings:
        flow.paragraph(f"• {warning}")
    flow.gap(0.015)
    for fact in report_facts(solution, facts):
        flow.fact(fact)
    flow.gap(0.01)
    for z, mm in solution.uncertainty.depth_mm.items():
        flow.paragraph(
            f"At {z:g} m depth is known to ± {mm:.2g} mm from the calibration; a matching error of "
            f"{MATCHING_ERROR_PX:g} px means {facts.depth_step_mm[z]:.2g} mm."
        )
    return flow.pages
