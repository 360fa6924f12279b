from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from depthstudio.cameras.frame_stages import MOVING, NO_DEPTH, SEEN
from depthstudio.cameras.label_burst import LabelBursts, fuse_depths
from depthstudio.datasets.views import ViewMemory, view_signature
from depthstudio.errors import SourceError
from depthstudio.frames import StereoFrame

TRUTH_MM = np.linspace(600, 4000, 64).astype(np.float64)[None, :].repeat(48, axis=0)


def noisy(number: int, spread_px: float = 0.08, moved_px: int = 0) -> StereoFrame:
    """A wall seen through noise that is the same in disparity everywhere; one frame in six misses a pixel."""
    rng = np.random.default_rng(number)
    disparity = 19250 / TRUTH_MM + spread_px * rng.standard_normal(TRUTH_MM.shape)
    depth = np.where(rng.uniform(size=TRUTH_MM.shape) < 1 / 6, 0, 19250 / disparity).astype(np.uint16)
    left = np.random.default_rng(7).integers(0, 255, (48, 80), np.uint8)[:, moved_px : 64 + moved_px]
    return StereoFrame(number, number / 30, left.copy(), left.copy(), depth)


def test_a_fused_label_is_closer_to_the_truth_than_one_picture() -> None:
    frames = [noisy(n) for n in range(15)]
    label = fuse_depths([frame.depth_mm for frame in frames if frame.depth_mm is not None])

    def error(depth_mm: np.ndarray) -> float:
        return float(np.abs(depth_mm[depth_mm > 0] - TRUTH_MM[depth_mm > 0]).mean())

    assert frames[0].depth_mm is not None
    assert error(label.depth_mm) < 0.5 * error(frames[0].depth_mm)
    assert (label.depth_mm > 0).mean() > 0.99 > (frames[0].depth_mm > 0).mean()
    assert np.median(label.confidence) > 150


def test_pixels_that_flicker_or_jump_get_low_confidence_or_no_label() -> None:
    depths = [np.full((4, 4), 1000, np.uint16) for _ in range(9)]
    for number, depth in enumerate(depths):
        depth[0, 0] = 1000 if number < 3 else 0  # measured too seldom
        depth[0, 1] = 1000 if number % 2 else 3000  # two surfaces
        depth[0, 2] = 1000 + 8 * (number % 3)  # uneasy
    label = fuse_depths(depths)
    assert label.depth_mm[0, 0] == 0 and label.confidence[0, 0] == 0
    assert label.depth_mm[0, 1] == 0
    assert 0 < label.confidence[0, 2] < 255
    assert label.confidence[1, 1] == 255 and label.depth_mm[1, 1] == 1000


def test_a_still_view_gives_one_frame_and_then_a_new_view_is_awaited() -> None:
    views = ViewMemory()
    stage = LabelBursts(views, None, frames=5)
    taken = [stage.take(noisy(n)) for n in range(5)]
    assert taken[:4] == [None] * 4
    fused = taken[4]
    assert fused is not None and fused.label_confidence is not None
    assert fused.metadata["burst_frames"] == 5 and fused.metadata["burst_first_number"] == 0
    views.add(view_signature(fused.left))
    assert stage.take(noisy(6)) is None
    assert stage.refused == {SEEN: 1}


def test_a_moving_scene_is_refused_and_counted() -> None:
    stage = LabelBursts(ViewMemory(), None, frames=4)
    assert all(stage.take(noisy(n, moved_px=n)) is None for n in range(12))
    assert stage.refused[MOVING] == 11
    assert "hold still" in stage.hint


def test_a_source_without_depth_is_refused() -> None:
    bare = StereoFrame(0, 0.0, np.zeros((48, 64), np.uint8), np.zeros((48, 64), np.uint8))
    stage = LabelBursts(ViewMemory(), None)
    with pytest.raises(SourceError, match="no depth"):
        for _ in range(60):
            stage.take(bare)


def test_a_frame_without_depth_now_and_then_ends_nothing() -> None:
    stage = LabelBursts(ViewMemory(), None, frames=4)
    taken = [stage.take(noisy(n) if n % 3 else replace(noisy(n), depth_mm=None)) for n in range(200)]
    assert len([frame for frame in taken if frame is not None]) == 33
    assert stage.refused[NO_DEPTH] == 67
