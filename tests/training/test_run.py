"""Runs on disk: they describe themselves, resume to the same result, and survive a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import torch

from depthstudio.cancel import CancelToken
from depthstudio.errors import NetworkError, SettingsError
from depthstudio.models import load_network
from depthstudio.training.events import EpochDone, Failed, Finished, StepDone, TrainingEvent
from depthstudio.training.loop import fine_tune
from depthstudio.training.run import Run, list_runs
from depthstudio.training.settings import TrainingSettings
from tests.training.fixtures import MemorySamples, quick_settings, tiny_network

TRAIN, VALIDATION = MemorySamples(5, seed=1), MemorySamples(2, seed=2)
NOT_REPEATABLE = ("seconds", "samples_per_s", "memory_mb")


def go_on(run: Run, *, resume: bool, stop_at: tuple[int, int] | None = None) -> list[TrainingEvent]:
    """Train; cancel after (epoch, step)."""
    cancel, events = CancelToken(), []
    for event in fine_tune(tiny_network(), TRAIN, VALIDATION, run.settings, run, cancel, resume=resume):
        events.append(event)
        if isinstance(event, StepDone) and (event.epoch, event.step) == stop_at:
            cancel.cancel()
    return events


def same_result(one: Run, other: Run) -> None:
    a, b = (load_network(run.best_path).network.state_dict() for run in (one, other))
    assert all(torch.equal(a[name], b[name]) for name in a)
    states = [torch.load(run.last_state_path, weights_only=True) for run in (one, other)]
    assert all(torch.equal(value, states[1]["network"][name]) for name, value in states[0]["network"].items())
    assert states[0]["early_stopping"] == states[1]["early_stopping"]
    assert stable_epochs(one) == stable_epochs(other)


def stable_epochs(run: Run) -> list[dict]:
    lines = [line for line in run.history() if line["event"] == "EpochDone"]
    return [{key: value for key, value in line.items() if key not in NOT_REPEATABLE} for line in lines]


@pytest.mark.parametrize(
    "settings",
    [
        quick_settings(epochs=5, optimizer="adam-l2", dropout_p=0.2, lr_patience=0, batchnorm_eval=False),
        quick_settings(epochs=5, optimizer="adamw", lr_schedule="cosine", freeze_encoder=True),
    ],
    ids=["adam-l2 plateau", "adamw cosine frozen"],
)
def test_a_resumed_run_ends_like_an_uninterrupted_one(tmp_path: Path, settings: TrainingSettings) -> None:
    whole, parts = (Run.create_at(tmp_path / name, settings) for name in ("whole", "parts"))
    go_on(whole, resume=False)
    go_on(parts, resume=False, stop_at=(3, 2))
    assert parts.summary().epochs_run == 2
    events = go_on(Run.open(parts.folder), resume=True)
    assert [event.epoch for event in events if isinstance(event, EpochDone)] == [3, 4, 5]
    same_result(whole, parts)


def test_resuming_a_finished_run_only_says_so(tmp_path: Path) -> None:
    run = Run.create_at(tmp_path / "run", quick_settings())
    go_on(run, resume=False)
    before = stable_epochs(run)
    events = go_on(run, resume=True)
    assert isinstance(events[-1], Finished) and events[-1].epochs_run == 2
    assert stable_epochs(run) == before


def test_more_epochs_continue_a_finished_run(tmp_path: Path) -> None:
    run, whole = (Run.create_at(tmp_path / name, quick_settings(epochs=e)) for name, e in (("run", 2), ("whole", 3)))
    go_on(run, resume=False)
    run.change_settings(run.settings.changed(epochs=3))
    go_on(Run.open(run.folder), resume=True)
    go_on(whole, resume=False)
    same_result(run, whole)


def test_settings_changed_before_resuming_take_effect(tmp_path: Path) -> None:
    run = Run.create_at(tmp_path / "run", quick_settings(learning_rate=1e-3, lr_patience=50))
    go_on(run, resume=False)
    run.change_settings(run.settings.changed(epochs=6, learning_rate=1e-8, lr_patience=0, early_stop_patience=4))
    events = go_on(Run.open(run.folder), resume=True)
    rates = [event.learning_rate for event in events if isinstance(event, EpochDone)]
    assert rates[0] == pytest.approx(1e-8)
    state = torch.load(run.last_state_path, weights_only=True)
    assert "patience" not in state["schedule"] and state["learning_rate"] == 1e-8


def test_a_run_without_a_state_starts_afresh_on_resume(tmp_path: Path) -> None:
    run = Run.create_at(tmp_path / "run", quick_settings())
    run.history_path.write_text('{"event": "Star')
    events = go_on(run, resume=True)
    assert isinstance(events[-1], Finished) and events[-1].epochs_run == 2


def test_a_state_of_another_network_is_refused(tmp_path: Path) -> None:
    run = Run.create_at(tmp_path / "run", quick_settings())
    go_on(run, resume=False)
    run.change_settings(run.settings.changed(freeze_encoder=True))
    events = go_on(run, resume=True)
    assert isinstance(events[-1], Failed) and "does not fit" in events[-1].message
    run.last_state_path.write_bytes(b"torn")
    events = go_on(run, resume=True)
    assert isinstance(events[-1], Failed) and "cannot be read" in events[-1].message


KILLED = """
    import sys, torch
    from pathlib import Path
    from depthstudio.cancel import CancelToken
    from depthstudio.training.loop import fine_tune
    from depthstudio.training.run import Run
    from tests.training.fixtures import MemorySamples, tiny_network
    torch.set_num_threads(1)
    run = Run.open(Path(sys.argv[1]))
    train, validation = MemorySamples(5, seed=1), MemorySamples(2, seed=2)
    for event in fine_tune(tiny_network(), train, validation, run.settings, run, CancelToken()):
        if type(event).__name__ == "StepDone":
            print(event.epoch, event.step, flush=True)
