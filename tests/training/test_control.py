"""Steering a run from outside, and what it reports besides its curves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from depthstudio.cancel import CancelToken
from depthstudio.errors import SettingsError
from depthstudio.geometry import RectifiedGeometry
from depthstudio.training.bands import BandSums
from depthstudio.training.control import RunControl
from depthstudio.training.divergence import DivergedError, SpikeWatch
from depthstudio.training.events import (
    BaselineDone,
    Continued,
    Diverged,
    EpochDone,
    Failed,
    FrameScores,
    Paused,
    SettingChanged,
    StepDone,
    TrainingEvent,
)
from depthstudio.training.frame_scores import score_frames
from depthstudio.training.loop import fine_tune
from depthstudio.training.run import Run
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.state import TrainingState
from tests.training.fixtures import MemorySamples, quick_settings, tiny_network

TRAIN, VALIDATION = MemorySamples(5, seed=1), MemorySamples(4, seed=2)


def steered(
    folder: Path,
    settings: TrainingSettings,
    act: Callable[[TrainingEvent, RunControl], object],
) -> tuple[list[TrainingEvent], Run]:
    """A run with somebody watching its events."""
    run, control, events = Run.create_at(folder, settings), RunControl(), []
    for event in fine_tune(tiny_network(), TRAIN, VALIDATION, settings, run, control=control):
        events.append(event)
        act(event, control)
    return events, run


def at(epoch: int, step: int, action: Callable[[RunControl], object]) -> Callable[[TrainingEvent, RunControl], object]:
    def act(event: TrainingEvent, control: RunControl) -> None:
        if isinstance(event, StepDone) and (event.epoch, event.step) == (epoch, step):
            action(control)

    return act


def of(kind: type, events: list[TrainingEvent]) -> list:
    return [event for event in events if isinstance(event, kind)]


def test_finishing_the_epoch_keeps_its_result(tmp_path: Path) -> None:
    events, run = steered(tmp_path / "run", quick_settings(epochs=9), at(2, 1, RunControl.finish_epoch))
    assert events[-1].reason == "stopped" and events[-1].epochs_run == 2
    assert TrainingState.load(run.last_state_path).epoch == 2


def test_a_discarded_run_leaves_nothing(tmp_path: Path) -> None:
    events, run = steered(tmp_path / "run", quick_settings(epochs=9), at(2, 1, RunControl.discard))
    assert events[-1].reason == "discarded" and not run.folder.exists()


def test_a_paused_run_stands_still_and_its_time_does_not_count(tmp_path: Path) -> None:
    def pause(control: RunControl) -> None:
        control.pause()
        threading.Timer(0.6, control.go_on).start()

    started = time.perf_counter()
    events, run = steered(tmp_path / "run", quick_settings(), at(1, 2, pause))
    took = time.perf_counter() - started
    assert [type(event) for event in events].index(Paused) == [type(event) for event in events].index(Continued) - 1
    assert of(Continued, events)[0].paused_s >= 0.5
    assert sum(done.seconds for done in of(EpochDone, events)) < took - 0.5
    assert of(Continued, run.events()) == of(Continued, events)


def test_stopping_ends_a_pause(tmp_path: Path) -> None:
    def pause(control: RunControl) -> None:
        control.pause()
        threading.Timer(0.2, control.stop).start()

    events, _ = steered(tmp_path / "run", quick_settings(), at(1, 1, pause))
    assert events[-1].reason == "stopped" and len(of(StepDone, events)) == 1


def test_a_rate_changed_in_mid_run_holds_is_recorded_and_survives_resume(tmp_path: Path) -> None:
    def change(control: RunControl) -> None:
        control.change(learning_rate=2e-4, early_stop_patience=9)

    settings = quick_settings(epochs=3)
    events, run = steered(tmp_path / "run", settings, at(2, 1, change))
    rates = [step.learning_rate for step in of(StepDone, events)]
    assert rates[:4] == [1e-3] * 4 and rates[4:] == pytest.approx([2e-4] * 5)
    changed = of(SettingChanged, run.events())
    assert [(event.name, event.after) for event in changed] == [("learning_rate", 2e-4), ("early_stop_patience", 9)]
    assert of(EpochDone, events)[-1].patience == 9
    again = Run.open(run.folder)
    assert again.settings.learning_rate == 2e-4
    again.change_settings(again.settings.changed(epochs=4))
    more = list(fine_tune(tiny_network(), TRAIN, VALIDATION, again.settings, again, resume=True))
    assert of(EpochDone, more)[-1].learning_rate == pytest.approx(2e-4)


def test_nonsense_cannot_be_changed_to() -> None:
    control = RunControl()
    with pytest.raises(SettingsError, match="Learning rate"):
        control.change(learning_rate=7.0)
    with pytest.raises(SettingsError, match="cannot be changed while"):
        control.change(batch_size=2)
    assert control.take_changes() == {}


def test_every_validation_frame_is_reported_worst_first(tmp_path: Path) -> None:
    events, run = steered(tmp_path / "run", quick_settings(), lambda event, control: None)
    report = of(FrameScores, events)[-1]
    errors = [frame.epe_px for frame in report.frames]
    assert len(errors) == 4 and errors == sorted(errors, reverse=True)
    assert report.epoch == events[-1].best_epoch and run.frame_scores() == report.frames
    pixels = sum(frame.pixels for frame in report.frames)
    mean = sum(frame.epe_px * frame.pixels for frame in report.frames) / pixels
    assert mean == pytest.approx(events[-1].best_validation_epe_px, rel=1e-5)


def test_frames_judged_afterwards_have_the_errors_that_the_run_reported(tmp_path: Path) -> None:
    far = MemorySamples(3, seed=2)
    for sample in far.samples:  # half of the labels lie beyond the network's 32 px
        sample.disparity_px[:16] += 40
    settings = quick_settings(epochs=1)
    run = Run.create_at(tmp_path / "run", settings)
    events = list(fine_tune(tiny_network(), TRAIN, far, settings, run))
    reported = of(FrameScores, events)[-1].frames
    again = score_frames(run, far, CancelToken(), lambda share: None)
    assert [(one.name, one.pixels) for one in again] == [(one.name, one.pixels) for one in reported]
    assert [one.epe_px for one in again] == pytest.approx([one.epe_px for one in reported], rel=1e-4)


def test_bands_add_up_to_the_whole(tmp_path: Path) -> None:
    events, run = steered(tmp_path / "run", quick_settings(epochs=1), lambda event, control: None)
    for event in (of(BaselineDone, events)[0], of(EpochDone, events)[0]):
        pixels = sum(band.pixels for band in event.bands)
        assert {band.unit for band in event.bands} == {"px"}
        mean = sum(band.epe_px * band.pixels for band in event.bands if band.pixels) / pixels
        assert mean == pytest.approx(event.validation_epe_px, rel=1e-5)
    assert of(EpochDone, run.events())[0].bands == of(EpochDone, events)[0].bands


def test_bands_are_in_metres_where_the_cameras_are_known() -> None:
    geometry = RectifiedGeometry(focal_px=60.0, baseline_m=0.1, cx=32.0, cy=16.0, size=(64, 32))
    sample = replace(VALIDATION[0], geometry=geometry, disparity_px=np.full((32, 64), 4.0, np.float32))
    sums = BandSums()
    sums.add(sample, np.full((32, 64), 0.5, np.float32), np.ones((32, 64), bool))
    (band,) = sums.bands()  # 60 * 0.1 / 4 = 1.5 m
    assert (band.low, band.high, band.unit, band.epe_px, band.pixels) == (1.0, 2.0, "m", 0.5, 2048)


def test_speed_and_memory_are_told(tmp_path: Path) -> None:
    events, _ = steered(tmp_path / "run", quick_settings(epochs=1), lambda event, control: None)
    done = of(EpochDone, events)[0]
    assert done.samples_per_s > 0 and done.memory_mb > 50 and of(StepDone, events)[0].memory_mb > 50


def test_a_lasting_spike_is_an_alarm_and_one_bad_frame_is_not() -> None:
    watch = SpikeWatch(10.0)
    for loss in [2.0, 3.0] * 20 + [90.0] + [2.5] * 10:
        watch.look(loss)
    with pytest.raises(DivergedError) as caught:
        for _ in range(8):
            watch.look(80.0)
    assert caught.value.reason == "spike" and caught.value.loss > 40.0


def test_a_run_that_diverges_says_so_and_keeps_its_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Alarm(SpikeWatch):
        seen = 0

        def look(self, loss: float) -> None:
            self.seen += 1
            if self.seen == 5:
                raise DivergedError("spike", 50.0, 1.5)

    monkeypatch.setattr("depthstudio.training.setup.SpikeWatch", Alarm)
    events, run = steered(tmp_path / "run", quick_settings(epochs=5), lambda event, control: None)
    diverged, failed = events[-2:]
    assert isinstance(diverged, Diverged) and isinstance(failed, Failed)
    assert (diverged.epoch, diverged.step, diverged.reason, diverged.last_good_epoch) == (2, 2, "spike", 1)
    assert run.best_path.exists() and TrainingState.load(run.last_state_path).epoch == 1
    assert of(Diverged, run.events()) == [diverged]
