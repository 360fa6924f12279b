"""Of several things asked for one after the other only the last is told, whichever is ready first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from depthstudio.cameras.simulated.rig import simulated_rig
from depthstudio.gui import studio as studio_module
from depthstudio.gui.pages.train import closer_look, data_section, library, run_frames, samples
from depthstudio.gui.studio import Studio
from depthstudio.gui.tasks import NewestAnswer
from depthstudio.training.checks.finding import Finding
from depthstudio.training.events import FrameScore
from depthstudio.training.settings import TrainingSettings


class Slow:
    """Answers `name` only when told to; everything else at once."""

    def __init__(self, name: str, answer: Callable[[str], Any]) -> None:
        self.name, self.answer = name, answer
        self.go_on = threading.Event()

    def __call__(self, name: str) -> Any:
        if name != self.name:
            return self.answer(name)
        self.go_on.wait(20)
        return self.answer(name)


def wait_until_idle(studio: Studio, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not studio.tasks.running, timeout=20_000)


def test_the_frame_chosen_last_is_shown(studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow("first", lambda _: np.zeros((2, 8, 3), np.uint8))
    monkeypatch.setattr(run_frames, "frame_picture", lambda _, frame: slow(frame.name))
    frames = run_frames.RunFrames(studio)
    told: list[str] = []
    frames.predicted.connect(lambda folder, frame, picture: told.append(frame.name))
    for number, name in enumerate(("first", "second")):
        frames.predict(Path("run"), FrameScore(number, name, "group", 1.0, 0.1, 100))
    qtbot.waitUntil(lambda: told == ["second"], timeout=20_000)
    slow.go_on.set()
    wait_until_idle(studio, qtbot)
    assert told == ["second"]


def test_the_runs_chosen_last_are_compared(studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow("long", lambda name: name)
    monkeypatch.setattr(library.Run, "open", lambda folder: folder)
    monkeypatch.setattr(library.RunStory, "of", lambda folder: slow(folder.name))
    runs = library.RunLibrary(studio)
    told: list[list[str]] = []
    runs.several_read.connect(told.append)
    runs.read_several([Path("long")])
    runs.read_several([Path("short")])
    qtbot.waitUntil(lambda: told == [["short"]], timeout=20_000)
    slow.go_on.set()
    wait_until_idle(studio, qtbot)
    assert told == [["short"]]


def test_a_frame_asked_for_stays_when_a_sample_picture_comes_late(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow = Slow("frame_0_epoch_1.png", lambda _: [np.zeros((2, 2, 3), np.uint8)] * 4)
    monkeypatch.setattr(samples, "_parts_of", lambda path: slow(path.name))
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / slow.name).touch()
    strip = samples.SampleStrip(studio)
    qtbot.addWidget(strip)
    strip.show_folder(tmp_path)
    strip.show_picture(np.zeros((2, 8, 3), np.uint8), FrameScore(0, "frame 7", "group", 1.0, 0.1, 100))
    slow.go_on.set()
    wait_until_idle(studio, qtbot)
    assert strip.title == "frame 7: 1 px"
    strip.show_folder(None)
    assert strip.title == "Left", "another run has other frames"


def test_recordings_looked_at_are_forgotten_when_a_folder_is_to_be_chosen(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = data_section.DataLook((data_section.Recording("desk", "train", 4),))
    slow = Slow("sessions", lambda _: found)
    monkeypatch.setattr(data_section, "look_at", lambda choice, *_: slow(Path(choice.folders[0]).name))
    section = data_section.DataSection(studio)
    qtbot.addWidget(section)
    section.refresh(TrainingSettings())
    section.kind.set_current("folder")
    section.refresh(TrainingSettings())
    slow.go_on.set()
    wait_until_idle(studio, qtbot)
    assert section.look == data_section.DataLook(())


def test_findings_are_those_of_the_data_chosen_last(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow("first", lambda name: [Finding(f"About {name}.")])
    monkeypatch.setattr(closer_look, "check_pictures", lambda data, _: slow(data.train.title))
    look = closer_look.CloserLook(studio)

    def data(title: str) -> Any:
        return SimpleNamespace(
            train=SimpleNamespace(title=title, groups=()), validation=SimpleNamespace(title="", groups=())
        )

    for title in ("first", "second", "first"):
        look.look_at_data(data(title))
    slow.go_on.set()
    wait_until_idle(studio, qtbot)
    assert [finding.what for finding in look.picture_findings] == ["About first."]
    look.look_at_data(data("second"))
    wait_until_idle(studio, qtbot)
    assert [finding.what for finding in look.picture_findings] == ["About second."]


def test_a_calibration_that_loads_slowly_does_not_take_the_place_of_a_later_choice(
    studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = simulated_rig("ir", (320, 240)).calibration
    slow = Slow("old.npz", lambda _: made)
    monkeypatch.setattr(studio_module.StereoCalibration, "load", lambda path: slow(path.name))
    studio.load_calibration(Path("old.npz"))
    studio.load_calibration(Path("new.npz"))
    qtbot.waitUntil(lambda: studio.calibration is not None, timeout=20_000)
    slow.go_on.set()
    wait_until_idle(studio, qtbot)
    assert studio.calibration is not None and studio.calibration.name == "new"


def test_a_list_asked_for_again_is_not_overwritten_by_the_first_answer(studio: Studio, qtbot: QtBot) -> None:
    go_on = threading.Event()
    told: list[str] = []
    listing = NewestAnswer(studio.tasks)
    listing.run(lambda _: "old" if go_on.wait(20) else "", "List", told.append)
    listing.run(lambda _: "new", "List", told.append)
    qtbot.waitUntil(lambda: told == ["new"], timeout=20_000)
    go_on.set()
    wait_until_idle(studio, qtbot)
    assert told == ["new"]