"""


def test_a_run_killed_in_mid_epoch_resumes_to_the_same_result(tmp_path: Path) -> None:
    settings = quick_settings(epochs=4)
    whole, killed = (Run.create_at(tmp_path / name, settings) for name in ("whole", "killed"))
    go_on(whole, resume=False)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(killed.folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.split() == ["3", "2"]:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=20)
    assert Run.open(killed.folder).summary().state == "unfinished"
    go_on(Run.open(killed.folder), resume=True)
    same_result(whole, killed)


def test_a_torn_history_line_is_ignored(tmp_path: Path) -> None:
    run = Run.create_at(tmp_path / "run", quick_settings())
    go_on(run, resume=False)
    count = len(run.history())
    with run.history_path.open("a") as history:
        history.write('{"event": "EpochDo')
    assert len(Run.open(run.folder).history()) == count


def test_runs_are_listed_newest_first_and_damaged_ones_left_out(tmp_path: Path) -> None:
    first = Run.create(tmp_path, "first", quick_settings(), data=("a", "b"))
    time.sleep(1.1)
    second = Run.create(tmp_path, "second", quick_settings())
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    assert [run.folder for run in list_runs(tmp_path)] == [second.folder, first.folder]
    assert Run.open(first.folder).about.data == ("a", "b")
    assert first.summary().state == "empty"


def test_names_and_notes_can_change(tmp_path: Path) -> None:
    run = Run.create_at(tmp_path / "run", quick_settings())
    run.describe(name="Better name", notes="dark room")
    assert Run.open(run.folder).name == "Better name" and Run.open(run.folder).about.notes == "dark room"


def test_an_existing_run_is_never_overwritten(tmp_path: Path) -> None:
    Run.create_at(tmp_path / "run", quick_settings())
    with pytest.raises(SettingsError, match="already holds a run"):
        Run.create_at(tmp_path / "run", quick_settings())
    with pytest.raises(SettingsError, match="is no training run"):
        Run.open(tmp_path)


def test_states_hold_no_code(tmp_path: Path) -> None:
    run = Run.create_at(tmp_path / "run", quick_settings(epochs=1))
    go_on(run, resume=False)
    torch.load(run.last_state_path, weights_only=True)
    run.best_path.write_bytes(b"")
    with pytest.raises(NetworkError):
        load_network(run.best_path)
