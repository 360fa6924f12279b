"""The disk pool fills itself, refreshes in the background and survives being killed."""

from __future__ import annotations

import os
import pickle
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from depthstudio.synthetic import ScenePool, validation_scenes
from depthstudio.synthetic.benchmark import measure
from depthstudio.synthetic.refresh import refresh
from depthstudio.synthetic.storage import load_pair, save_pair

SIZE = (96, 64)


@pytest.fixture
def pool(tmp_path: Path) -> ScenePool:
    return ScenePool(tmp_path, count=6, size=SIZE, crop=(64, 48), first_few=2, max_disparity=24)


def wait_until(condition, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def test_an_empty_pool_renders_its_first_scenes(pool: ScenePool) -> None:
    sample = pool.sample(np.random.default_rng(0))
    assert pool.seeds() == [0, 1]
    assert sample.left.shape == (48, 64, 3)
    assert sample.disparity_px.shape == sample.occluded.shape == (48, 64)
    assert sample.disparity_px.dtype == np.float32


def test_a_stored_pair_comes_back(pool: ScenePool) -> None:
    pair = pool.render(3)
    stored = load_pair(pool.path(3))
    np.testing.assert_array_equal(stored.left, pair.left)
    np.testing.assert_array_equal(stored.right, pair.right)
    np.testing.assert_array_equal(stored.occluded, pair.occluded)
    np.testing.assert_allclose(stored.disparity_px, pair.disparity_px, atol=1 / 128 + 1e-6)
    assert stored.kind == pair.kind
    assert pool.path(3).stat().st_size < 10.3 * SIZE[0] * SIZE[1] + 4000


def test_samples_follow_the_generator(pool: ScenePool) -> None:
    first, again = (pool.sample(np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(first.left, again.left)
    np.testing.assert_array_equal(first.disparity_px, again.disparity_px)


def test_a_pickled_pool_samples_in_a_worker(pool: ScenePool) -> None:
    pool.sample(np.random.default_rng(0))
    worker = pickle.loads(pickle.dumps(pool))
    assert worker.sample(np.random.default_rng(1)).left.shape == (48, 64, 3)


def test_damaged_and_vanished_files_are_passed_over(pool: ScenePool) -> None:
    for seed in range(3):
        pool.render(seed)
    rng = np.random.default_rng(0)
    pool.sample(rng)
    pool.path(0).write_bytes(pool.path(0).read_bytes()[:5000])
    pool.path(1).unlink()
    for _ in range(8):
        assert pool.sample(rng).left.shape == (48, 64, 3)
    assert pool.seeds() == [2]


def test_the_refresh_fills_replaces_and_resumes_after_a_kill(pool: ScenePool) -> None:
    pool.start_refresh(replace_share=1.0)
    try:
        wait_until(lambda: len(pool.seeds()) >= 6 and pool.seeds()[0] > 0)
    finally:
        for process in pool._processes:
            process.kill()
        pool.stop()
    before = pool.seeds()
    assert before
    for seed in before:
        load_pair(pool.path(seed))
    pool.start_refresh(replace_share=1.0)
    try:
        assert pool.is_refreshing
        wait_until(lambda: pool.seeds()[-1] > before[-1] + 2)
    finally:
        pool.stop()
    assert not pool.is_refreshing
    assert len(pool.seeds()) <= 7
    for seed in pool.seeds():
        load_pair(pool.path(seed))


def test_pools_of_other_mixes_keep_to_themselves(pool: ScenePool, tmp_path: Path) -> None:
    pool.render(0)
    thin = ScenePool(tmp_path, count=2, size=SIZE, crop=(64, 48), first_few=1, max_disparity=24, mix={"thin": 1.0})
    assert thin.seeds() == []
    assert thin.sample(np.random.default_rng(0)).kind == "thin"
    thin.start_refresh(replace_share=1.0)
    try:
        wait_until(lambda: len(thin.seeds()) == 2 and thin.seeds()[0] > 0)
    finally:
        thin.stop()
    assert all(load_pair(thin.path(seed)).kind == "thin" for seed in thin.seeds())
    assert pool.seeds() == [0]


def test_half_written_files_of_killed_processes_go_after_a_while(pool: ScenePool) -> None:
    pool.render(0)
    old, young = (pool.scenes_folder / f".000000000{seed}.{pid}.tmp.npz" for seed, pid in ((1, 11), (2, 22)))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 3600, time.time() - 3600))
    pool.remove_leftovers()
    assert not old.exists()
    assert young.exists()
    assert pool.seeds() == [0]


def test_storing_needs_the_truth_of_both_views(pool: ScenePool, tmp_path: Path) -> None:
    pair = pool.render(0)
    with pytest.raises(ValueError, match="both views"):
        save_pair(tmp_path / "half.npz", type(pair)(pair.left, pair.right, pair.disparity_px, pair.occluded, "room"))
    assert not (tmp_path / "half.npz").exists()


def test_validation_scenes_are_the_same_every_time() -> None:
    first, again = (validation_scenes(1, SIZE, 24, kinds=("weak", "infrared")) for _ in range(2))
    assert [pair.kind for pair in first] == ["weak", "infrared"]
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.left, b.left)
        np.testing.assert_array_equal(a.right, b.right)


def test_the_benchmark_counts_pairs() -> None:
    result = measure(0.2, (96, 64))
    assert result["fresh_pairs_per_s"] > 0
    assert result["pooled_pairs_per_s"] > 0


def test_a_scene_that_cannot_be_rendered_is_told_and_skipped(
    pool: ScenePool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stop, render = threading.Event(), ScenePool.render

    def render_or_fail(self: ScenePool, seed: int) -> None:
        if seed == pool.seed:
            raise ValueError("a scene without sense")
        render(self, seed)
        stop.set()

    monkeypatch.setattr(ScenePool, "render", render_or_fail)
    refresh(pool, stop)
    assert pool.seeds() == [pool.seed + 1]
    assert "a scene without sense" in capsys.readouterr().err
