"""The metrics against an implementation written pixel by pixel from their definitions, on maps with every oddity."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pytest

from depthstudio.evaluation.metrics import DisparityMetrics, disparity_metrics, mean_metrics, pooled_metrics

TOLERANCE = 1e-6


def by_hand(predicted: np.ndarray, truth: np.ndarray, holes_are_bad: bool, shift: float) -> dict[str, float]:
    """One pixel after the other, in Python floats."""
    asked = answered = 0
    total = squares = relative = 0.0
    over = {"bad_05": 0, "bad_1": 0, "bad_2": 0, "bad_3": 0, "d1": 0}
    limits = {"bad_05": 0.5, "bad_1": 1.0, "bad_2": 2.0, "bad_3": 3.0}
    for row in range(truth.shape[0]):
        for column in range(truth.shape[1]):
            true, given = float(truth[row, column]), float(predicted[row, column])
            if math.isnan(true) or math.isinf(true) or true <= 0:
                continue
            asked += 1
            if math.isnan(given) or math.isinf(given) or given < 0:
                for name in over:
                    over[name] += holes_are_bad
                continue
            answered += 1
            error = abs(given - true)
            total += error
            squares += error * error
            # Z = c / (d + shift) with any c
            z, true_z = 1 / max(given + shift, 0.1), 1 / (true + shift)
            relative += abs(z - true_z) / true_z
            for name, limit in limits.items():
                over[name] += error > limit
            over["d1"] += error > 3.0 and error / true > 0.05
    counted = asked if holes_are_bad else answered
    shares = {name: count / counted if counted else math.nan for name, count in over.items()}
    return {
        **shares,
        "epe_px": total / answered if answered else math.nan,
        "rmse_px": math.sqrt(squares / answered) if answered else math.nan,
        "abs_rel": relative / answered if answered else math.nan,
        "density": answered / asked if asked else math.nan,
        "pixels": counted,
        "answered": answered,
        "asked": asked,
    }


def odd_maps(seed: int, known: float) -> tuple[np.ndarray, np.ndarray]:
    """Truth of a density `known` with NaN, zero, negative and infinite pixels; a prediction with the same."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.3, 120, (31, 47)).astype(np.float32)
    predicted = (truth + rng.normal(0, 2, truth.shape) + (rng.random(truth.shape) < 0.1) * 20).astype(np.float32)
    truth[rng.random(truth.shape) > known] = np.nan
    for values in (truth, predicted):
        for odd in (np.nan, 0.0, -3.0, np.inf, -np.inf):
            values[rng.random(values.shape) < 0.03] = odd
    return predicted, truth


def agree(found: DisparityMetrics, expected: dict[str, float]) -> None:
    measured = asdict(found)
    assert measured.keys() == expected.keys()
    for name, value in expected.items():
        assert measured[name] == pytest.approx(value, abs=TOLERANCE, rel=TOLERANCE, nan_ok=True), name


@pytest.mark.parametrize("known", [1.0, 0.3, 0.004, 0.0], ids=["dense", "sparse", "a few", "none"])
@pytest.mark.parametrize("holes_are_bad", [False, True])
def test_one_image(known: float, holes_are_bad: bool) -> None:
    for seed in range(3):
        predicted, truth = odd_maps(seed, known)
        for shift in (0.0, 31.5):
            found = disparity_metrics(predicted, truth, holes_are_bad=holes_are_bad, shift_px=shift)
            agree(found, by_hand(predicted, truth, holes_are_bad, shift))


@pytest.mark.parametrize("holes_are_bad", [False, True])
def test_many_images_pooled_are_one_large_image(holes_are_bad: bool) -> None:
    pairs = [odd_maps(seed, known) for seed, known in enumerate((1.0, 0.2, 0.01, 0.0))]
    pairs.append((np.full((31, 47), np.nan, np.float32), odd_maps(9, 0.5)[1]))  # predicts nothing at all
    pooled = pooled_metrics([disparity_metrics(p, t, holes_are_bad=holes_are_bad) for p, t in pairs])
    together = tuple(np.concatenate(maps) for maps in zip(*pairs, strict=True))
    agree(pooled, by_hand(*together, holes_are_bad, 0.0))


def test_the_mean_over_images_leaves_out_what_could_not_be_measured() -> None:
    pairs = [odd_maps(seed, known) for seed, known in enumerate((1.0, 0.2, 0.0))]
    expected = [by_hand(*pair, False, 0.0) for pair in pairs]
    mean = mean_metrics(disparity_metrics(*pair) for pair in pairs)
    for name in ("epe_px", "bad_05", "d1", "abs_rel", "rmse_px", "density"):
        known = [one[name] for one in expected if not math.isnan(one[name])]
        assert getattr(mean, name) == pytest.approx(sum(known) / len(known), abs=TOLERANCE), name
