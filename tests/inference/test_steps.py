from __future__ import annotations

import numpy as np
import pytest

from depthstudio.inference.steps import Steps, StepSettings

SHAPE = (4, 6)


def flat(value: float) -> np.ndarray:
    return np.full(SHAPE, value, np.float32)


def test_nothing_is_on_at_first() -> None:
    assert not StepSettings().any
    assert StepSettings().words() == []
    assert len(StepSettings(0.5, 0.5, True).words()) == 3


def test_pixels_without_confidence_are_removed_and_counted() -> None:
    confidence = flat(0.9)
    confidence[0] = 0.2
    done = Steps().apply(StepSettings(least_confidence=0.5), 1, flat(10), confidence)
    assert np.isnan(done.disparity_px[0]).all()
    assert (done.disparity_px[1:] == 10).all()
    assert done.removed == pytest.approx(0.25)
    assert not np.isnan(Steps().apply(StepSettings(least_confidence=0.5), 1, flat(10), None).disparity_px).any()


def test_noise_is_averaged_over_time_and_a_new_object_is_there_at_once() -> None:
    random = np.random.default_rng(0)
    steps, settings = Steps(), StepSettings(smoothing=0.8)
    for number in range(60):
        noisy = (10 + random.normal(0, 0.1, SHAPE)).astype(np.float32)
        done = steps.apply(settings, number, noisy, None)
    # an exponential average leaves sqrt((1 - w) / (1 + w)) of the noise: a third
    assert done.disparity_px.std() < 0.06
    nearer = steps.apply(settings, 100, flat(30), None)
    assert (nearer.disparity_px == 30).all()


def test_a_held_frame_is_smoothed_once_however_often_it_is_asked_for() -> None:
    steps, settings = Steps(), StepSettings(smoothing=0.5)
    steps.apply(settings, 1, flat(10.0), None)
    first = steps.apply(settings, 2, flat(10.5), None)
    again = steps.apply(settings, 2, flat(10.5), None)
    assert first.disparity_px[0, 0] == again.disparity_px[0, 0] == pytest.approx(10.25)


def test_holes_take_the_farther_neighbour_and_are_counted() -> None:
    disparity = flat(20)
    disparity[:, :2] = 5
    disparity[:, 2:4] = np.nan
    done = Steps().apply(StepSettings(fill_holes=True), 1, disparity, None)
    assert (done.disparity_px[:, 2:4] == 5).all()
    assert done.filled == pytest.approx(2 / 6)
    assert np.isnan(disparity[0, 2]), "what the network said is untouched"
