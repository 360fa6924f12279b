"""Checks of the recording on the stage: label statistics, near-copies, unreadable frames, each with what to do."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal

from depthstudio.datasets.labels import RULES
from depthstudio.datasets.session import Session
from depthstudio.datasets.session_checks import SessionReport, check_session
from depthstudio.geometry import StereoCalibration
from depthstudio.gui.pages.dataset.actions import LibraryActions
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import Task, TaskContext
from depthstudio.gui.widgets.basics import Section, button, column, label
from depthstudio.gui.widgets.facts import Fact, Facts


class ChecksSection(Section):
    """frame_wanted(int): show this frame, from 0."""

    frame_wanted = Signal(int)

    def __init__(self, studio: Studio, library: LibraryActions) -> None:
        super().__init__("Checks", foldable=True)
        self._studio = studio
        self._library = library
        self._session: Session | None = None
        self._calibration: StereoCalibration | None = None
        self._task: Task | None = None
        self.report: SessionReport | None = None
        self.facts = Facts("Checks of the recording")
        self._words = label("", "small", wrap=True)
        self.check_button = button("Check all frames", self.check, "search", tip="Label statistics and near-copies")
        self.mark_button = button(
            "Mark near-copies out", self.mark_copies, "eye-off", tip="They are kept, but not learnt from"
        )
        self.look_button = button("Show the first", self._look, "eye", tip="Show the first of them")
        self.add(column(self.facts, self._words, self.check_button, self.look_button, self.mark_button))
        self._show()

    def set_session(self, session: Session | None, calibration: StereoCalibration | None) -> None:
        """Another recording or calibration: what was found before is no longer true. An edit of the same keeps it."""
        same = session is not None and self._session is not None and session.folder == self._session.folder
        same = same and _id_of(calibration) == _id_of(self._calibration)
        self._session, self._calibration = session, calibration
        if not same:
            self.report = None
            if self._task is not None:
                self._task.cancel()
        self._show()

    def check(self) -> None:
        """Look at all frames, in the background."""
        session, calibration = self._session, self._calibration
        if session is None or self._task is not None:
            return
        folder = session.folder

        def work(context: TaskContext) -> SessionReport | None:
            report = check_session(
                Session.open(folder), calibration, on_progress=context.progress, cancel=context.cancel
            )
            return None if context.cancel.is_cancelled else report

        self._task = self._studio.tasks.run(work, f"Check {session.name}", self._on_report, shown=True)
        self._task.ended.connect(self._on_ended)
        self._show()

    def mark_copies(self) -> None:
        """Mark the near-copies out."""
        if self._session is None or self.report is None:
            return
        copies = frozenset(self.report.duplicates.duplicates)
        self._library.edit(self._session.folder, lambda session: session.set_excluded(session.excluded | copies))
        self.report = None
        self._show()

    def _on_report(self, report: SessionReport | None) -> None:
        if report is not None and self._task is not None and not self._task.cancel_token.is_cancelled:
            self.report = report

    def _on_ended(self) -> None:
        self._task = None
        self._show()

    def _look(self) -> None:
        report = self.report
        if report is not None:
            first = next(iter((*report.unreadable, *report.poor, *report.duplicates.duplicates)), None)
            if first is not None:
                self.frame_wanted.emit(first)

    def _show(self) -> None:
        report = self.report
        self.check_button.setEnabled(bool(self._session is not None and len(self._session) and self._task is None))
        self.check_button.setVisible(report is None)
        self.check_button.setText("Checking…" if self._task is not None else "Check all frames")
        self.facts.setVisible(report is not None)
        copies = len(report.duplicates.duplicates) if report is not None else 0
        self.mark_button.setVisible(bool(copies))
        self.mark_button.setText(f"Mark {_counted(copies, 'near-copy', 'near-copies')} out")
        found = report is not None and bool(report.unreadable or report.poor or copies)
        self.look_button.setVisible(found)
        self._words.setVisible(report is not None)
        if report is None:
            return
        self.facts.set_facts(_facts(report))
        self._words.setText(_advice(report))


def _id_of(calibration: StereoCalibration | None) -> str:
    return calibration.id if calibration is not None else ""


def _facts(report: SessionReport) -> list[Fact]:
    copies = len(report.duplicates.duplicates)
    facts: list[Fact] = [("Different views", str(len(report.duplicates.kept) - len(report.unreadable)))]
    facts.append(("Near-copies", str(copies), "warning" if copies > report.frames / 2 else ""))
    if report.unreadable:
        facts.append(("Unreadable", str(len(report.unreadable)), "bad"))
    if report.valid_share is not None:
        facts.append(("Label kept", f"{report.valid_share:.0%}", "warning" if report.valid_share < 0.5 else "good"))
        facts += [(f"  {title}", f"{report.removed[rule]:.1%}") for rule, title in RULES.items()]
    if report.poor:
        facts.append(("Poor labels", f"{len(report.poor)} of {report.labels}", "warning"))
    return facts


def _advice(report: SessionReport) -> str:
    words: list[str] = []
    add: Callable[[str], None] = words.append
    if report.unreadable:
        add("Mark unreadable frames out: a training would stop at them.")
    if len(report.duplicates.duplicates) > report.frames / 2:
        add("Most frames repeat others. They cost time and teach nothing new; mark them out, or record new views.")
    if report.poor:
        add("Some labels keep less than half of their pixels: more texture, light or projector power helps.")
    if report.note:
        add(report.note)
    return " ".join(words) or "Nothing speaks against learning from this recording."


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
