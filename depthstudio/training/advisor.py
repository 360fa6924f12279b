"""The advisor: what a run's curves say, in plain words. Small rules, each with its evidence and a next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

from depthstudio.training.checks.finding import plural
from depthstudio.training.events import BaselineDone, Diverged, EpochDone, FrameScore
from depthstudio.training.settings import TrainingSettings

USUAL_PATIENCE = 15  # the classic recipe's, to say what early stopping would have saved a run without it
_WINDOW = 3
_CERTAIN_AFTER = 5  # epochs without a better one: three can be chance, as curves of real runs show
_NOISE = 0.01  # share by which a loss must move to mean something
_LARGE_GAP_PX, _SMALL_GAP_PX = 5.0, 3.0
_LARGE_GAP_SHARE = 0.3
_SPIKE = 3.0
_HOPELESS_EPE_PX, _HOPELESS_AFTER = 20.0, 20
_GRADES = ((8.0, "excellent, < 8 px"), (12.0, "great, < 12 px"), (15.0, "good, < 15 px"))
_FORGOTTEN = 1.1  # times the guard's error before
_TIRED_SHARE, _TIRED_EPOCHS = 0.4, 5
_WORST_FRAMES = 3
_TONE_RANK = {"bad": 0, "warning": 1, "good": 2, "info": 3}


@dataclass(frozen=True)
class Judgement:
    """word: the headline. evidence: the numbers behind it. next_step: what to do, or empty. tone: bad .. info.

    frames: validation frames to look at, worst first.
    """

    word: str
    evidence: str = ""
    next_step: str = ""
    tone: str = "info"
    frames: tuple[FrameScore, ...] = ()


def overfitting_since(epochs: Sequence[EpochDone]) -> int | None:
    """The epoch after which training only learned its frames by heart; None when the curves do not show it.

    Either the mean training loss of the last three epochs lies below that of the best epoch while the mean validation
    loss lies above, or validation rose three epochs in a row while training fell.
    """
    if len(epochs) <= _WINDOW:
        return None
    losses = [done.validation_loss for done in epochs]
    lowest = losses.index(min(losses))
    last = epochs[-_WINDOW:]
    if len(epochs) - 1 - lowest >= _WINDOW:
        train = sum(done.train_loss for done in last) / _WINDOW
        validation = sum(done.validation_loss for done in last) / _WINDOW
        best = epochs[lowest]
        learned_more = train < best.train_loss * (1 - _NOISE)
        if learned_more and validation > best.validation_loss * (1 + _NOISE):
            return best.epoch
    before = epochs[-_WINDOW - 1]
    rising = all(a.validation_loss < b.validation_loss for a, b in pairwise([before, *last]))
    return before.epoch if rising and last[-1].train_loss < before.train_loss else None


def is_certain(epochs: Sequence[EpochDone], since: int) -> bool:
    """Whether overfitting since that epoch has lasted; before, a run may still find a better epoch."""
    return epochs[-1].epoch - since >= _CERTAIN_AFTER


def large_gap(done: EpochDone) -> bool:
    """True when validation EPE exceeds training EPE by more than 5 px or 30 % of itself."""
    gap_px = gap_epe_px(done)
    return gap_px > _LARGE_GAP_PX or gap_px > _LARGE_GAP_SHARE * done.validation_epe_px


def gap_epe_px(done: EpochDone) -> float:
    """Validation minus training EPE."""
    return done.validation_epe_px - done.train_epe_px


def relative_change(before: float, after: float) -> str:
    """ "-32%"; below 1 % with a digit more, so that nothing is called -0%."""
    change = after / before - 1
    return f"{change:+.0%}" if abs(change) >= 0.01 else f"{change:+.1%}"


def stop_epoch(epochs: Sequence[EpochDone], planned: int, patience: int) -> int | None:
    """The epoch at which early stopping ends the run, or would have; None when `planned` comes first.

    patience: 0 is read as the classic 15, for runs that went without. What counted as better is what the run counted:
    the network as it came has to be beaten, too, and by the run's smallest change.
    """
    patience = patience or USUAL_PATIENCE
    for done in epochs:
        if done.epochs_without_improvement >= patience:
            return done.epoch if done.epoch < planned else None
    ahead = epochs[-1].epoch + patience - epochs[-1].epochs_without_improvement if epochs else patience
    return ahead if ahead < planned else None


def overfitting_story(epochs: Sequence[EpochDone], planned: int, patience: int = 0) -> str:
    """All of it on one line: ``overfitting since epoch 8; stop at 23; 27 epochs saved``; empty when there is nothing.

    patience: as in `stop_epoch`.
    """
    since = overfitting_since(epochs)
    if since is None or not is_certain(epochs, since):
        return ""
    stop = stop_epoch(epochs, planned, patience)
    saved = f"; stop at {stop}; {plural(planned - stop, 'epoch')} saved" if stop is not None else ""
    return f"overfitting since epoch {since}{saved}"


def grade(epe_px: float) -> str:
    """The classic recipe's grade of a validation EPE; empty when it earns none."""
    return next((words for limit, words in _GRADES if epe_px < limit), "")


