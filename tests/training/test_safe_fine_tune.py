"""Each part of careful fine-tuning, switched on alone, does what its sentence of help promises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from depthstudio.cancel import CancelToken
from depthstudio.datasets.torch_dataset import DisparityDataset
from depthstudio.evaluation.benchmark_pairs import BenchmarkPair
from depthstudio.models import StereoNetwork, create_network, load_network
from depthstudio.training import guard as guard_module
from depthstudio.training.batches import Mixture, training_batches
from depthstudio.training.events import (
    BaselineDone,
    EpochDone,
    Failed,
    Finished,
    Started,
    StepDone,
    TrainingEvent,
    Warned,
)
from depthstudio.training.guard import Guard
from depthstudio.training.loop import fine_tune
from depthstudio.training.rehearsal import Rehearsal
from depthstudio.training.run import Run
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.teacher import Teacher
from tests.training.fixtures import HEIGHT, WIDTH, MemorySamples, quick_settings, tiny_network

TRAIN, VALIDATION = MemorySamples(6, seed=1), MemorySamples(3, seed=2)
# Labels that contradict what the network knows: whoever follows them forgets.
WRONG = MemorySamples(6, seed=4, label_offset_px=9.0)
ALL_PARTS = {
    "optimizer": "l2-sp",
    "weight_decay": 0.01,
    "rehearsal_share": 0.5,
    "rehearsal_scenes": 4,
    "teacher_weight": 0.5,
    "ema_decay": 0.9,
    "augment": True,
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHSTUDIO_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def small_guard(monkeypatch: pytest.MonkeyPatch) -> list[BenchmarkPair]:
    """Three scenes like those of TRAIN, with exact truth."""
    scenes = MemorySamples(3, seed=9)
    pairs = [
        BenchmarkPair("memory", sample.left, sample.right, np.full((HEIGHT, WIDTH), shift, np.float32))
        for sample in scenes.samples
        for shift in [np.nanmax(sample.disparity_px)]
    ]
    monkeypatch.setattr(guard_module, "_synthetic_pairs", lambda: tuple(pairs))
    return pairs


def taught_network(tmp_path: Path) -> StereoNetwork:
    """A tiny network that has learned to match frames like these a little."""
    settings = quick_settings(epochs=10, learning_rate=5e-3, encoder_lr_factor=1.0, aggregation_lr_factor=1.0)
    run = Run.create_at(tmp_path / "pretrained", settings)
    list(fine_tune(tiny_network(), MemorySamples(8, seed=3), VALIDATION, settings, run))
    return load_network(run.best_path).network


def tune(
    folder: Path,
    settings: TrainingSettings,
    network: StereoNetwork | None = None,
    train: MemorySamples = TRAIN,
    *,
    stop_at: tuple[int, int] | None = None,
    resume: bool = False,
) -> tuple[list[TrainingEvent], Run]:
    run = Run.open(folder) if resume else Run.create_at(folder, settings)
    cancel, events = CancelToken(), []
    for event in fine_tune(network or tiny_network(), train, VALIDATION, settings, run, cancel, resume):
        events.append(event)
        if isinstance(event, StepDone) and (event.epoch, event.step) == stop_at:
            cancel.cancel()
    assert not isinstance(event, Failed), event
    return events, run


def last(kind: type, events: list[TrainingEvent]) -> TrainingEvent:
    return [event for event in events if isinstance(event, kind)][-1]


def travelled(network: StereoNetwork, start: dict[str, torch.Tensor]) -> float:
    return float(sum(((value.detach() - start[name]) ** 2).sum() for name, value in network.named_parameters())) ** 0.5


def test_l2_sp_pulls_to_the_start_and_not_to_zero(tmp_path: Path) -> None:
    distances, sizes = {}, {}
    for strength in (0.0, 0.1):
        network = tiny_network()
        start = {name: value.detach().clone() for name, value in network.named_parameters()}
        settings = quick_settings(epochs=3, optimizer="l2-sp", weight_decay=strength, clip_norm=0.01)
        tune(tmp_path / f"{strength}", settings, network)
        distances[strength] = travelled(network, start)
        sizes[strength] = sum(float((value.detach() ** 2).sum()) for value in network.parameters())
    assert distances[0.1] < 0.8 * distances[0.0]
    network = tiny_network()
    start = {name: value.detach().clone() for name, value in network.named_parameters()}
    settings = quick_settings(epochs=3, optimizer="adam-l2", weight_decay=0.1, clip_norm=0.01)
    tune(tmp_path / "zero", settings, network)
    shrunk = sum(float((value.detach() ** 2).sum()) for value in network.parameters())
    assert shrunk < sizes[0.1] and travelled(network, start) > distances[0.1]


def test_the_teacher_keeps_what_is_said_about_pixels_without_label(tmp_path: Path) -> None:
    pretrained = taught_network(tmp_path)
    frame = VALIDATION[0]
    left, right = (torch.tensor(image).permute(2, 0, 1)[None] / 255 for image in (frame.left, frame.right))
    moved = {}
    for weight in (0.0, 5.0):
        network = load_network(tmp_path / "pretrained" / "best.safetensors").network
        settings = quick_settings(epochs=4, teacher_weight=weight, early_stop_patience=0)
        tune(tmp_path / f"teacher-{weight}", settings, network, WRONG)
        with torch.inference_mode():
            change = network.eval()(left, right).disparity - pretrained(left, right).disparity
        moved[weight] = float(change.abs().mean())
    assert moved[5.0] < 0.7 * moved[0.0]


def test_a_teacher_counts_only_where_it_is_sure_and_nothing_is_labelled() -> None:
    teacher = Teacher(tiny_network(), 2.0, 0.0)
    said, trust = torch.zeros(1, 1, 4), torch.tensor([[[1.0, 1.0, 0.5, 0.0]]])
    labelled = torch.tensor([[[True, False, False, False]]])
    student = torch.full((1, 1, 4), 3.0)  # smooth L1 of 3 px: 2.5
    assert float(teacher.loss(student, (said, trust), labelled)) == pytest.approx(2.0 * (2.5 + 1.25) / 3)
    assert float(teacher.loss(student, (said, trust), torch.ones_like(labelled))) == 0.0


def test_rehearsal_keeps_the_guard(
    tmp_path: Path, small_guard: list[BenchmarkPair], monkeypatch: pytest.MonkeyPatch
) -> None:
    taught_network(tmp_path)

    def practice(self: Rehearsal, epoch: int, position: int) -> dict[str, torch.Tensor]:
        pair = small_guard[position % 2]
        left, right = (torch.tensor(image).permute(2, 0, 1) / 255 for image in (pair.left, pair.right))
        return {
            "left": left,
            "right": right,
            "disparity": torch.tensor(pair.disparity_px),
            "weight": torch.ones(HEIGHT, WIDTH),
        }

    monkeypatch.setattr(Rehearsal, "item", practice)
    after = {}
    fast = {"learning_rate": 5e-3, "encoder_lr_factor": 1.0, "aggregation_lr_factor": 1.0, "early_stop_patience": 0}
    for share in (0.0, 0.7):
        network = load_network(tmp_path / "pretrained" / "best.safetensors").network
        settings = quick_settings(epochs=5, rehearsal_share=share, guard="synthetic", batch_size=4, **fast)
        events, _ = tune(tmp_path / f"share-{share}", settings, network, WRONG)
        after[share] = last(EpochDone, events).guard_epe_px
        assert last(BaselineDone, events).guard_epe_px < after[0.0]
    assert after[0.7] < 0.8 * after[0.0]


def test_forgetting_is_measured_and_told(tmp_path: Path, small_guard: list[BenchmarkPair]) -> None:
    network = taught_network(tmp_path)
    settings = quick_settings(epochs=3, guard="synthetic", learning_rate=5e-3, early_stop_patience=0)
    events, run = tune(tmp_path / "run", settings, network, WRONG)
    assert "3 synthetic scenes" in last(Started, events).guard
    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert sum("it forgets" in words for words in warnings) == 1
    finished = last(Finished, events)
    best = [event for event in events if isinstance(event, BaselineDone | EpochDone)][finished.best_epoch]
    assert finished.guard_epe_px_after == best.guard_epe_px
    assert run.summary().guard_epe_px_before == finished.guard_epe_px_before
    assert last(EpochDone, run.events()).guard_epe_px == last(EpochDone, events).guard_epe_px


def test_forgetting_is_told_once_also_when_the_run_is_resumed(tmp_path: Path, small_guard: list[BenchmarkPair]) -> None:
    settings = quick_settings(epochs=3, guard="synthetic", learning_rate=5e-3, early_stop_patience=0)
    before, _ = tune(tmp_path / "run", settings, taught_network(tmp_path), WRONG, stop_at=(3, 1))
    after, _ = tune(tmp_path / "run", settings, taught_network(tmp_path / "again"), WRONG, resume=True)
    told = [["it forgets" in event.message for event in half if isinstance(event, Warned)] for half in (before, after)]
    assert any(told[0]) and not any(told[1])


def test_a_run_stopped_while_the_guard_was_measured_first_measures_it_when_it_goes_on(
    tmp_path: Path, small_guard: list[BenchmarkPair], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(guard: Guard, network: StereoNetwork, cancel: CancelToken) -> None:
        cancel.cancel()

    settings = quick_settings(epochs=1, guard="synthetic")
    with monkeypatch.context() as patched:
        patched.setattr(Guard, "measure", stopped)
        tune(tmp_path / "run", settings)
    events, _ = tune(tmp_path / "run", settings, resume=True)
    assert last(Finished, events).guard_epe_px_before is not None


def test_the_guard_never_changes_the_training(tmp_path: Path, small_guard: list[BenchmarkPair]) -> None:
    _, plain = tune(tmp_path / "off", quick_settings())
    _, guarded = tune(tmp_path / "on", quick_settings(guard="synthetic"))
    a, b = (load_network(run.best_path).network.state_dict() for run in (plain, guarded))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_guard_folder_that_is_not_there_fails_in_words(tmp_path: Path) -> None:
    settings = quick_settings(guard=str(tmp_path / "nowhere"))
    run = Run.create_at(tmp_path / "run", settings)
    events = list(fine_tune(tiny_network(), TRAIN, VALIDATION, settings, run))
    assert isinstance(events[-1], Failed) and "nowhere" in events[-1].message


def test_the_built_in_guard_scenes_are_fixed_and_of_all_kinds() -> None:
    guard = Guard.of("synthetic")
    assert guard is not None and len({pair.name for pair in guard.pairs}) >= 6
    network = tiny_network()
    assert guard.measure(network, CancelToken()) == guard.measure(network, CancelToken())


def test_the_average_is_what_is_judged_and_saved(tmp_path: Path) -> None:
    network = tiny_network()
    settings = quick_settings(epochs=2, learning_rate=5e-3, ema_decay=0.99)
    events, run = tune(tmp_path / "run", settings, network)
    kept = load_network(run.best_path).network.state_dict()
    assert any(not torch.equal(kept[name], value) for name, value in network.state_dict().items())
    state = torch.load(run.last_state_path, weights_only=True)
    assert last(Finished, events).best_epoch == 2
    assert all(torch.equal(kept[name], value) for name, value in state["average"].items())
    assert any(not torch.equal(state["average"][name], value) for name, value in state["network"].items())


@pytest.mark.parametrize("stop_at", [(2, 2), (3, 1)])
def test_with_every_part_a_resumed_run_ends_like_an_uninterrupted_one(tmp_path: Path, stop_at: tuple[int, int]) -> None:
    settings = quick_settings(epochs=4, num_workers=1, **ALL_PARTS)
    whole_events, whole = tune(tmp_path / "whole", settings)
    _, stopped = tune(tmp_path / "stopped", settings, stop_at=stop_at)
    other = load_network(stopped.best_path).network  # as the command line does; its weights are not the start's
    events, _ = tune(tmp_path / "stopped", settings, other, resume=True)
    states = [torch.load(run.last_state_path, weights_only=True) for run in (whole, stopped)]
    for part in ("network", "average"):
        assert all(torch.equal(value, states[1][part][name]) for name, value in states[0][part].items())
    assert last(Finished, events).best_validation_loss == last(Finished, whole_events).best_validation_loss


def test_every_part_works_with_the_siamese_network_too(tmp_path: Path) -> None:
    settings = quick_settings(epochs=1, auxiliary_weight=0.3, **ALL_PARTS)
    events, run = tune(tmp_path / "run", settings, create_network("siamese"))
    notes = " ".join(last(Started, events).notes)
    assert "1 of your frames and 1 synthetic" in notes and "siamese has no intermediate disparities" in notes
    assert run.start_path.exists() and last(Finished, events).reason == "epochs"


def test_parts_can_be_frozen_each_on_its_own(tmp_path: Path) -> None:
    for part, field in (("aggregation", "freeze_aggregation"), ("head", "freeze_head")):
        network = tiny_network()
        before = {name: [value.clone() for value in values] for name, values in network.parameter_groups().items()}
        tune(tmp_path / part, quick_settings(epochs=1, batchnorm_eval=False, **{field: True}), network)
        for name, values in network.parameter_groups().items():
            same = all(torch.equal(old, new) for old, new in zip(before[name], values, strict=True))
            assert same == (name == part)


def test_nothing_left_to_learn_is_refused(tmp_path: Path) -> None:
    settings = quick_settings(freeze_encoder=True, freeze_aggregation=True, freeze_head=True)
    run = Run.create_at(tmp_path / "run", settings)
    events = list(fine_tune(tiny_network(), TRAIN, VALIDATION, settings, run))
    assert isinstance(events[-1], Failed) and events[-1].message == "Nothing is left to train."


def test_each_frame_of_the_user_comes_once_per_epoch_beside_its_share_of_synthetic_ones() -> None:
    mixture = Mixture.of(batch_size=5, rehearsal_share=0.4)
    assert (mixture.own, mixture.rehearsed, mixture.steps(7)) == (3, 2, 3)
    load = {"value": lambda i: {"value": torch.tensor(i)}}["value"]
    batches = list(training_batches(load, [4, 1, 0, 2, 6, 5, 3], mixture, threads=2, rehearse=lambda p: load(100 + p)))
    assert [own["value"].tolist() for own, _ in batches] == [[4, 1, 0], [2, 6, 5], [3]]
    assert [other["value"].tolist() for _, other in batches] == [[100, 101], [102, 103], [104, 105]]


def test_rehearsal_draws_the_same_pairs_whenever_asked_and_keeps_its_scenes(tmp_path: Path) -> None:
    one, other = (Rehearsal(2, (96, 64), 48.0, seed=3, folder=tmp_path) for _ in range(2))
    first = one.item(2, 5)
    files = list(tmp_path.rglob("*.npz"))
    again = other.item(2, 5)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert list(tmp_path.rglob("*.npz")) == files
    assert not torch.equal(one.item(3, 5)["left"], first["left"])
    assert first["left"].shape == (3, 64, 96) and first["weight"].mean() > 0.3


def test_the_clean_view_is_the_same_cut_without_the_photometry() -> None:
    dataset = DisparityDataset(TRAIN, (48, 32), augment=True, seed=1, with_clean=True)
    plain = DisparityDataset(TRAIN, (48, 32), augment=True, seed=1)
    item = dataset[2]
    assert torch.equal(item["left"], plain[2]["left"]) and "clean_left" not in plain[2]
    assert not torch.equal(item["left"], item["clean_left"]) and item["clean_left"].shape == item["left"].shape


def test_matching_weight_finds_the_right_match_where_refining_alone_cannot(tmp_path: Path) -> None:
    errors_px = {}
    for weight in (0.0, 1.0):
        fast = {"learning_rate": 5e-3, "encoder_lr_factor": 1.0, "aggregation_lr_factor": 1.0}
        settings = quick_settings(epochs=8, matching_weight=weight, **fast)
        events, _ = tune(tmp_path / f"{weight}", settings, train=MemorySamples(8, seed=3))
        errors_px[weight] = last(Finished, events).best_validation_epe_px
    assert errors_px[1.0] < 0.8 * errors_px[0.0]


def test_labels_that_are_not_trusted_teach_nothing(tmp_path: Path) -> None:
    weights = []
    for name in ("untrusted", "absent"):
        frames = MemorySamples(4, seed=3)
        half = np.arange(HEIGHT)[:, None] < np.full((1, WIDTH), HEIGHT // 2)
        trust = np.where(half, 0.0, 1.0).astype(np.float32)
        for sample in frames.samples:
            sample.disparity_px[half] = 25.0
            sample.valid[half] = name == "untrusted"
        frames.samples = [replace(sample, confidence=trust) for sample in frames.samples]
        settings = quick_settings(epochs=1, matching_weight=1.0, auxiliary_weight=0.3)
        _, run = tune(tmp_path / name, settings, train=frames)
        weights.append(torch.load(run.last_state_path, weights_only=True)["network"])
    trained = {key: value for key, value in weights[0].items() if value.is_floating_point()}
    assert all(torch.allclose(value, weights[1][key], atol=1e-4) for key, value in trained.items())
