"""How fluid the window stays while it trains: the Train page's own path at full load beside a live camera picture.

The start of the run until its first step; then the camera's picture and the curves, each with the run going on and
paused in turn, so that both feel the same other work on the machine; then the same run without any window.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from PySide6.QtCore import QObject

from depthstudio.cameras.recording import record
from depthstudio.cameras.simulated.rig import simulated_rig
from depthstudio.errors import UserError
from depthstudio.gui.application import make_application, make_window
from depthstudio.gui.event_loop_delay import EventLoopDelay, LoopDelays, Stall, StallWatch, need_display, wait, wait_for
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.train import TrainPage
from depthstudio.gui.sources import SourceState
from depthstudio.gui.training_worker import DataChoice, Prepared, new_run
from depthstudio.training.control import RunControl
from depthstudio.training.events import Failed, StepDone
from depthstudio.training.giving_way import begin_imports
from depthstudio.training.settings import TrainingSettings
from depthstudio.workspace import Workspace

SIZE = (640, 480)
TARGET_P99_MS, TARGET_MAX_MS = 33.0, 150.0
START, CAMERA, CURVES = "start of the run", "camera's picture", "curves"
_PAGES = {CAMERA: "capture", CURVES: "train"}
_SHARE = 0.4  # of the time for each of both; the rest goes to the steps without a window
_TURN_S = 8.0
_SOURCE = f"sim://hybrid?scene=desk&size={SIZE[0]}x{SIZE[1]}&frames=12"
_RECORDINGS = (("room-301", 301, 8, "train"), ("room-302", 302, 8, "train"), ("room-401", 401, 4, "validation"))
_WINDOW_SIZE = (1280, 720)
_READY_S, _SETTLE_S, _STOP_S = 300.0, 2.0, 60.0


@dataclass(frozen=True)
class Phase:
    """Something shown for a time. display_hz: camera frames handed to the pages. samples_per_s: learned from.

    stalls: when the loop was later than 50 ms.
    """

    title: str
    is_training: bool
    seconds: float
    delays: LoopDelays
    display_hz: float
    samples_per_s: float
    stalls: tuple[Stall, ...]

    @property
    def reached(self) -> bool:
        """Both limits kept."""
        return self.delays.p99_ms <= TARGET_P99_MS and self.delays.max_ms <= TARGET_MAX_MS


@dataclass(frozen=True)
class Responsiveness:
    """samples_per_s: of the same steps without a window. load: of the machine over the last minute, this included."""

    network: str
    epochs: int
    phases: tuple[Phase, ...]
    samples_per_s: float
    load: float

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


def responsive_benchmark(
    folder: Path, network: str, seconds: float, tell: Callable[[str], object] = print
) -> Responsiveness:
    """Measure for about so long, in a window on an empty workspace in `folder`. SettingsError without a display."""
    need_display("depthstudio bench responsive")
    workspace = Workspace(folder)
    tell("Recording frames to learn from")
    _record(workspace)
    make_application()
    window = make_window(workspace)
    try:
        page = _prepared(window, network, tell)
        settings, choice = page.setup.settings, page.setup.data.choice
        assert settings is not None and choice is not None
        watched = _Watched(window, page, tell)
        phases = [watched.start()]
        for title in _PAGES:
            phases += watched.in_turn(title, seconds * _SHARE)
        epochs = page.job.story.epoch if page.job.story is not None else 0
        page.job.stop()
        wait_for(lambda: not page.job.is_running, _STOP_S, "The run did not stop.")
    finally:
        window.studio.activities.clear()
        window.close()
    tell("Measuring the same steps without a window")
    alone = _alone(workspace, settings, choice, seconds * (1 - _SHARE * len(_PAGES)))
    return Responsiveness(network, epochs, tuple(phases), alone, psutil.getloadavg()[0])


def _record(workspace: Workspace) -> None:
    calibration = simulated_rig("hybrid", SIZE).calibration
    for name, seed, frames, role in _RECORDINGS:
        url = f"sim://hybrid?scene=desk&seed={seed}&frames={frames}&size={SIZE[0]}x{SIZE[1]}&realtime=off"
        record(url, workspace.sessions / name, name=name, role=role, calibration=calibration)


def _prepared(window: MainWindow, network: str, tell: Callable[[str], object]) -> TrainPage:
    """The window with its camera running and a run set up."""
    window.resize(*_WINDOW_SIZE)
    window.show()
    tell("Opening the camera and looking at the data")
    window.studio.sources.open(_SOURCE)
    page = window.pages["train"]
    assert isinstance(page, TrainPage)
    window.show_page("train")
    page.setup.network.choose(network)
    settings = page.setup.settings
    assert settings is not None
    page.setup.use_settings(settings.changed(epochs=500, early_stop_patience=0))
    wait_for(lambda: window.studio.sources.state is SourceState.STREAMING, _READY_S, "The camera did not start.")
    start = page.start_footer.button
    tasks, imports = window.studio.tasks, begin_imports()
    wait_for(lambda: not imports.is_alive(), _READY_S, "Training could not be imported.")
    wait_for(lambda: start.isEnabled() and not tasks.running, _READY_S, "The run could not start.")
    return page


@dataclass(frozen=True)
class _Turn:
    seconds: float
    delays_ms: list[float]
    displayed: int
    samples: float
    stalls: list[Stall]


def _together(title: str, turns: Sequence[_Turn], is_training: bool) -> Phase:
    seconds = sum(turn.seconds for turn in turns)
    return Phase(
        title,
        is_training,
        seconds,
        LoopDelays.of([ms for turn in turns for ms in turn.delays_ms]),
        sum(turn.displayed for turn in turns) / seconds,
        sum(turn.samples for turn in turns) / seconds,
        tuple(stall for turn in turns for stall in turn.stalls),
    )


class _Watched(QObject):
    """Measures the window while it does something."""

    def __init__(self, window: MainWindow, page: TrainPage, tell: Callable[[str], object]) -> None:
        super().__init__(window)
        self._window, self._page, self._tell = window, page, tell
        self._displayed = 0
        window.studio.sources.frame_ready.connect(self._on_frame)

    def in_turn(self, title: str, seconds: float) -> list[Phase]:
        """Show a page with the run paused and going on, by turns, for so long together."""
        self._window.show_page(_PAGES[title])
        job = self._page.job
        turns = max(1, round(seconds / _TURN_S / 2))
        self._tell(f"Measuring for {2 * turns * _TURN_S:.0f} s: {title}")
        found: dict[bool, list[_Turn]] = {False: [], True: []}
        for _ in range(turns):
            for is_training in (False, True):
                job.set_paused(not is_training)
                wait_for(partial(self._is, paused=not is_training), _READY_S, "The run did not pause.")
                wait(_SETTLE_S)  # showing a page or going on is not what is measured
                found[is_training].append(self._turn(lambda: wait(_TURN_S)))
        return [_together(title, turns, is_training) for is_training, turns in found.items()]

    def _is(self, *, paused: bool) -> bool:
        return self._page.job.story is not None and self._page.job.story.is_paused is paused

    def start(self) -> Phase:
        """Start the run as the button does, until its first step is done."""
        self._window.show_page("train")
        wait(_SETTLE_S)
        self._tell("Starting the run")

        def started() -> bool:
            story = self._page.job.story
            if story is not None and isinstance(story.end, Failed):
                raise UserError(story.end.message, story.end.why, story.end.next_step)
            return story is not None and bool(story.steps)

        def work() -> None:
            self._page.start()
            if self._page.setup.question is not None:  # findings about so few frames
                self._page.setup.question.buttons["Start anyway"].click()
            wait_for(started, _READY_S, "The run did not start.")

        return _together(START, [self._turn(work)], True)

    def _turn(self, work: Callable[[], object]) -> _Turn:
        self._displayed = 0
        before, started_s = self._samples(), time.perf_counter()
        delay = EventLoopDelay(self)
        watch = StallWatch(delay)
        try:
            work()
        finally:
            stalls = watch.stop()
            delay.stop()
        seconds = time.perf_counter() - started_s
        return _Turn(seconds, delay.delays_ms, self._displayed, self._samples() - before, stalls)

    def _samples(self) -> float:
        """Frames learned from so far, rehearsed ones counted."""
        story = self._page.job.story
        return len(story.steps) * story.settings.batch_size if story is not None else 0.0

    def _on_frame(self) -> None:
        self._displayed += 1


def _alone(workspace: Workspace, settings: TrainingSettings, choice: DataChoice, seconds: float) -> float:
    """Samples per second of the same run in a plain thread, validation and checkpoints counted, its start not."""
    control, times, problems = RunControl(), [], []

    def follow() -> None:
        for event in new_run(workspace, "alone", settings, choice, control):
            if isinstance(event, StepDone):
                times.append(time.perf_counter())
            elif isinstance(event, Failed):
                problems.append(event)
            elif not isinstance(event, Prepared) and times and times[-1] - times[0] > seconds:
                control.stop()

    # Not the main thread: the numbers of threads and the priority that a run sets are its own thread's.
    thread = threading.Thread(target=follow, name="alone")
    thread.start()
    while thread.is_alive() and not (times and time.perf_counter() - times[0] > seconds):
        thread.join(0.1)
    control.stop()
    thread.join()
    if len(times) < 2:
        raise UserError("The run without a window did not start.", problems[0].message if problems else "")
    return (len(times) - 1) * settings.batch_size / (times[-1] - times[0])
