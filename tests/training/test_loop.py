"""The training loop, seen through its events and its files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from depthstudio.cancel import CancelToken
from depthstudio.models import StereoNetwork, create_network, load_network
from depthstudio.training import loop, setup
from depthstudio.training.events import (
    BaselineDone,
    EpochDone,
    Failed,
    Finished,
    SampleImages,
    Started,
    StepDone,
    TrainingEvent,
    Warned,
)
from depthstudio.training.loop import fine_tune
from depthstudio.training.losses import PixelSums, batch_loss, usable_pixels
from depthstudio.training.pictures import panel
from depthstudio.training.presets import preset
from depthstudio.training.run import Run
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.state import TrainingState
from tests.training.fixtures import HEIGHT, WIDTH, MemorySamples, quick_settings, tiny_network

TRAIN, VALIDATION = MemorySamples(5, seed=1), MemorySamples(3, seed=2)


def tune(
    folder: Path,
    settings: TrainingSettings,
    network: StereoNetwork | None = None,
    train: MemorySamples = TRAIN,
    validation: MemorySamples = VALIDATION,
) -> tuple[list[TrainingEvent], Run]:
    run = Run.create_at(folder, settings)
    events = list(fine_tune(network or tiny_network(), train, validation, settings, run, CancelToken()))
    return events, run


def of(kind: type, events: list[TrainingEvent]) -> list:
    return [event for event in events if isinstance(event, kind)]


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load_network(path).network.state_dict()


def script_validation(monkeypatch: pytest.MonkeyPatch, losses: list[float]) -> None:
    """Replace the measured validation by a curve: losses[epoch]."""

    def scripted(training: object, epoch: int, cancel: CancelToken) -> PixelSums:
        return PixelSums(loss=losses[epoch], error_px=losses[epoch], pixels=1, labelled=1)

    monkeypatch.setattr(loop, "validate", scripted)


def test_a_run_tells_its_story_and_leaves_its_files(tmp_path: Path) -> None:
    events, run = tune(tmp_path / "run", quick_settings(epochs=3))
    assert isinstance(events[0], Started) and isinstance(events[1], BaselineDone) and isinstance(events[-1], Finished)
    assert events[0].steps_per_epoch == 3 and len(of(StepDone, events)) == 9
    epochs = of(EpochDone, events)
    assert [done.epoch for done in epochs] == [1, 2, 3]
    assert epochs[-1].validation_loss < epochs[0].validation_loss
    assert {path.name for path in run.folder.iterdir()} == {
        "settings.toml", "run.json", "environment.json", "history.jsonl", "best.safetensors", "last.pt", "samples",
    }  # fmt: skip
    assert [event for event in run.events() if isinstance(event, EpochDone)] == epochs
    assert run.summary().state == "finished" and run.summary().best_epoch == events[-1].best_epoch


def test_learning_lowers_the_error_on_frames_never_seen(tmp_path: Path) -> None:
    settings = quick_settings(epochs=14, learning_rate=5e-3, encoder_lr_factor=1.0, aggregation_lr_factor=1.0)
    events, _ = tune(tmp_path / "run", settings, train=MemorySamples(8, seed=3))
    finished = events[-1]
    assert isinstance(finished, Finished) and finished.best_epoch > 0
    assert finished.best_validation_epe_px < 0.5 * finished.baseline_validation_epe_px


def test_losses_are_means_over_all_valid_pixels_of_the_epoch(tmp_path: Path) -> None:
    network = tiny_network()
    settings = quick_settings(epochs=1)
    run = Run.create_at(tmp_path / "run", settings)
    events = list(fine_tune(network, TRAIN, VALIDATION, settings, run, CancelToken()))
    sums = PixelSums()
    best = load_network(run.best_path).network
    for sample in VALIDATION.samples:
        left, right = (torch.tensor(image).permute(2, 0, 1)[None] / 255 for image in (sample.left, sample.right))
        with torch.inference_mode():
            predicted = best(left, right).disparity[0].numpy()
        difference = np.abs(predicted - sample.disparity_px)[sample.valid]
        sums.error_px += float(difference.sum())
        sums.pixels += difference.size
    expected = min(event.validation_epe_px for event in events if isinstance(event, BaselineDone | EpochDone))
    assert sums.epe_px == pytest.approx(expected, rel=1e-4)


def test_loss_and_error_share_one_mask() -> None:
    disparity = torch.tensor([[[2.0, 4.0], [40.0, 6.0]]])
    valid = torch.tensor([[[True, True], [True, False]]])
    mask = usable_pixels(disparity, valid, max_disparity=32)
    loss = batch_loss(torch.tensor([[[2.5, 7.0], [0.0, 0.0]]]), disparity, mask)
    assert loss.pixels == 2
    assert loss.error_px == pytest.approx(0.5 + 3.0)
    assert float(loss.total) == pytest.approx(0.5 * 0.25 + 2.5)


def test_the_scripted_curve_with_its_best_at_8_stops_at_23(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    curve = [30.0] + [24.0 - epoch for epoch in range(1, 9)] + [16.5] * 42
    script_validation(monkeypatch, curve)
    settings = preset("recommended").settings.changed(
        batch_size=4, crop_width=WIDTH, crop_height=HEIGHT, precision="fp32", device="cpu", num_workers=0
    )
    events, run = tune(tmp_path / "run", settings, train=MemorySamples(2), validation=MemorySamples(1))
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert (finished.reason, finished.best_epoch, finished.epochs_run) == ("early stopping", 8, 23)
    assert load_network(run.best_path).metadata["epoch"] == 8
    epochs = of(EpochDone, events)
    assert epochs[13].learning_rate == 5e-5 and epochs[14].learning_rate == 2.5e-5  # 6 bad epochs after the 8th


def test_the_best_network_is_kept_not_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script_validation(monkeypatch, [9.0, 5.0, 4.0, 6.0, 7.0])
    _, run = tune(tmp_path / "two", quick_settings(epochs=2))
    _, longer = tune(tmp_path / "four", quick_settings(epochs=4))
    best, kept = weights(run.best_path), weights(longer.best_path)
    assert all(torch.equal(best[name], kept[name]) for name in best)


def test_a_network_that_only_gets_worse_stays_as_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script_validation(monkeypatch, [3.0, 4.0, 5.0, 6.0])
    before = {name: value.clone() for name, value in tiny_network().state_dict().items()}
    events, run = tune(tmp_path / "run", quick_settings(epochs=10, early_stop_patience=3))
    assert events[-1].best_epoch == 0 and events[-1].epochs_run == 3
    after = weights(run.best_path)
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("name", ["tiny", "siamese"])
def test_a_frozen_encoder_does_not_change_at_all(tmp_path: Path, name: str) -> None:
    network = tiny_network() if name == "tiny" else create_network("siamese", dropout_p=0.2)
    before = [{k: v.clone() for k, v in module.state_dict().items()} for module in network.encoder_modules()]
    assert any("running_mean" in key for state in before for key in state)
    settings = quick_settings(freeze_encoder=True, batchnorm_eval=False, optimizer="adam-l2", weight_decay=1e-2)
    tune(tmp_path / "run", settings, network)
    for module, state in zip(network.encoder_modules(), before, strict=True):
        assert all(torch.equal(value, state[key]) for key, value in module.state_dict().items())


def test_an_encoder_that_is_not_frozen_learns(tmp_path: Path) -> None:
    network = tiny_network()
    before = [parameter.clone() for parameter in network.encoder_parameters()]
    tune(tmp_path / "run", quick_settings(freeze_encoder=False, batchnorm_eval=False), network)
    assert any(not torch.equal(old, new) for old, new in zip(before, network.encoder_parameters(), strict=True))


def test_batches_without_labels_are_skipped_counted_and_told(tmp_path: Path) -> None:
    events, _ = tune(tmp_path / "run", quick_settings(epochs=1, batch_size=1), train=MemorySamples(4, holes=(0, 2)))
    assert of(EpochDone, events)[0].skipped_batches == 2
    assert sum(step.loss is None for step in of(StepDone, events)) == 2
    assert any("2 of 4 batches had no valid label" in warning.message for warning in of(Warned, events))


def test_frames_without_any_label_fail_in_words(tmp_path: Path) -> None:
    empty = MemorySamples(2, holes=(0, 1))
    events, _ = tune(tmp_path / "train", quick_settings(), train=empty)
    assert isinstance(events[-1], Failed) and events[-1].message == "No training frame has a valid label."
    events, _ = tune(tmp_path / "validation", quick_settings(), validation=empty)
    assert isinstance(events[-1], Failed) and events[-1].message == "No validation frame has a valid label."
    events, _ = tune(tmp_path / "none", quick_settings(), train=MemorySamples(0))
    assert isinstance(events[-1], Failed) and events[-1].message == "There is no training frame."


def test_a_loss_that_is_no_number_ends_the_run_and_spoils_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class BrokenInEpoch3(setup.DisparityDataset):
        def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
            item = super().__getitem__(index)
            return {**item, "left": item["left"] * float("nan")} if int(self._epoch) == 3 else item

    monkeypatch.setattr(setup, "DisparityDataset", BrokenInEpoch3)
    events, run = tune(tmp_path / "run", quick_settings(epochs=5))
    assert isinstance(events[-1], Failed) and "no longer a number" in events[-1].message
    assert run.summary().state == "failed" and run.summary().epochs_run == 2
    assert all(torch.isfinite(value).all() for value in weights(run.best_path).values())
    assert TrainingState.load(run.last_state_path).epoch == 2


def test_cancelling_ends_cleanly_within_a_step(tmp_path: Path) -> None:
    settings = quick_settings(epochs=50)
    run, cancel = Run.create_at(tmp_path / "run", settings), CancelToken()
    events = []
    for event in fine_tune(tiny_network(), TRAIN, VALIDATION, settings, run, cancel):
        events.append(event)
        if isinstance(event, StepDone) and (event.epoch, event.step) == (2, 1):
            cancel.cancel()
    assert isinstance(events[-1], Finished) and events[-1].reason == "stopped" and events[-1].epochs_run == 1
    assert of(StepDone, events)[-1].epoch == 2 and of(StepDone, events)[-1].step == 1
    assert run.best_path.exists() and run.summary().state == "stopped"


def test_cancelling_before_anything_was_measured_still_leaves_a_network(tmp_path: Path) -> None:
    settings = quick_settings()
    run, cancel = Run.create_at(tmp_path / "run", settings), CancelToken()
    cancel.cancel()
    events = list(fine_tune(tiny_network(), TRAIN, VALIDATION, settings, run, cancel))
    assert events[-1].reason == "stopped" and load_network(run.best_path).metadata["epoch"] == 0


def test_three_fixed_frames_are_shown_and_saved_each_epoch(tmp_path: Path) -> None:
    events, run = tune(tmp_path / "run", quick_settings(), validation=MemorySamples(7))
    pictures = of(SampleImages, events)
    assert [(p.epoch, p.index) for p in pictures] == [(e, i) for e in (0, 1, 2) for i in (0, 3, 6)]
    assert pictures[0].prediction.shape == (HEIGHT, WIDTH) and np.isnan(pictures[0].label).any()
    saved = cv2.imread(str(run.samples_folder / "frame_000003_epoch_0002.png"))
    assert saved is not None and saved.shape == (HEIGHT, 4 * WIDTH, 3)


def test_validation_can_be_limited_to_some_frames(tmp_path: Path) -> None:
    events, _ = tune(tmp_path / "run", quick_settings(validation_frames=2), validation=MemorySamples(7))
    assert events[0].validation_frames == 2


def test_labels_beyond_the_reach_are_left_out_and_told(tmp_path: Path) -> None:
    near = MemorySamples(3, label_offset_px=24.0)
    events, _ = tune(tmp_path / "run", quick_settings(), validation=near)
    warnings = [warning.message for warning in of(Warned, events)]
    assert any("beyond 32 px and are left out" in message for message in warnings)


@pytest.mark.parametrize("threads", [0, 2])
def test_the_same_seed_gives_the_same_network(tmp_path: Path, threads: int) -> None:
    _, first = tune(tmp_path / "a", quick_settings(num_workers=threads))
    _, second = tune(tmp_path / "b", quick_settings())
    a, b = weights(first.best_path), weights(second.best_path)
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_dropout_and_its_absence_are_explained(tmp_path: Path) -> None:
    events, _ = tune(tmp_path / "run", quick_settings(epochs=1, dropout_p=0.2))
    assert any("has no dropout" in note for note in events[0].notes)


def test_parts_at_rate_zero_neither_learn_nor_count_in_the_gradient(tmp_path: Path) -> None:
    network = tiny_network()
    before = [parameter.clone() for parameter in network.encoder_parameters()]
    events, _ = tune(tmp_path / "run", quick_settings(encoder_lr_factor=0.0), network)
    assert all(torch.equal(old, new) for old, new in zip(before, network.encoder_parameters(), strict=True))
    frozen, _ = tune(tmp_path / "frozen", quick_settings(freeze_encoder=True))
    norms, expected = ([step.gradient_norm for step in of(StepDone, one)] for one in (events, frozen))
    assert norms == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory"), MemoryError("900 MiB for an array")])
def test_running_out_of_memory_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def greedy(*_: object) -> None:
        raise error

    monkeypatch.setattr(loop.Training, "batches", greedy)
    events, run = tune(tmp_path / "run", quick_settings())
    assert isinstance(events[-1], Failed) and events[-1].message == "The memory ran out."
    assert run.best_path.exists() and run.summary().state == "failed"


def test_large_frames_make_small_pictures() -> None:
    images = SampleImages(
        1, 0, np.zeros((480, 640, 3), np.uint8), np.ones((480, 640), np.float32), np.ones((480, 640), np.float32)
    )
    assert panel(images).shape == (300, 1600, 3)
