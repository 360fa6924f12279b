"""Pretraining: the loss, the schedule, and stopping and resuming."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from depthstudio.cancel import CancelToken
from depthstudio.errors import NetworkError
from depthstudio.models import StereoPrediction, load_network
from depthstudio.synthetic import SyntheticPair
from depthstudio.training import pretrain as pretraining
from depthstudio.training.pretrain import Phase, PretrainSettings, pretrain, rate_at
from depthstudio.training.pretrain_data import CropStream, RenderedPairs, to_tensors
from depthstudio.training.pretrain_loss import LossWeights, classification_loss, pretraining_loss
from depthstudio.training.pretrain_state import PretrainState

OPTIONS: dict[str, Any] = {
    "channels": [8, 8, 8, 8, 8],
    "match": 8,
    "fine_match": 8,
    "aggregation": [4, 4, 4],
    "hidden": 8,
    "max_disparity": 32,
}


class ShiftedNoise:
    """Pairs of shifted noise: quick to make."""

    def draw(self, rng: np.random.Generator, size: tuple[int, int], max_disparity: int) -> SyntheticPair:
        width, height = size
        wide = rng.integers(0, 255, (height, width + 8, 3), dtype=np.uint8)
        disparity = np.full((height, width), 8, np.float32)
        return SyntheticPair(wide[:, :width], wide[:, 8:], disparity, np.zeros((height, width), bool), "noise")


def settings(**changes: Any) -> PretrainSettings:
    values: dict[str, Any] = {
        "hours": 10.0,
        "options": OPTIONS,
        "batch": 2,
        "phases": (Phase(0.0, 32, 64, 32),),
        "workers": 0,
        "device": "cpu",
        "precision": "fp32",
        "scenes_per_kind": 1,
        "report_every_s": 0.0,
        "max_steps": 2,
    }
    return PretrainSettings(**(values | changes))


@pytest.fixture
def light_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small fixed scenes instead of seven kinds."""
    noise = ShiftedNoise().draw(np.random.default_rng(0), (64, 32), 32)
    monkeypatch.delenv("DEPTHSTUDIO_DATA", raising=False)
    for room in ("pretrain_validation", "confidence"):
        monkeypatch.setattr(f"depthstudio.training.{room}.validation_scenes", lambda *_, **__: [noise, noise])


def test_rate_warms_up_and_falls_to_almost_nothing() -> None:
    assert rate_at(0) < rate_at(0.02) < rate_at(0.03) == pytest.approx(1, abs=0.01)
    assert rate_at(0.5) == pytest.approx(0.5, abs=0.05)
    assert rate_at(1.0) == pytest.approx(0.01)


def test_classification_prefers_the_true_bin_and_knows_edges() -> None:
    disparity = torch.full((1, 8, 16), 16.0)
    disparity[:, :, 12:] = 40.0
    weight = torch.ones_like(disparity)
    right, wrong = torch.zeros(1, 8, 1, 2), torch.zeros(1, 8, 1, 2)
    right[:, 2] = 4.0
    right[:, 5, :, 1] = 4.0
    wrong[:, 4] = 4.0
    assert classification_loss(right, disparity, weight) < 0.5 * classification_loss(wrong, disparity, weight)


def test_pixels_without_weight_do_not_count() -> None:
    truth = torch.full((1, 32, 32), 4.0)
    weight = torch.ones_like(truth)
    weight[:, :16] = 0
    predicted = truth.clone()
    predicted[:, :16] = 100.0
    loss, parts = pretraining_loss(StereoPrediction(predicted, None, {}), truth, weight, LossWeights())
    assert float(loss) == 0
    assert set(parts) == {"full"}


def test_a_run_writes_its_files_and_a_stopped_one_goes_on(tmp_path: Path, light_validation: None) -> None:
    folder = tmp_path / "run"
    events = list(pretrain(settings(), folder, source=ShiftedNoise()))
    assert [event.kind for event in events][-3:] == ["validated", "calibrated", "finished"]
    assert load_network(folder / "best.safetensors").metadata["steps"] == 2
    assert len((folder / "history.jsonl").read_text().splitlines()) == len(events)
    with pytest.raises(NetworkError, match="already holds a run"):
        next(pretrain(settings(), folder, source=ShiftedNoise()))
    more = list(pretrain(settings(max_steps=5), folder, resume=True, source=ShiftedNoise()))
    assert (more[0].step, more[0].crops, more[0].elapsed_s) == (2, 4, pytest.approx(events[-1].elapsed_s))
    assert (more[-1].step, more[-1].crops) == (5, 10)
    assert more[-1].elapsed_s > events[-1].elapsed_s
    assert json.loads((folder / "history.jsonl").read_text().splitlines()[-1])["kind"] == "finished"


