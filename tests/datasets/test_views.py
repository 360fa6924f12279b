from __future__ import annotations

import numpy as np

from depthstudio.datasets.views import (
    NEW_VIEW,
    SAME_VIEW,
    STILL_LEVELS,
    ViewMemory,
    find_duplicates,
    motion_levels,
    motion_picture,
    view_distance,
    view_signature,
)


def scene(seed: int = 0, shift_px: int = 0, noise: float = 0.0, gain: float = 1.0) -> np.ndarray:
    """Blocks of grey, seen by a camera that may have turned, with sensor noise and exposure."""
    blocks = np.random.default_rng(seed).integers(20, 200, (12, 32)).repeat(20, axis=0).repeat(20, axis=1)
    picture = gain * blocks[:, 100 + shift_px : 420 + shift_px]
    picture = picture + noise * np.random.default_rng(99).standard_normal(picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def test_noise_and_exposure_do_not_make_a_new_view_but_turning_the_camera_does() -> None:
    known = view_signature(scene())
    assert view_distance(known, view_signature(scene(noise=4, gain=0.7))) < SAME_VIEW
    assert view_distance(known, view_signature(scene(shift_px=60))) > NEW_VIEW
    assert view_distance(known, view_signature(scene(seed=1))) > NEW_VIEW


def test_colour_and_grey_pictures_of_one_view_are_alike() -> None:
    grey = scene()
    assert view_distance(view_signature(grey), view_signature(np.dstack([grey] * 3))) < SAME_VIEW


def test_a_camera_at_rest_is_still_and_a_small_thing_that_moves_is_not() -> None:
    before = motion_picture(scene(noise=3))
    assert motion_levels(before, motion_picture(scene(noise=0))) < STILL_LEVELS
    moved = scene(noise=3)
    moved[100:120, 100:120] = 255 - moved[100:120, 100:120]
    assert motion_levels(before, motion_picture(moved)) > STILL_LEVELS
    assert motion_levels(before, motion_picture(scene(shift_px=2))) > STILL_LEVELS


def test_memory_finds_the_nearest_view_and_forgets_the_oldest() -> None:
    memory = ViewMemory(capacity=2)
    first, second, third = (view_signature(scene(seed)) for seed in range(3))
    assert memory.distance(first) == float("inf")
    memory.add(first)
    memory.add(second)
    assert memory.distance(first) == 0
    memory.add(third)
    assert memory.distance(first) > NEW_VIEW
    assert memory.distance(second) == 0


def test_near_copies_are_reported_with_the_frame_that_they_repeat() -> None:
    pictures = {0: scene(0), 2: scene(0, noise=2), 3: scene(1), 5: scene(0, shift_px=80), 7: scene(1, noise=2)}
    report = find_duplicates(list(pictures), lambda position: view_signature(pictures[position]))
    assert report.kept == (0, 3, 5)
    assert report.duplicates == {2: 0, 7: 3}
