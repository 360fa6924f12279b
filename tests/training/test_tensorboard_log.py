"""The curves for TensorBoard."""

from __future__ import annotations

from pathlib import Path

import pytest

from depthstudio.training import tensorboard_log
from depthstudio.training.loop import fine_tune
from depthstudio.training.run import Run
from depthstudio.training.tensorboard_log import LOG_FOLDER, logged
from tests.training.fixtures import MemorySamples, quick_settings, tiny_network


def run_of(folder: Path) -> Run:
    settings = quick_settings(guard="off")
    run = Run.create_at(folder, settings)
    events = fine_tune(tiny_network(), MemorySamples(4), MemorySamples(2, seed=1), settings, run)
    assert any(type(event).__name__ == "Finished" for event in logged(events, run))
    return run


def test_epochs_and_steps_are_readable_for_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = run_of(tmp_path / "run")
    read = EventAccumulator(str(run.folder / LOG_FOLDER))
    read.Reload()
    assert [point.step for point in read.Scalars("epe_px/validation")] == [0, 1, 2]
    assert [point.step for point in read.Scalars("step/loss")] == [1, 2, 3, 4]
    expected = [done.train_loss for done in run.epochs()]
    assert [point.value for point in read.Scalars("loss/train")] == pytest.approx(expected, rel=1e-5)


def test_without_the_package_the_run_goes_on_unlogged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorboard_log, "find_spec", lambda _: None)
    assert not (run_of(tmp_path / "run").folder / LOG_FOLDER).exists()
