"""The words and numbers of a run's state: the facts while it runs, the verdict when it is over. No widgets here."""

from __future__ import annotations

from enum import Enum
from math import isfinite

from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.status_strip import spoken_duration
from depthstudio.gui.widgets.facts import Fact
from depthstudio.training.advisor import (
    USUAL_PATIENCE,
    Judgement,
    gap_epe_px,
    grade,
    is_certain,
    judge_divergence,
    judge_guard,
    large_gap,
    overfitting_since,
    relative_change,
    stop_epoch,
)
from depthstudio.training.checks.finding import plural
from depthstudio.training.events import EpochDone, Failed, Finished


class RunState(Enum):
    """How a shown run stands."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    FINISHED = "finished"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


_STATE_WORDS = {
    RunState.RUNNING: ("running", "accent"),
    RunState.PAUSED: ("paused", "warning"),
    RunState.STOPPING: ("stopping", "warning"),
    RunState.FINISHED: ("finished", "good"),
    RunState.STOPPED: ("stopped", ""),
    RunState.INTERRUPTED: ("interrupted", "warning"),
    RunState.FAILED: ("failed", "bad"),
}


LIVE = (RunState.RUNNING, RunState.PAUSED, RunState.STOPPING)
_END_WORDS = {"epochs": "all epochs", "stopped": "you"}


def state_words(state: RunState) -> tuple[str, str]:
    """The word for a state and its tone."""
    return _STATE_WORDS[state]


def state_of(story: RunStory, *, is_live: bool, is_stopping: bool) -> RunState:
    """Derived from the events and from whether its thread lives."""
    if is_live:
        if is_stopping:
            return RunState.STOPPING
        return RunState.PAUSED if story.is_paused else RunState.RUNNING
    if isinstance(story.end, Failed):
        return RunState.FAILED
    if isinstance(story.end, Finished):
        return RunState.FINISHED if story.is_finished else RunState.STOPPED
    return RunState.INTERRUPTED


def running_facts(story: RunStory) -> list[Fact]:
    """The line of truth."""
    facts: list[Fact] = []
    if story.best_epe_px is not None:
        where = f"epoch {story.best_epoch}" if story.best_epoch else "as it came"
        facts.append(("Best", f"{story.best_epe_px:.3g} px, {where}"))
    if story.epochs:
        last = story.epochs[-1]
        facts.append(("Train / validation", f"{last.train_epe_px:.3g} / {last.validation_epe_px:.3g} px"))
        facts.append(("Gap", f"{gap_epe_px(last):+.3g} px", "warning" if large_gap(last) else ""))
        guard = story.baseline.guard_epe_px if story.baseline is not None else None
        if guard is not None and last.guard_epe_px is not None:
            tone = "warning" if judge_guard(last, story.baseline, story.settings) else ""
            facts.append(("Guard", f"{guard:.3g} → {last.guard_epe_px:.3g} px", tone))
        facts += _patience(story)
    facts += _pace(story)
    if story.started is not None:
        started = story.started
        facts += [
            ("Frames", f"{started.train_frames} / {started.validation_frames}"),
            ("Network", f"{started.network}, {started.trainable_parameters / 1e6:.2f} M"),
            ("Device", f"{started.device}, {started.precision}"),
        ]
    return facts


def _patience(story: RunStory) -> list[Fact]:
    last, patience = story.epochs[-1], story.settings.early_stop_patience
    if not patience:
        return [("Patience", "off, runs to the end")]
    facts: list[Fact] = [("Patience", f"{last.epochs_without_improvement} of {patience} used")]
    stop = last.epoch + patience - last.epochs_without_improvement
    if last.epochs_without_improvement and stop < story.settings.epochs:
        facts.append(("Early stop", f"epoch {stop} if no better"))
    return facts


def _pace(story: RunStory) -> list[Fact]:
    facts: list[Fact] = []
    seconds = story.seconds_per_epoch
    if seconds is not None:
        left_s = seconds * story.settings.epochs * (1 - story.progress)
        facts.append(("Time per epoch", f"{seconds:.1f} s" if seconds < 10 else spoken_duration(seconds)))
        facts.append(("Left at most", spoken_duration(left_s)))
    if story.steps:
        step = story.steps[-1]
        facts.append(("Speed", f"{step.samples_per_s:.1f} frames/s"))
        if step.memory_mb is not None:
            facts.append(("Memory", f"{step.memory_mb / 1000:.2f} GB"))
    return facts


def closing_verdict(story: RunStory) -> list[Judgement]:
    """What came of a run that is over, in one or two judgements."""
    if isinstance(story.end, Failed):
        if story.diverged is not None:
            return [judge_divergence(story.diverged), *([_result(story)] if story.epochs else [])]
        kept = "What was best before is kept." if story.epochs else "Nothing was learned."
        return [Judgement("Failed", f"{story.end.message} {story.end.why}".strip(), story.end.next_step or kept, "bad")]
    if not story.epochs:
        return [Judgement("No epoch finished", "There is nothing to judge.", "Resume it or start a new run.")]
    forgotten = judge_guard(story.best or story.epochs[-1], story.baseline, story.settings)
    return [_result(story), *([forgotten] if forgotten else []), *_lesson(story), *_interruption(story)]


def _result(story: RunStory) -> Judgement:
    best, baseline = story.best, story.baseline
    if best is None:
        step = "Lower the learning rate, or check calibration and label masks."
        return Judgement("No better than before", "The network as it came is kept.", step, "warning")
    if baseline is None or not isfinite(baseline.validation_epe_px) or baseline.validation_epe_px <= 0:
        return Judgement(
            "Trained", f"Validation EPE {best.validation_epe_px:.3g} px at epoch {best.epoch}.", "", "good"
        )
    before, after = baseline.validation_epe_px, best.validation_epe_px
    evidence = (
        f"Validation EPE {before:.3g} → {after:.3g} px ({relative_change(before, after)}), best at epoch {best.epoch}."
    )
    if after < before:
        return Judgement("Better", evidence, "", "good")
    return Judgement("Lower loss, not lower EPE", evidence, "Compare both networks on the Live page.", "warning")


def _interruption(story: RunStory) -> list[Judgement]:
    if story.end is not None:
        return []
    if story.can_resume:
        step = f"Resume goes on after epoch {story.epoch}."
    else:
        step = "Its last state is missing: fine-tune further from its best network instead."
    return [Judgement("Interrupted", "The program ended before the run did.", step, "warning")]


def _lesson(story: RunStory) -> list[Judgement]:
    since = overfitting_since(story.epochs)
    best = story.best
    planned, ran = story.settings.epochs, story.epoch
    if since is not None and is_certain(story.epochs, since):
        stop = stop_epoch(story.epochs, planned, story.settings.early_stop_patience)
        words = f"The network of epoch {story.best_epoch} is kept, before it began."
        if story.settings.early_stop_patience == 0 and stop is not None:
            saved = plural(planned - stop, "epoch")
            words += f" Patience {USUAL_PATIENCE} would have stopped at {stop} and saved {saved}."
        elif _ended_early(story):
            words += f" {_saved_by_patience(story)}"
        return [Judgement(f"Overfitting since epoch {since}", words, "More dropout or more recordings.", "warning")]
    if best is not None and large_gap(best):
        words = f"Validation lies {gap_epe_px(best):.3g} px above training."
        return [Judgement("Large gap", words, "More dropout or more varied recordings.", "warning")]
    if _ended_early(story) and best is not None:
        return [Judgement("Converged", _saved_by_patience(story), "", "good")]
    improving = best is not None and planned - best.epoch <= 2 and _is_better(story, best)
    if ran >= planned and improving and story.is_finished:
        return [Judgement("It was still improving", "", "Fine-tune further, or plan more epochs.", "info")]
    return []


def _is_better(story: RunStory, best: EpochDone) -> bool:
    return story.baseline is None or not story.baseline.validation_epe_px <= best.validation_epe_px


def _ended_early(story: RunStory) -> bool:
    return isinstance(story.end, Finished) and story.end.reason == "early stopping"


def _saved_by_patience(story: RunStory) -> str:
    saved = plural(story.settings.epochs - story.epoch, "epoch")
    return f"Early stopping ended it at epoch {story.epoch} and saved {saved}."


def closing_facts(story: RunStory) -> list[Fact]:
    """The numbers of a run that is over."""
    facts: list[Fact] = []
    best, baseline = story.best, story.baseline
    if best is None and baseline is not None:
        facts.append(("Validation EPE as it came", f"{baseline.validation_epe_px:.3g} px"))
    if best is not None and (earned := grade(best.validation_epe_px)):
        facts.append(("Classic grade", earned))
    if story.epochs:
        facts.append(("Best epoch", str(story.best_epoch) if story.best_epoch else "none"))
        facts.append(("Ended at epoch", f"{story.epoch} of {story.settings.epochs}"))
    if story.is_finished:
        facts.append(("Epochs saved", str(story.settings.epochs - story.epoch)))
    if isinstance(story.end, Finished):
        facts.append(("Ended by", _END_WORDS.get(story.end.reason, story.end.reason)))
        facts.append(("Time", spoken_duration(story.end.seconds)))
    if story.started is not None:
        started = story.started
        facts.append(("Frames", f"{started.train_frames} / {started.validation_frames}"))
        facts.append(("Network", started.network))
        facts.append(("Device", f"{started.device}, {started.precision}"))
    return facts
