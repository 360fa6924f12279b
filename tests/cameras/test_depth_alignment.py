from __future__ import annotations

import numpy as np

from depthstudio.cameras.depth_alignment import DepthAligner

K = np.array([[60.0, 0, 31.5], [0, 60.0, 23.5], [0, 0, 1]])
SIZE = (64, 48)


def test_the_same_camera_changes_nothing() -> None:
    depth_mm = np.random.default_rng(0).integers(300, 4000, (48, 64)).astype(np.uint16)
    depth_mm[10:20, 5:9] = 0
    aligned = DepthAligner(K, SIZE, K, SIZE, R=np.eye(3), T=np.zeros(3)).align(depth_mm)
    np.testing.assert_array_equal(aligned, depth_mm)


def test_a_camera_to_the_right_sees_near_things_further_left_and_the_nearest_wins() -> None:
    depth_mm = np.full((48, 64), 6000, np.uint16)
    depth_mm[20:30, 30:40] = 1000
    # 0.1 m at 60 px focal length: 6 px for what is 1 m away, 1 px for what is 6 m away.
    aligned = DepthAligner(K, SIZE, K, SIZE, R=np.eye(3), T=np.array([-0.1, 0, 0])).align(depth_mm)
    assert (aligned[20:30, 24:34] == 1000).all()
    assert (aligned[20:30, 34:39] == 0).all()  # hidden from the first camera
    assert (aligned[:20, :63] == 6000).all()


def test_depth_is_that_of_the_other_camera_and_footprints_are_closed() -> None:
    depth_mm = np.full((48, 64), 2000, np.uint16)
    larger = K.copy()
    larger[:2] *= 1.5
    aligned = DepthAligner(K, SIZE, larger, (96, 72), R=np.eye(3), T=np.array([0, 0, 0.5])).align(depth_mm)
    inside = aligned[12:60, 16:80]
    assert (inside == 2500).all()