def judge(
    epochs: Sequence[EpochDone],
    settings: TrainingSettings,
    baseline: BaselineDone | None = None,
    frames: Sequence[FrameScore] = (),
) -> list[Judgement]:
    """Everything the curves say so far, the most serious first. Empty before the first epoch.

    frames: the error of the validation frames, worst first, as far as it is known.
    """
    if not epochs:
        return []
    overfitting = _judge_overfitting(epochs, settings)
    rules = (
        overfitting,
        _judge_rate(epochs),
        _judge_spike(epochs),
        _judge_hopeless(epochs, frames),
        judge_guard(epochs[-1], baseline, settings),
        _judge_gap(epochs),
        _judge_reduction(epochs),
        None if overfitting else _judge_patience(epochs, settings),
        _judge_health(epochs),
        _judge_grade(epochs),
        _judge_improvement(epochs, baseline),
    )
    found = [judgement for judgement in rules if judgement is not None]
    return sorted(found, key=lambda judgement: _TONE_RANK[judgement.tone])


def _judge_overfitting(epochs: Sequence[EpochDone], settings: TrainingSettings) -> Judgement | None:
    since = overfitting_since(epochs)
    if since is None:
        return None
    then = next(done for done in epochs if done.epoch == since)
    evidence = (
        f"Since then training loss went from {then.train_loss:.3g} to {epochs[-1].train_loss:.3g}, "
        f"validation from {then.validation_loss:.3g} to {epochs[-1].validation_loss:.3g}."
    )
    if not is_certain(epochs, since):
        step = "The next epochs will tell; the best one is kept."
        return Judgement(f"Perhaps overfitting since epoch {since}", evidence, step, "warning")
    stop = stop_epoch(epochs, settings.epochs, settings.early_stop_patience)
    if settings.early_stop_patience and stop is not None:
        saved = plural(settings.epochs - stop, "epoch")
        step = f"Early stopping ends the run at epoch {stop} and saves {saved}. Stop now: the best epoch is kept."
    elif stop is not None:
        step = (
            f"Patience {USUAL_PATIENCE} would stop at epoch {stop} and save {plural(settings.epochs - stop, 'epoch')}. "
            "Stop now: the best epoch is kept."
        )
    else:
        step = "Stop now: the best epoch is kept."
    return Judgement(f"Overfitting since epoch {since}", evidence, step, "bad")


def _judge_rate(epochs: Sequence[EpochDone]) -> Judgement | None:
    """Validation rises without training getting better: no overfitting, the steps are too large."""
    if len(epochs) <= _WINDOW:
        return None
    last = epochs[-_WINDOW - 1 :]
    rising = all(b.validation_loss > a.validation_loss * (1 + _NOISE) for a, b in pairwise(last))
    if not rising or last[-1].train_loss < last[0].train_loss * (1 - _NOISE):
        return None
    evidence = (
        f"In {_WINDOW} epochs validation loss rose from {last[0].validation_loss:.3g} to "
        f"{last[-1].validation_loss:.3g}, and training did not fall ({last[0].train_loss:.3g} to "
        f"{last[-1].train_loss:.3g})."
    )
    return Judgement(
        "The learning rate is too high", evidence, "Halve the learning rate; it can be changed now.", "bad"
    )


