"""Crops, flips, dots and the sensor model keep the truth true."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from depthstudio.synthetic import (
    INFRARED,
    Sensor,
    SyntheticPair,
    augment,
    dot_pattern,
    dots_on_surface,
    generate_scene,
    pixel_grid,
    render_pair,
    sensor_noise,
)
from depthstudio.synthetic.augment import misaligned
from depthstudio.synthetic.crop import mirrored, upside_down, vary, window

SIZE = (192, 96)


@pytest.fixture(scope="module")
def pair() -> SyntheticPair:
    return render_pair(generate_scene(11, "room", SIZE, max_disparity=40))


def mismatch(pair: SyntheticPair) -> float:
    """Median difference of left and warped right where visible, share of full scale."""
    height, width = pair.disparity_px.shape
    x, y = pixel_grid((width, height))
    warped = cv2.remap(np.ascontiguousarray(pair.right), x - pair.disparity_px, y, cv2.INTER_LINEAR)
    return float(np.median(np.abs(warped.astype(float) - pair.left)[~pair.occluded])) / 255


def test_every_geometric_variation_keeps_left_and_right_in_agreement(pair: SyntheticPair) -> None:
    assert mismatch(pair) < 0.015
    assert mismatch(mirrored(pair)) < 0.015
    assert mismatch(upside_down(pair)) < 0.015
    assert mismatch(window(pair, (20.3, 10.6), (1.4, 1.2), (96, 64))) < 0.015
    assert mismatch(window(pair, (20.3, 4.2), (0.6, 0.5), (96, 44))) < 0.015
    rng = np.random.default_rng(0)
    for _ in range(10):
        varied = vary(pair, rng, (128, 64))
        assert varied.left.shape == (64, 128, 3)
        assert mismatch(varied) < 0.02


def test_a_stretched_window_scales_disparity(pair: SyntheticPair) -> None:
    part = window(pair, (0, 0), (2.0, 1.0), (128, 64))
    np.testing.assert_allclose(np.median(part.disparity_px), 2 * np.median(pair.disparity_px[:64, :64]), rtol=0.05)
    x = np.arange(128)
    assert part.occluded[x - part.disparity_px < 0].all()


def test_a_reduced_window_halves_the_disparity_and_does_not_alias(pair: SyntheticPair) -> None:
    x, y = pixel_grid(SIZE)
    striped = np.repeat((255 * ((x + y) % 2)).astype(np.uint8)[..., None], 3, axis=2)
    striped[:, 96:] = 200
    part = window(replace(pair, left=striped), (9.7, 3.1), (0.5, 0.5), (80, 40))
    np.testing.assert_allclose(np.median(part.disparity_px), np.median(pair.disparity_px[3:83, 9:170]) / 2, rtol=0.1)
    assert part.left[4:-4, 4:38, 0].std() < 15 and abs(part.left[4:-4, 4:38].mean() - 127.5) < 10
    assert (part.left[4:-4, 50:76] == 200).all()


def test_windows_respect_the_largest_disparity(pair: SyntheticPair) -> None:
    largest = float(pair.disparity_px.max())
    rng = np.random.default_rng(1)
    for _ in range(20):
        assert vary(pair, rng, (64, 32), max_disparity=largest).disparity_px.max() <= 1.05 * largest + 1


def test_augmentation_is_reproducible_and_leaves_the_truth_alone(pair: SyntheticPair) -> None:
    first, again = (augment(pair, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first.left, again.left)
    np.testing.assert_array_equal(first.right, again.right)
    assert first.disparity_px is pair.disparity_px
    assert first.left.dtype == np.uint8 and first.left.shape == pair.left.shape
    assert (augment(pair, np.random.default_rng(6)).left != first.left).any()


def test_grey_comes_in_two_fifths_and_always_for_infrared(pair: SyntheticPair) -> None:
    def is_grey(image: np.ndarray) -> bool:
        return bool((image[..., 0] == image[..., 1]).all())

    rng = np.random.default_rng(0)
    share = np.mean([is_grey(augment(pair, rng).left) for _ in range(60)])
    assert 0.2 < share < 0.6
    infrared = render_pair(generate_scene(3, INFRARED, SIZE))
    assert all(is_grey(augment(infrared, rng).right) for _ in range(5))


def test_a_dot_lies_on_the_same_point_in_both_views(pair: SyntheticPair) -> None:
    assert pair.right_disparity_px is not None
    x, y = pixel_grid(SIZE)
    pattern = dot_pattern(0)
    left = dots_on_surface(pattern, x, y, pair.disparity_px, -0.3)
    right = dots_on_surface(pattern, x, y, pair.right_disparity_px, 0.7)
    # Interpolated at fine steps: dots are hardly wider than a pixel.
    warped = cv2.remap(right, x - pair.disparity_px, y, cv2.INTER_CUBIC)
    assert np.corrcoef(warped[~pair.occluded], left[~pair.occluded])[0, 1] > 0.95
    assert 0.05 < left.mean() < 0.6


def test_the_dot_pattern_tiles() -> None:
    pattern = dot_pattern(1)
    seam = np.abs(pattern[:, 0] - pattern[:, -1]).mean()
    inside = np.abs(pattern[:, 100] - pattern[:, 101]).mean()
    assert seam < 1.5 * inside


def test_noise_has_the_asked_variance() -> None:
    flat = np.full((200, 200), 100, np.float32)
    noisy = sensor_noise(flat, np.random.default_rng(0), shot=0.2, read=3.0)
    assert noisy.mean() == pytest.approx(100, abs=0.2)
    assert noisy.var() == pytest.approx(0.2 * 100 + 9, rel=0.05)


def test_a_neutral_sensor_changes_nothing_and_exposure_saturates() -> None:
    image = np.tile(np.arange(256, dtype=np.float32), (8, 1))
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(Sensor().develop(image, rng), image.astype(np.uint8))
    assert (Sensor(gain=2.0).develop(image, rng)[:, 128:] == 255).all()


def test_misalignment_moves_rows_only() -> None:
    columns = np.tile(np.linspace(0, 255, 96, dtype=np.float32), (64, 1))
    rows = np.ascontiguousarray(columns.T)
    rng = np.random.default_rng(3)
    np.testing.assert_allclose(misaligned(columns, rng), columns, atol=1e-3)
    per_row = 255 / 95
    moved = misaligned(rows, rng)[8:-8]
    assert 0 < np.abs(moved - rows[8:-8]).max() <= 1.5 * per_row + 1e-3
