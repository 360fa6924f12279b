"""Disparity errors on small maps whose numbers can be counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from depthstudio.evaluation.metrics import disparity_metrics, mean_metrics


def test_errors_counted_by_hand() -> None:
    truth = np.array([[10, 10, 10, 10, 100]], np.float32)
    predicted = np.array([[10, 11.5, 12.5, 14, 104]], np.float32)
    metrics = disparity_metrics(predicted, truth)
    assert metrics.epe_px == pytest.approx((0 + 1.5 + 2.5 + 4 + 4) / 5)
    assert (metrics.bad_1, metrics.bad_2, metrics.bad_3) == pytest.approx((4 / 5, 3 / 5, 2 / 5))
    assert metrics.d1 == pytest.approx(1 / 5)
    assert metrics.rmse_px == pytest.approx(math.sqrt((1.5**2 + 2.5**2 + 4**2 + 4**2) / 5))
    assert (metrics.density, metrics.pixels) == (1.0, 5)


def test_unknown_truth_is_left_out() -> None:
    truth = np.array([[np.nan, 0, np.inf, -1, 8]], np.float32)
    metrics = disparity_metrics(np.full((1, 5), 9, np.float32), truth)
    assert (metrics.pixels, metrics.epe_px) == (1, 1)


def test_holes_are_left_out_or_counted_as_bad() -> None:
    truth = np.full((1, 4), 10, np.float32)
    predicted = np.array([[10, 15, np.nan, -1]], np.float32)
    valid_only = disparity_metrics(predicted, truth)
    assert (valid_only.bad_2, valid_only.density, valid_only.pixels) == (0.5, 0.5, 2)
    everything = disparity_metrics(predicted, truth, holes_are_bad=True)
    assert (everything.bad_2, everything.d1, everything.pixels) == (0.75, 0.75, 4)
    assert everything.epe_px == valid_only.epe_px


def test_a_predicted_zero_is_an_answer() -> None:
    metrics = disparity_metrics(np.zeros((1, 2), np.float32), np.full((1, 2), 5, np.float32))
    assert (metrics.density, metrics.epe_px) == (1, 5)


def test_mask_restricts_the_pixels() -> None:
    truth = np.full((2, 2), 10, np.float32)
    predicted = np.array([[10, 20], [10, 20]], np.float32)
    assert disparity_metrics(predicted, truth, np.array([[True, False]] * 2)).epe_px == 0


def test_nothing_to_measure_gives_nan_and_is_skipped_in_means() -> None:
    nothing = disparity_metrics(np.ones((2, 2), np.float32), np.full((2, 2), np.nan, np.float32))
    assert math.isnan(nothing.epe_px)
    assert math.isnan(nothing.bad_2)
    one = disparity_metrics(np.full((1, 2), 12, np.float32), np.full((1, 2), 10, np.float32))
    three = disparity_metrics(np.full((9, 9), 14, np.float32), np.full((9, 9), 10, np.float32))
    assert mean_metrics([one, three, nothing]).epe_px == pytest.approx(3)
    assert mean_metrics([one, three]).pixels == 83


def test_sizes_must_agree() -> None:
    with pytest.raises(ValueError, match="sizes differ"):
        disparity_metrics(np.zeros((2, 3), np.float32), np.zeros((3, 2), np.float32))