def against_forgetting(settings: TrainingSettings) -> str:
    """What to do when the guard worsens, as a sentence."""
    if settings.rehearsal_share > 0:
        return "Lower the learning rate, or raise the share of rehearsal."
    return "Lower the learning rate, freeze the encoder, or choose the preset Safe fine-tune."


def judge_guard(last: EpochDone, baseline: BaselineDone | None, settings: TrainingSettings) -> Judgement | None:
    """The generalisation guard: whether scenes that the run does not learn from got worse."""
    before = baseline.guard_epe_px if baseline is not None else None
    if before is None or last.guard_epe_px is None or last.guard_epe_px <= before * _FORGOTTEN:
        return None
    evidence = f"On scenes it does not learn from, EPE went from {before:.3g} to {last.guard_epe_px:.3g} px."
    return Judgement("It forgets what it knew", evidence, against_forgetting(settings), "warning")


def judge_divergence(event: Diverged) -> Judgement:
    """The run was stopped because learning broke down."""
    where = f"in epoch {event.epoch}, step {event.step}" if event.step else f"in the validation of epoch {event.epoch}"
    if event.reason == "spike" and event.loss is not None and event.usual_loss is not None:
        word = "Stopped: the loss spiked"
        evidence = f"It rose from {event.usual_loss:.3g} to {event.loss:.3g} {where}."
    else:
        word, evidence = "Stopped: the loss is no number", f"It broke down {where}."
    kept = f"The last good state, after epoch {event.last_good_epoch}, is kept."
    return Judgement(word, f"{evidence} {kept}", "Halve the learning rate, then resume or start again.", "bad")


