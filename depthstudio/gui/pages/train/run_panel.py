"""The line of truth: where a run stands, what its curves mean, and the ways out of it."""

from __future__ import annotations

from math import isfinite

from PySide6.QtWidgets import QProgressBar, QWidget

from depthstudio.gui.pages.train.compare import CompareSection
from depthstudio.gui.pages.train.frames_section import FrameLinks, FramesSection
from depthstudio.gui.pages.train.live_changes import LiveChanges
from depthstudio.gui.pages.train.result_table import ResultTable
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.pages.train.verdict import (
    LIVE,
    RunState,
    closing_facts,
    closing_verdict,
    running_facts,
    state_words,
)
from depthstudio.gui.theme import GRID_PX, mark
from depthstudio.gui.widgets.basics import ElidedLabel, Section, clear_layout, column, label, number_label, row
from depthstudio.gui.widgets.facts import Facts
from depthstudio.gui.widgets.status import VerdictLabel
from depthstudio.training.advisor import Judgement, judge
from depthstudio.training.events import SettingChanged
from depthstudio.training.settings import TrainingSettings

_NOTHING = Judgement("No run is shown", "Start one, or choose one under All runs.")
_LOOKING = Judgement("Reading the data", "The network is loaded, the frames are looked at.")
_MEASURING = Judgement("Measuring", "The network as it came, on the validation frames: the value to beat.")
_FIRST_EPOCH = Judgement("First epoch", "A verdict follows when it is measured.")


class RunPanel(QWidget):
    """Everything that is said about one run, live or stored."""

    def __init__(self) -> None:
        super().__init__()
        self._judgements: list[Judgement] = []
        self.title = ElidedLabel("", "section")
        self.state = label("", "small")
        self.epoch = number_label("", "number")
        self.step = number_label("", "small")
        self.bar = QProgressBar(textVisible=False)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName("Progress of the run")
        self.verdict = VerdictLabel()
        self.next_step = label("", wrap=True)
        self.table = ResultTable()
        self.frames = FramesSection()
        self.worst = FrameLinks()
        self.worst.frame_asked.connect(self.frames.frame_asked)
        self.others = column(spacing=4)
        self.facts = Facts("Numbers of the run")
        self.compare = CompareSection()
        self.changes = LiveChanges()
        self._notes = Section("Notes", foldable=True, folded=True)
        self._note_text = label("", "small", wrap=True)
        self._notes.add(self._note_text)
        heading = row(self.title, self.state)
        heading.setStretch(0, 1)
        self._progress = QWidget()
        self._progress.setLayout(column(row(self.epoch, 1, self.step), self.bar, spacing=4))
        judgement = column(self.verdict, self.next_step, self.worst, self.others, spacing=GRID_PX)
        self.setLayout(
            column(
                heading,
                self._progress,
                judgement,
                self.table,
                self.facts,
                self.changes,
                self.frames,
                self.compare,
                self._notes,
                1,
                spacing=2 * GRID_PX,
            )
        )

    def show_story(self, story: RunStory, state: RunState, *, is_measuring: bool = False) -> None:
        """Show a run; call again whenever it grew. is_measuring: its frames are just being measured."""
        self.title.set_full_text(story.name)
        word, tone = state_words(state)
        self.state.setText(word)
        mark(self.state, tone=tone)
        live = state in LIVE
        self._progress.setVisible(live)
        self.changes.setVisible(live and story.started is not None)
        if not live:
            self.changes.forget()
        if live:
            self._show_progress(story)
            self.changes.show_story(story)
            judgements = judge(story.epochs, story.settings, story.baseline, story.frames)
            judgements = judgements or [_before_first_epoch(story)]
            self.facts.set_facts(running_facts(story))
        else:
            judgements = closing_verdict(story)
            self.facts.set_facts(closing_facts(story))
            self.table.show_story(story)
        self.table.setVisible(not live and bool(self.table.rows))
        has_result = story.folder is not None and bool(story.epochs) and (story.folder / "best.safetensors").exists()
        self.frames.show_frames(story.frames, can_measure=has_result, is_measuring=is_measuring)
        self._show_judgements(judgements)
        self._show_notes(story)

    def show_nothing(self) -> None:
        """No run is shown."""
        self.title.set_full_text("")
        self.state.setText("")
        for part in (self._progress, self.table, self.frames):
            part.hide()
        self.changes.hide()
        self._notes.hide()
        self.facts.set_facts([])
        self.compare.hide()
        self._show_judgements([_NOTHING])

    def _show_progress(self, story: RunStory) -> None:
        known = story.started is not None
        running = min(story.epoch + 1, story.settings.epochs)
        self.epoch.setText(f"Epoch {running} of {story.settings.epochs}" if known else "Preparing")
        step = story.steps[-1] if story.steps and story.steps[-1].epoch > story.epoch else None
        if step is None:
            self.step.setText("")
        elif step.step < step.steps_per_epoch:
            self.step.setText(f"step {step.step} of {step.steps_per_epoch}")
        else:
            self.step.setText("validating")
        self.bar.setValue(round(1000 * story.progress))

    def _show_judgements(self, judgements: list[Judgement]) -> None:
        if judgements == self._judgements:
            return
        self._judgements = judgements
        first = judgements[0]
        tone = "" if first.tone == "info" else first.tone
        self.verdict.set_verdict(first.word, first.evidence, tone)
        self.next_step.setText(first.next_step)
        self.next_step.setVisible(bool(first.next_step))
        self.worst.show_frames(first.frames)
        clear_layout(self.others)
        for judgement in judgements[1:]:
            tone = "" if judgement.tone == "info" else judgement.tone
            self.others.addWidget(label(judgement.word, "section", tone=tone))
            words = " ".join(part for part in (judgement.evidence, judgement.next_step) if part)
            self.others.addWidget(label(words, "small", wrap=True))

    def _show_notes(self, story: RunStory) -> None:
        started = story.started.notes if story.started is not None else ()
        warned = tuple(f"Epoch {warning.epoch}: {warning.message}" for warning in story.warnings[-8:])
        changed = tuple(_spoken_change(change) for change in story.changes)
        lines = (*story.loaded, *started, *changed, *warned)
        self._notes.setVisible(bool(lines))
        self._note_text.setText("\n".join(lines))


def _spoken_change(change: SettingChanged) -> str:
    title = TrainingSettings.model_fields[change.name].title or change.name
    return f"Epoch {change.epoch}, step {change.step}: {title} changed from {change.before:.4g} to {change.after:.4g}."


def _before_first_epoch(story: RunStory) -> Judgement:
    if story.started is None:
        return _LOOKING
    if story.baseline is None:
        return _MEASURING
    came = story.baseline.validation_epe_px
    if not isfinite(came):
        return _FIRST_EPOCH
    return Judgement("First epoch", f"The network came with a validation EPE of {came:.3g} px: the value to beat.")
