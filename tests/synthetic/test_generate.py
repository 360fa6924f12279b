"""Every scene kind is exact, plausible and determined by its seed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from depthstudio.synthetic import DEFAULT_MIX, INFRARED, KINDS, generate_scene, pixel_grid, render_pair, render_view

SIZE = (192, 96)
ALL_KINDS = (*KINDS, INFRARED)


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_right_view_warped_by_the_true_disparity_is_the_left_view(kind: str, seed: int) -> None:
    scene = generate_scene(seed, kind, SIZE, max_disparity=48)
    x, y = pixel_grid(SIZE)
    pair = render_pair(scene)
    left = render_view(scene, x, y, "left")
    right = render_view(scene, x - left.disparity_px, y, "right")
    # Blends at outlines and glass show two surfaces at once: they have no single disparity.
    visible = ~pair.occluded & left.pure & right.pure
    assert visible.mean() > (0.05 if kind == "transparent" else 0.25)
    difference = np.abs(left.image - right.image).mean(axis=2)[visible] / 255
    assert difference.mean() < 0.002


@pytest.mark.parametrize("kind", ["clutter", "room", "weak"])
def test_the_eight_bit_images_agree_by_plain_interpolation_too(kind: str) -> None:
    scene = generate_scene(11, kind, SIZE, max_disparity=48)
    pair = render_pair(scene)
    x, y = pixel_grid(SIZE)
    warped = cv2.remap(pair.right, x - pair.disparity_px, y, cv2.INTER_CUBIC)
    layer = render_view(scene, x, y, "left").layer.astype(np.float32)
    interior = cv2.morphologyEx(layer, cv2.MORPH_GRADIENT, np.ones((5, 5))) == 0
    visible = interior & ~cv2.dilate(pair.occluded.astype(np.uint8), np.ones((3, 3))).astype(bool)
    difference = np.abs(warped.astype(float) - pair.left).mean(axis=2)[visible] / 255
    assert np.median(difference) < 0.01


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_occlusion_agrees_with_the_other_view_rendered_at_the_exact_position(kind: str) -> None:
    scene = generate_scene(5, kind, SIZE, max_disparity=48)
    pair = render_pair(scene)
    x, y = pixel_grid(SIZE)
    assert pair.right_disparity_px is not None and pair.right_occluded is not None
    for disparity, occluded, sign, other in (
        (pair.disparity_px, pair.occluded, -1, "right"),
        (pair.right_disparity_px, pair.right_occluded, 1, "left"),
    ):
        target = x + sign * disparity
        seen = render_view(scene, target, y, other)
        hidden = (seen.disparity_px > disparity + 0.02) | (target < 0) | (target > SIZE[0] - 1)
        # Only things thinner than a pixel may differ.
        assert (hidden != occluded).mean() < 0.003


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_disparities_cover_every_pixel_and_stay_in_range(kind: str) -> None:
    for seed in range(6):
        pair = render_pair(generate_scene(seed, kind, SIZE, max_disparity=48))
        for disparity in (pair.disparity_px, pair.right_disparity_px):
            assert disparity is not None
            assert np.isfinite(disparity).all()
            assert disparity.min() > 0.2
            assert disparity.max() <= 48
        assert pair.left.shape == (SIZE[1], SIZE[0], 3) and pair.left.dtype == np.uint8


def test_the_same_seed_gives_the_same_pair_whatever_came_before() -> None:
    first = render_pair(generate_scene(77, None, SIZE))
    render_pair(generate_scene(400, None, SIZE))
    again = render_pair(generate_scene(77, None, SIZE))
    np.testing.assert_array_equal(first.left, again.left)
    np.testing.assert_array_equal(first.right, again.right)
    np.testing.assert_array_equal(first.disparity_px, again.disparity_px)
    other = render_pair(generate_scene(78, None, SIZE))
    assert (first.left != other.left).any()


def test_kinds_come_in_the_asked_mix_and_disparity_scales_are_spread() -> None:
    kinds = [generate_scene(seed, size=SIZE).kind for seed in range(120)]
    assert set(kinds) <= set(DEFAULT_MIX)
    assert 0.2 < kinds.count("clutter") / len(kinds) < 0.6
    assert {generate_scene(seed, size=SIZE, mix={"thin": 1.0}).kind for seed in range(3)} == {"thin"}
    largest = [render_pair(generate_scene(seed, "clutter", SIZE, 64)).disparity_px.max() for seed in range(12)]
    assert min(largest) < 12
    assert max(largest) > 30


def test_weak_scenes_have_less_texture_than_clutter() -> None:
    def contrast(kind: str) -> float:
        grey = [cv2.cvtColor(render_pair(generate_scene(s, kind, SIZE)).left, cv2.COLOR_RGB2GRAY) for s in range(4)]
        return float(np.mean([np.abs(np.diff(image.astype(float), axis=1)).mean() for image in grey]))

    assert contrast("weak") < 0.6 * contrast("clutter")
