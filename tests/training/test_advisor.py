"""What the advisor says about recorded curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from depthstudio.training.advisor import (
    grade,
    judge,
    judge_divergence,
    judge_guard,
    large_gap,
    overfitting_since,
    overfitting_story,
    stop_epoch,
)
from depthstudio.training.early_stopping import EarlyStopping
from depthstudio.training.events import BaselineDone, Diverged, EpochDone, FrameScore
from depthstudio.training.settings import TrainingSettings


def curve(
    train: Sequence[float], validation: Sequence[float], rates: Sequence[float] = (), epe: float = 1.0
) -> list[EpochDone]:
    """Epochs with these losses; EPE is the loss times `epe`."""
    epochs: list[EpochDone] = []
    best_epoch, best = 0, float("inf")
    for i, (a, b) in enumerate(zip(train, validation, strict=True)):
        is_best = b < best
        best_epoch, best = (i + 1, b) if is_best else (best_epoch, best)
        rate = rates[i] if rates else 1e-4
        epochs.append(
            EpochDone(i + 1, a, a * epe, b, b * epe, rate, best_epoch, best, i + 1 - best_epoch, 15, 1.0, is_best)
        )
    return epochs


def v3(length: int = 50) -> list[EpochDone]:
    """The classic run without protection: validation best at epoch 8 (16.0), then 16 to 17; training down to 10.4."""
    fall = [22.0, 20.4, 19.2, 18.3, 17.5, 16.9, 16.4, 16.0]
    plateau = [16.3, 16.9, 16.2, 16.6, 17.0, 16.4, 16.7]
    validation = fall + [plateau[i % 7] for i in range(42)]
    train = [20.0 * 0.9**i + 6 if i < 8 else 15.0 - (i - 7) * 4.6 / 42 for i in range(50)]
    return curve(train[:length], validation[:length], epe=1.2)


# The same recipe (Reference-v3) from random weights on two frames of the simulated rig, judged by two of other rooms.
RIG_TRAIN = [
    *(15.37, 14.6, 13.5, 11.94, 10.13, 7.99, 6.5, 5.53, 4.18, 3.5, 2.93, 2.14, 1.95, 1.65, 1.47, 1.43, 1.22, 1.14),
    *(1.04, 1.07, 0.92, 0.86, 0.89, 0.72, 0.74, 0.69, 0.59, 0.69, 0.66, 0.6, 0.65, 0.5, 0.55, 0.52, 0.47, 0.49),
]  # fmt: skip
RIG_VALIDATION = [
    *(16.41, 15.74, 14.18, 13.38, 10.68, 9.26, 9.18, 9.24, 9.72, 8.69, 6.25, 5.64, 4.35, 4.5, 3.86, 3.86, 3.86, 3.32),
    *(3.86, 3.066, 3.07, 3.1, 3.12, 3.41, 3.99, 3.94, 3.46, 3.39, 3.6, 3.53, 3.65, 3.7, 3.56, 3.55, 3.46, 3.61),
]  # fmt: skip


# Reference-v3 on 200 frames of ten rooms, judged by 50 of others: its last 32 of 50 epochs, jumping while they fall.
MANY_TRAIN = [
    *(2.41, 2.31, 2.24, 2.2, 2.14, 2.11, 2.06, 2.03, 1.99, 1.97, 1.97, 1.9, 1.84, 1.83, 1.82, 1.75),
    *(1.75, 1.69, 1.67, 1.68, 1.63, 1.6, 1.59, 1.58, 1.55, 1.54, 1.51, 1.5, 1.45, 1.45, 1.44, 1.41),
]
MANY_VALIDATION = [
    *(2.96, 2.966, 2.894, 2.932, 2.843, 2.868, 2.831, 2.845, 2.823, 2.89, 2.95, 2.828, 2.766, 2.831, 2.789, 2.752),
    *(2.713, 2.698, 2.635, 2.681, 2.674, 2.638, 2.64, 2.663, 2.852, 2.726, 2.573, 2.558, 2.615, 2.631, 2.66, 2.58),
]


def test_what_may_be_chance_is_not_called_certain() -> None:
    epochs, settings = curve(MANY_TRAIN, MANY_VALIDATION), TrainingSettings(epochs=50, early_stop_patience=0)
    first = judge(epochs[:12], settings)[0]
    assert first.word == "Perhaps overfitting since epoch 9" and first.tone == "warning"
    assert not any("verfitting" in said.word for said in judge(epochs[:13], settings))
    assert overfitting_story(epochs, 50) == ""


def test_a_run_recorded_on_the_simulated_rig_is_called_out_five_epochs_later() -> None:
    settings = TrainingSettings(epochs=36, early_stop_patience=0)
    epochs = curve(RIG_TRAIN, RIG_VALIDATION)
    assert overfitting_since(epochs[:20]) is None
    assert judge(epochs[:24], settings)[0].word == "Perhaps overfitting since epoch 20"
    first = judge(epochs[:25], settings)[0]
    assert first.word == "Overfitting since epoch 20"
    assert "stop at epoch 35 and save 1 epoch." in first.next_step
    assert judge(epochs, settings)[0].word == "Overfitting since epoch 20"
    assert "px above training, " in next(said for said in judge(epochs, settings) if "gap" in said.word).evidence


def test_patience_never_reaches_beyond_the_planned_epochs() -> None:
    flat = curve([4] * 8, [4, 4.01, 4.02, 4.0, 4.01, 4.0, 4.01, 4.0])
    said = {judgement.word: judgement for judgement in judge(flat, TrainingSettings(epochs=10, early_stop_patience=15))}
    assert said["No better for a while"].evidence.endswith("it ends by itself at epoch 10.")


def test_the_classic_run_is_called_out() -> None:
    assert overfitting_story(v3(), 50, patience=15) == "overfitting since epoch 8; stop at 23; 27 epochs saved"
    assert overfitting_story(v3(), 50) == "overfitting since epoch 8; stop at 23; 27 epochs saved"
    first = judge(v3(), TrainingSettings(epochs=50, early_stop_patience=0))[0]
    assert first.word == "Overfitting since epoch 8"
    assert first.tone == "bad"
    assert "stop at epoch 23 and save 27 epochs" in first.next_step


def test_the_classic_run_is_called_out_while_it_runs() -> None:
    assert overfitting_since(v3(8)) is None
    assert overfitting_since(v3(12)) == 8
    assert stop_epoch(v3(12), 50, 15) == 23
    assert stop_epoch(v3(12), 20, 15) is None


def test_early_stopping_is_foretold_as_it_counts_with_the_network_as_it_came_to_beat() -> None:
    losses = [9.0, 8.5, 8.0, 7.5, 7.4, *[7.6] * 30]
    stopping, epochs = EarlyStopping(patience=10), []
    stopping.start_from(5.0, 5.0)
    for epoch, done in enumerate(curve([6.0] * len(losses), losses), start=1):
        is_best = stopping.update(epoch, done.validation_loss)
        epochs.append(replace(done, epochs_without_improvement=stopping.waited, is_best=is_best, best_epoch=0))
        if stopping.should_stop:
            break
    assert epochs[-1].epoch == 10
    assert [stop_epoch(epochs[:seen], 50, 10) for seen in (1, 5, 10)] == [10, 10, 10]


def test_validation_rising_three_times_while_training_falls_is_overfitting() -> None:
    epochs = curve([5, 4, 3.9, 3.8, 3.7], [5, 4, 4.001, 4.002, 4.003])
    assert overfitting_since(epochs) == 2


@pytest.mark.parametrize(
    ("train", "validation"),
    [
        ([5, 4, 3, 2.5, 2.2], [5.5, 4.4, 3.5, 3.1, 3.0]),  # both fall
        ([5, 4, 4.1, 4.2, 4.1, 4.2], [5, 4, 4.2, 4.3, 4.2, 4.3]),  # neither learns
        ([5, 4, 3], [5, 6, 7]),  # too early to say
    ],
)
def test_healthy_or_short_curves_are_no_overfitting(train: list[float], validation: list[float]) -> None:
    assert overfitting_since(curve(train, validation)) is None
    assert overfitting_story(curve(train, validation), 50) == ""


def test_a_gap_is_large_beyond_5_px_or_30_percent() -> None:
    assert large_gap(curve([14], [19.5])[0])
    assert large_gap(curve([0.6], [0.9])[0])
    assert not large_gap(curve([14], [18.5])[0])
    words = [judgement.word for judgement in judge(curve([3, 2, 1], [5, 4, 3.5]), TrainingSettings())]
    assert words == ["Large gap to validation", "Improving"]
    opening = judge(curve([14, 13, 11], [16, 16.5, 14.5]), TrainingSettings())
    assert "The gap opens" in [judgement.word for judgement in opening]


def test_improvement_is_measured_against_the_network_as_it_came() -> None:
    said = judge(curve([4, 3], [4, 3]), TrainingSettings(), BaselineDone(6, 6.0, 1.0))
    assert said[0].word == "Improving"
    assert "6 → 3 px (-50%)" in said[0].evidence


def test_it_says_whether_a_lower_rate_helped() -> None:
    train = [5, 4.9, 4.8, 4.7, 4.6, 4.5, 4.4]
    rates = [1e-4] * 3 + [5e-5] * 4
    helped = judge(curve(train, [5, 5, 5, 4, 3.9, 4, 4], rates), TrainingSettings())
    assert "The lower rate helped" in [judgement.word for judgement in helped]
    flat = judge(curve(train, [5, 4.9, 4.95, 4.95, 4.95, 4.95, 4.95], rates), TrainingSettings())
    assert "The lower rate did not help" in [judgement.word for judgement in flat]


def test_spikes_and_hopeless_runs_are_named() -> None:
    spike = judge(curve([2, 2, 2, 2, 9], [2, 2, 2, 2, 2]), TrainingSettings())
    assert spike[0].word == "Loss spike"
    worst = [FrameScore(i, f"shelf {i}", "shelf", 40.0 - i, 0.9, 100) for i in range(5)]
    hopeless = judge(curve([30] * 20, [30] * 20), TrainingSettings(), frames=worst)
    assert hopeless[0].word == "It does not learn to match"
    assert [frame.index for frame in hopeless[0].frames] == [0, 1, 2]


def test_validation_that_rises_while_training_does_not_fall_is_too_high_a_rate() -> None:
    said = judge(curve([5, 5, 5.2, 5.5, 6], [5, 5.2, 5.5, 6, 7]), TrainingSettings())
    assert said[0].word == "The learning rate is too high"
    assert "Halve" in said[0].next_step


def test_a_long_wait_is_named_with_the_patience_used() -> None:
    flat = curve([4] * 8, [4, 4.01, 4.02, 4.0, 4.01, 4.0, 4.01, 4.0])
    said = {judgement.word: judgement for judgement in judge(flat, TrainingSettings(early_stop_patience=15))}
    assert said["No better for a while"].evidence == "7 of 15 patience used; it ends by itself at epoch 16."
    unguarded = {judgement.word: judgement for judgement in judge(flat, TrainingSettings(early_stop_patience=0))}
    assert unguarded["No better for a while"].next_step


def test_health_and_grades_are_praised() -> None:
    words = [judgement.word for judgement in judge(curve([20, 14, 10], [21, 15, 11]), TrainingSettings())]
    assert "Healthy" in words
    assert "Great, < 12 px" in words
    fine = [judgement.word for judgement in judge(curve([2, 1.5, 1.2], [2, 1.6, 1.3]), TrainingSettings())]
    assert not any("px" in word for word in fine)  # a network that came with 2 px earns no grade for 1.3


def test_forgetting_is_noticed_by_the_guard() -> None:
    last = replace(curve([2], [2])[0], guard_epe_px=1.5)
    before = BaselineDone(2.0, 2.0, 1.0, guard_epe_px=1.0)
    said = judge_guard(last, before, TrainingSettings(rehearsal_share=0))
    assert said is not None
    assert "from 1 to 1.5 px" in said.evidence and "Safe fine-tune" in said.next_step
    careful = judge_guard(last, before, TrainingSettings(rehearsal_share=0.5))
    assert careful is not None and "raise the share of rehearsal" in careful.next_step
    assert judge_guard(replace(last, guard_epe_px=1.05), before, TrainingSettings()) is None
    assert judge_guard(last, BaselineDone(2.0, 2.0, 1.0), TrainingSettings()) is None


def test_a_broken_run_says_what_is_kept() -> None:
    spike = judge_divergence(Diverged(4, 17, "spike", 80.0, 2.0, 3))
    assert "from 2 to 80 in epoch 4, step 17" in spike.evidence
    assert "after epoch 3, is kept" in spike.evidence
    assert "no number" in judge_divergence(Diverged(2, 0, "not a number", None, None, 1)).word


def test_grades_follow_the_classic_recipe() -> None:
    assert grade(7.9).startswith("excellent")
    assert grade(11).startswith("great")
    assert grade(14).startswith("good")
    assert grade(19) == ""


def test_nothing_is_said_before_the_first_epoch() -> None:
    assert judge([], TrainingSettings()) == []
