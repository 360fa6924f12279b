"""The checks in words: critical ones first, each with what to do and the frames that show it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QWidget

from depthstudio.gui.theme import GRID_PX, mark, theme
from depthstudio.gui.widgets.basics import Section, button, clear_layout, column, label, row
from depthstudio.training.checks.finding import Finding, FrameRef, plural

_TONE_ICONS = {"bad": "circle-x", "warning": "triangle-alert", "good": "circle-check"}
_TONE_WORDS = {"bad": "Critical", "warning": "Advisory", "good": "Passed"}
_PASSED = Finding("Nothing speaks against starting.", tone="good")


class ChecksSection(Section):
    """frame_asked(FrameRef): show this frame."""

    frame_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__("Checks")
        self.findings: tuple[Finding, ...] = ()
        self.summary = label("", "small")
        self.heading_row.addWidget(self.summary)
        self._lines = column(spacing=GRID_PX)
        self.add(self._lines)
        self._looking = label("Looking closer at the pictures and the network…", "faint", wrap=True)
        self.add(self._looking)

    def show_findings(self, findings: Sequence[Finding], *, looking: bool) -> None:
        """looking: more may follow."""
        self._looking.setVisible(looking)
        if not findings and not looking:
            findings = (_PASSED,)
        if tuple(findings) == self.findings:
            return
        self.findings = tuple(findings)
        self.summary.setText(counted(self.findings))
        clear_layout(self._lines)
        for finding in self.findings:
            line = FindingLine(finding)
            line.frame_asked.connect(self.frame_asked)
            self._lines.addWidget(line)


class FindingLine(QWidget):
    """One check in words with its icon, what to do, and links to its frames."""

    frame_asked = Signal(object)

    def __init__(self, finding: Finding) -> None:
        super().__init__()
        icon = QLabel()
        icon.setFixedWidth(16)
        theme().set_icon(icon, _TONE_ICONS[finding.tone], finding.tone, 14)
        icon.setToolTip(_TONE_WORDS[finding.tone])
        self.text = label(finding.what, wrap=True)
        mark(self.text, role="")
        texts = column(self.text, spacing=2)
        if finding.next_step:
            texts.addWidget(label(finding.next_step, "small", wrap=True))
        self.links = [self._link(ref) for ref in finding.frames]
        if self.links:
            texts.addLayout(row(*self.links, 1, spacing=12))
        self.setAccessibleName(f"{_TONE_WORDS[finding.tone]}: {finding.what} {finding.next_step}".strip())
        layout = row(column(icon, 1, spacing=0), texts)
        layout.setStretch(1, 1)
        self.setLayout(layout)

    def _link(self, ref: FrameRef) -> QWidget:
        side = "training" if ref.side == "train" else "validation"
        words = f"{'train' if ref.side == 'train' else 'val.'} {ref.index + 1}"
        link = button(words, lambda: self.frame_asked.emit(ref), kind="link", tip=f"Show {side} frame {ref.name}")
        link.setAccessibleName(f"Show {side} frame {ref.name}")
        return link


def counted(findings: Sequence[Finding]) -> str:
    """ "1 critical, 2 advisory"; empty when there is neither."""
    critical = sum(finding.tone == "bad" for finding in findings)
    advisory = sum(finding.tone == "warning" for finding in findings)
    parts = [f"{critical} critical" if critical else "", f"{advisory} advisory" if advisory else ""]
    return ", ".join(part for part in parts if part)


def question_before(findings: Sequence[Finding]) -> str:
    """What to ask before a run is started in spite of critical findings; empty when there are none."""
    critical = [finding for finding in findings if finding.tone == "bad"]
    if not critical:
        return ""
    lead = f"{plural(len(critical), 'critical finding')}: " if len(critical) > 1 else ""
    return lead + " ".join(finding.what for finding in critical)