def _judge_spike(epochs: Sequence[EpochDone]) -> Judgement | None:
    before = sorted(done.train_loss for done in epochs[-6:-1])
    if len(before) < _WINDOW or epochs[-1].train_loss < _SPIKE * before[len(before) // 2]:
        return None
    evidence = f"Training loss jumped from about {before[len(before) // 2]:.3g} to {epochs[-1].train_loss:.3g}."
    return Judgement("Loss spike", evidence, "If it stays, halve the learning rate.", "warning")


def _judge_hopeless(epochs: Sequence[EpochDone], frames: Sequence[FrameScore]) -> Judgement | None:
    best_px = min(done.validation_epe_px for done in epochs)
    if epochs[-1].epoch < _HOPELESS_AFTER or best_px <= _HOPELESS_EPE_PX:
        return None
    evidence = f"The best validation EPE after {epochs[-1].epoch} epochs is {best_px:.1f} px."
    step = "Look at the data: calibration, left and right swapped, label masks."
    return Judgement("It does not learn to match", evidence, step, "bad", tuple(frames[:_WORST_FRAMES]))


def _judge_gap(epochs: Sequence[EpochDone]) -> Judgement | None:
    done = epochs[-1]
    if len(epochs) < _WINDOW or not large_gap(done):
        return None
    gap_px = gap_epe_px(done)
    evidence = (
        f"Validation EPE {done.validation_epe_px:.3g} px is {gap_px:.3g} px above training, "
        f"{gap_px / done.validation_epe_px:.0%} of it."
    )
    step = "Raise dropout to 0.3, or choose the preset Aggressive or Safe fine-tune; more varied recordings help most."
    return Judgement("Large gap to validation", evidence, step, "warning")


def _judge_reduction(epochs: Sequence[EpochDone]) -> Judgement | None:
    """Whether the last reduction of the learning rate helped."""
    cuts = [b for a, b in pairwise(epochs) if b.learning_rate < a.learning_rate * (1 - 1e-6)]
    if not cuts or len(cuts) == len(epochs) - 1:  # every epoch: a cosine, no reaction to a plateau
        return None
    cut, last = cuts[-1].epoch, epochs[-1]
    if cut <= last.best_epoch <= cut + _WINDOW:
        evidence = f"Best epoch {last.best_epoch}, right after the learning rate fell at epoch {cut}."
        return Judgement("The lower rate helped", evidence, "", "good")
    if last.best_epoch < cut and last.epoch - cut >= _WINDOW:
        evidence = f"No better validation in the {last.epoch - cut} epochs since the rate fell at epoch {cut}."
        return Judgement("The lower rate did not help", evidence, "It has probably converged.", "warning")
    return None


def _judge_patience(epochs: Sequence[EpochDone], settings: TrainingSettings) -> Judgement | None:
    """Many epochs without a better validation, though training did not run away."""
    last, patience = epochs[-1], settings.early_stop_patience
    waited = last.epochs_without_improvement
    if waited < max(_TIRED_EPOCHS, _TIRED_SHARE * (patience or USUAL_PATIENCE)):
        return None
    if patience:
        end = min(last.epoch + patience - waited, settings.epochs)
        evidence = f"{waited} of {patience} patience used; it ends by itself at epoch {end}."
        return Judgement("No better for a while", evidence, "", "info")
    step = "Stop now: the best epoch is kept."
    return Judgement("No better for a while", f"{waited} epochs without a better validation.", step, "warning")


def _judge_health(epochs: Sequence[EpochDone]) -> Judgement | None:
    """Both losses fall and the gap is small, or it begins to open."""
    if len(epochs) < _WINDOW:
        return None
    last, gap_px = epochs[-_WINDOW:], gap_epe_px(epochs[-1])
    if _SMALL_GAP_PX < gap_px <= _LARGE_GAP_PX and not large_gap(epochs[-1]):
        return Judgement("The gap opens", f"Validation EPE lies {gap_px:.3g} px above training; below 3 px is healthy.")
    falling = all(b.train_loss < a.train_loss and b.validation_loss < a.validation_loss for a, b in pairwise(last))
    if not falling or large_gap(epochs[-1]):
        return None
    return Judgement("Healthy", f"Both losses fall, and the gap is {gap_px:+.3g} px.", "", "good")


def _judge_grade(epochs: Sequence[EpochDone]) -> Judgement | None:
    """The classic grades, only for networks that come from far above them."""
    best_px = min(done.validation_epe_px for done in epochs)
    if epochs[0].validation_epe_px < _GRADES[-1][0] or not grade(best_px):
        return None
    return Judgement(grade(best_px).capitalize(), f"Validation EPE is down to {best_px:.3g} px.", "", "good")


def _judge_improvement(epochs: Sequence[EpochDone], baseline: BaselineDone | None) -> Judgement | None:
    last = epochs[-1]
    best = next((done for done in epochs if done.epoch == last.best_epoch), None)
    if best is None:
        evidence = "No epoch has beaten the network as it came."
        step = "" if last.epoch < _WINDOW else "Lower the learning rate, or check calibration and masks."
        return Judgement("No better yet", evidence, step, "info" if last.epoch < _WINDOW else "warning")
    if baseline is not None and isfinite(baseline.validation_epe_px) and baseline.validation_epe_px > 0:
        before, after = baseline.validation_epe_px, best.validation_epe_px
        evidence = f"Validation EPE {before:.3g} → {after:.3g} px ({relative_change(before, after)})"
    else:
        evidence = f"Validation EPE {best.validation_epe_px:.3g} px"
    if last.epochs_without_improvement:
        waited = last.epochs_without_improvement
        word, tone = f"Best at epoch {best.epoch}", "info"
        evidence += f", no better for {waited} epoch{'s' if waited > 1 else ''}."
    else:
        word, tone, evidence = "Improving", "good", f"{evidence}, best in epoch {best.epoch}."
    return Judgement(word, evidence, "", tone)