@pytest.mark.parametrize(("weight", "learns"), [(0.0, False), (1.0, True)])
def test_hidden_pixels_count_late_and_as_much_as_asked(
    tmp_path: Path, light_validation: None, weight: float, learns: bool
) -> None:
    class AllHidden(ShiftedNoise):
        def draw(self, rng: np.random.Generator, size: tuple[int, int], max_disparity: int) -> SyntheticPair:
            pair = super().draw(rng, size, max_disparity)
            return replace(pair, occluded=np.ones_like(pair.occluded))

    wanted = settings(max_steps=4, weights=LossWeights(occluded=weight))
    events = pretrain(wanted, tmp_path / "run", source=AllHidden())
    losses = [event.values["full"] for event in events if event.kind == "progress"]
    assert losses[:2] == [0, 0]
    assert [loss > 0 for loss in losses[2:]] == [learns] * 2


def test_resumed_state_is_the_saved_one(tmp_path: Path, light_validation: None) -> None:
    folder = tmp_path / "run"
    list(pretrain(settings(), folder, source=ShiftedNoise()))
    first = PretrainState.resumed(folder / pretraining.STATE_FILE, torch.device("cpu"))
    first.save(tmp_path / "copy.pt")
    second = PretrainState.resumed(tmp_path / "copy.pt", torch.device("cpu"))
    for one, other in ((first.network, second.network), (first.average.network, second.average.network)):
        for key, value in one.state_dict().items():
            assert torch.equal(value, other.state_dict()[key])
    moments = [list(state.optimizer.state_dict()["state"].values()) for state in (first, second)]
    assert moments[0]
    assert all(torch.equal(a["exp_avg"], b["exp_avg"]) for a, b in zip(*moments, strict=True))


def test_a_run_begins_with_another_networks_weights_made_finer(tmp_path: Path, light_validation: None) -> None:
    list(pretrain(settings(), tmp_path / "s", source=ShiftedNoise()))
    best = tmp_path / "s" / "best.safetensors"
    chosen = {"network": "depthstudio-m", "start_from": str(best), "learning_rate": 0.0}
    list(pretrain(settings(max_steps=1, **chosen), tmp_path / "m", source=ShiftedNoise()))
    state = PretrainState.resumed(tmp_path / "m" / pretraining.STATE_FILE, torch.device("cpu"))
    wanted = load_network(best).network.state_dict()["encoder.stem.0.weight"]
    assert torch.equal(state.network.state_dict()["encoder.stem.0.weight"], wanted)
    other = settings(options={}, start_from=str(best))
    with pytest.raises(NetworkError, match="cannot begin"):
        next(pretrain(other, tmp_path / "other", source=ShiftedNoise()))


def test_cancelling_saves_and_ends(tmp_path: Path, light_validation: None) -> None:
    cancel = CancelToken()
    kinds = []
    for event in pretrain(settings(max_steps=None), tmp_path / "run", cancel=cancel, source=ShiftedNoise()):
        kinds.append(event.kind)
        if event.kind == "progress":
            cancel.cancel()
    assert kinds == ["started", "progress", "finished"]
    assert PretrainState.resumed(tmp_path / "run" / "state.pt", torch.device("cpu")).step == 1


def test_a_broken_state_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"nonsense")
    with pytest.raises(NetworkError, match="no pretraining state"):
        next(pretrain(settings(), tmp_path, resume=True, source=ShiftedNoise()))


def test_rendered_crops_have_the_asked_size_and_range() -> None:
    stream = CropStream(RenderedPairs((160, 96)), (96, 64), 64, (1,))
    crop = next(iter(stream))
    assert crop["left"].shape == (3, 64, 96)
    assert crop["left"].dtype == torch.uint8
    assert crop["disparity"].shape == crop["occluded"].shape == (64, 96)
    assert crop["occluded"].dtype == torch.bool
    again = next(iter(stream))
    assert torch.equal(crop["left"], again["left"])


def test_unknown_truth_becomes_zero() -> None:
    pair = ShiftedNoise().draw(np.random.default_rng(0), (8, 4), 32)
    pair.disparity_px[0, 0] = np.nan
    assert float(to_tensors(pair)["disparity"][0, 0]) == 0
