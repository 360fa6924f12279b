"""The comparison of recipes, on a scale that shows its way and proves nothing about the recipes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from depthstudio.cancel import CancelToken
from depthstudio.cli.bench_overfit import as_table
from depthstudio.datasets.stereo_sample import StereoSample
from depthstudio.errors import UserError
from depthstudio.evaluation.overfit_data import OverfitData
from depthstudio.training import overfit
from depthstudio.training.events import EpochDone
from depthstudio.training.overfit import (
    ARMS,
    ArmResult,
    OverfitPlan,
    OverfitProgress,
    as_json,
    exact_epe_px,
    overfit_benchmark,
)
from depthstudio.training.overfit_scenes import SceneSamples
from depthstudio.training.run import Run
from tests.training.fixtures import tiny_network

TINY = OverfitPlan(
    OverfitData(2, 1, (96, 64)),
    epochs=2,
    crop=(64, 32),
    batch_size=2,
    pretraining_steps=2,
    changes={"precision": "fp32", "device": "cpu", "num_workers": 0, "guard": "off"},
)


@pytest.fixture(autouse=True)
def small_world(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHSTUDIO_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setattr(overfit, "_PRETRAINING_SCENES", 2)
    monkeypatch.setattr(overfit, "_PRETRAINING_FRAMES", 1)


def results_of(folder: Path, plan: OverfitPlan = TINY) -> list[ArmResult]:
    events = list(overfit_benchmark(plan, folder / "data", folder / "out"))
    return [event for event in events if isinstance(event, ArmResult)]


def test_no_room_is_on_both_sides_and_all_frames_are_shared_out() -> None:
    rooms = list(OverfitData().rooms())
    sides = {role: {seed for seed, own, _ in rooms if own == role} for role in ("train", "validation")}
    assert not sides["train"] & sides["validation"] and (len(sides["train"]), len(sides["validation"])) == (10, 5)
    frames = {role: sum(count for _, own, count in rooms if own == role) for role in sides}
    assert frames == {"train": 200, "validation": 50}


def test_every_recipe_gets_the_same_number_of_steps() -> None:
    plan = OverfitPlan(OverfitData())
    assert plan.steps == 2500
    for arm in ARMS:
        settings = plan.settings(arm, arm.network)
        own = 2 if settings.rehearsal_share else 4
        assert settings.epochs * 200 / own == 2500


def test_three_arms_come_out_and_an_interrupted_comparison_goes_on(tmp_path: Path) -> None:
    cancel, seen = CancelToken(), []
    for event in overfit_benchmark(TINY, tmp_path / "data", tmp_path / "out", cancel):
        seen.append(event)
        if isinstance(event, OverfitProgress) and event.stage == ARMS[0].title and isinstance(event.event, EpochDone):
            cancel.cancel()
    assert not any(isinstance(event, ArmResult) for event in seen)
    assert Run.open(tmp_path / "out" / ARMS[0].preset).summary().epochs_run == 1

    results = results_of(tmp_path)
    assert [result.title for result in results] == [arm.title for arm in ARMS]
    v3, recommended, safe = results
    assert (v3.network, recommended.network, safe.network) == ("siamese", "siamese", "depthstudio-s")
    assert (v3.stop_epoch, v3.epochs_saved, v3.steps) == (2, 0, 2)
    assert v3.exact_epe_px_before == recommended.exact_epe_px_before
    assert all(np.isfinite(result.exact_epe_px_after) for result in results)

    again = results_of(tmp_path)
    assert as_json(TINY, again) == as_json(TINY, results)
    assert json.loads(json.dumps(as_json(TINY, results), allow_nan=False))["arms"][2]["title"] == "Safe fine-tune"
    assert len(as_table(TINY, results).columns) == 4
    with pytest.raises(UserError, match="another size"):
        results_of(tmp_path, replace(TINY, epochs=3))


class Exact:
    """One scene that knows its exact disparity, with a label nowhere."""

    title, groups, roles = "exact", ("scene 0",), {}

    def __init__(self, sample: StereoSample) -> None:
        self.sample = sample

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> StereoSample:
        return self.sample


def test_exact_error_is_judged_over_all_pixels_of_the_truth() -> None:
    scene, network = SceneSamples(1, (64, 32))[0], tiny_network().eval()
    with pytest.raises(UserError, match="no exact disparity"):
        exact_epe_px(network, SceneSamples(1, (64, 32)))
    left, right = (torch.tensor(image).permute(2, 0, 1)[None] / 255 for image in (scene.left, scene.right))
    with torch.inference_mode():
        answer_px = network(left, right).disparity[0].numpy()
    exact_px = answer_px + np.where(np.arange(answer_px.shape[1]) < 10, 3.0, -1.0).astype(np.float32)
    exact_px[0] = np.nan
    judged = replace(scene, valid=np.zeros_like(scene.valid), exact_disparity_px=exact_px)
    expected = (3.0 * 10 + 1.0 * (answer_px.shape[1] - 10)) / answer_px.shape[1]
    assert exact_epe_px(network, Exact(judged)) == pytest.approx(expected, rel=1e-4)


def test_a_scene_is_the_same_whether_it_was_just_rendered_or_read_again() -> None:
    scenes = SceneSamples(1, (64, 32), first=7)
    assert not scenes._pool.path(7).exists()
    np.testing.assert_array_equal(scenes[0].disparity_px, scenes[0].disparity_px)
