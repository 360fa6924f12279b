"""What starts a run: the button, the run's name, and what speaks against starting."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QLineEdit, QWidget

from depthstudio.gui.theme import mark
from depthstudio.gui.widgets.basics import button, column, label, row
from depthstudio.training.checks.finding import Finding


class StartFooter(QWidget):
    """Stays below the set-up, however far that is scrolled."""

    def __init__(self, start: Callable[[], object], run_name: QLineEdit) -> None:
        super().__init__()
        self.button = button("Start", start, "play", "primary", "Start fine-tuning (Ctrl+Return)")
        self.problem = label("", "small", wrap=True)
        self.setLayout(column(self.problem, row(run_name, self.button)))

    def show_state(self, problem: str, findings: Sequence[Finding]) -> None:
        """problem: why nothing can be started now; empty when it can."""
        self.button.setEnabled(not problem)
        critical = any(finding.tone == "bad" for finding in findings)
        self.button.setText("Start anyway" if critical and not problem else "Start")
        first = next((finding.what for finding in findings if finding.tone != "good"), "")
        words = problem or first
        mark(self.problem, tone="" if problem else "bad" if critical else "warning")
        self.problem.setText(words)
        self.problem.setVisible(bool(words))
