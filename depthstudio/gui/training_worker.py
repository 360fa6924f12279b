"""What runs on the worker thread of a training: data, network and run are made there, then the loop is followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from depthstudio.cancel import CancelToken
from depthstudio.frames import Image
from depthstudio.geometry import StereoCalibration
from depthstudio.training.control import RunControl
from depthstudio.training.data import TrainingData, open_training_data
from depthstudio.training.events import FrameScore, TrainingEvent
from depthstudio.training.giving_way import lower_helpers
from depthstudio.training.run import Run
from depthstudio.training.settings import TrainingSettings
from depthstudio.workspace import Workspace

if TYPE_CHECKING:
    from depthstudio.models import StereoNetwork


@dataclass(frozen=True)
class DataChoice:
    """Where frames come from. calibration: a file used instead of what is stored with the data, or None."""

    folders: tuple[str, ...]
    calibration: Path | None = None
    validation_folders: tuple[str, ...] = ()

    @classmethod
    def of(cls, run: Run) -> DataChoice:
        """What an earlier run was made from."""
        about = run.about
        return cls(about.data, Path(about.calibration) if about.calibration else None, about.validation_data)

    def loaded_calibration(self) -> StereoCalibration | None:
        """The calibration of the file. CalibrationError when it cannot be read."""
        return StereoCalibration.load(self.calibration) if self.calibration else None

    def open(self, settings: TrainingSettings) -> TrainingData:
        """Both sides. DatasetError or CalibrationError when they cannot be used."""
        return open_training_data(self.folders, settings, self.loaded_calibration(), self.validation_folders)


@dataclass(frozen=True)
class Prepared:
    """The run has its folder and network. lines: what was loaded. past: a resumed run's events so far."""

    run: Run
    lines: tuple[str, ...]
    past: tuple[TrainingEvent, ...] = ()


def new_run(
    workspace: Workspace,
    name: str,
    settings: TrainingSettings,
    data: DataChoice,
    control: RunControl,
) -> Iterator[Prepared | TrainingEvent]:
    """A new run from nothing. Its folder is made only when data and network are usable. UserError when they are not."""
    from depthstudio.training.start import start_network

    sides = data.open(settings)
    network, lines = start_network(settings, workspace)
    if control.is_cancelled:
        return
    run = Run.create(
        workspace.runs,
        name or Path(settings.network).stem,
        settings,
        data=data.folders,
        validation_data=data.validation_folders,
        calibration=str(data.calibration or ""),
    )
    yield Prepared(run, lines)
    yield from _follow(network, sides, run, control, resume=False)


def resumed_run(workspace: Workspace, folder: Path, control: RunControl) -> Iterator[Prepared | TrainingEvent]:
    """Go on with a run after its last finished epoch. UserError when it cannot."""
    from depthstudio.training.start import start_network

    run = Run.open(folder)
    sides = DataChoice.of(run).open(run.settings)
    # The run's own file has the right shape even when the network it started from is gone.
    origin = run.settings.changed(network=str(run.best_path)) if run.best_path.exists() else run.settings
    network, lines = start_network(origin, workspace)
    if control.is_cancelled:
        return
    yield Prepared(run, lines, tuple(run.events()))
    yield from _follow(network, sides, run, control, resume=True)


def loaded_lines(spec: str, workspace: Workspace) -> list[str]:
    """What is in a network file, by loading it. NetworkError says why it cannot be used."""
    from depthstudio.models import load_network, resolve_network

    return load_network(resolve_network(spec, workspace)).report.lines()


def scored_frames(folder: Path, cancel: CancelToken, progress: Callable[[float], object]) -> tuple[FrameScore, ...]:
    """The error of a stored run's network on its validation frames, worst first. UserError when it cannot be told."""
    from depthstudio.training.frame_scores import score_frames

    run = Run.open(folder)
    return score_frames(run, DataChoice.of(run).open(run.settings).validation, cancel, progress)


def frame_picture(folder: Path, frame: FrameScore) -> Image:
    """(H, 4 W, 3) uint8 RGB: left, label, prediction and error of one validation frame. UserError when it is gone."""
    from depthstudio.training.frame_scores import predict_frame
    from depthstudio.training.pictures import panel

    run = Run.open(folder)
    return panel(predict_frame(run, DataChoice.of(run).open(run.settings).validation, frame))


def validation_folders(folder: Path) -> tuple[Path, ...]:
    """Recordings, or folders, that a stored run is judged by and never learned from. UserError when they are gone.

    Empty when it learned from other frames of the same recordings.
    """
    run = Run.open(folder)
    if run.about.validation_data:
        return tuple(Path(path) for path in run.about.validation_data)
    sides = DataChoice.of(run).open(run.settings)
    judged = [group for group in dict.fromkeys(sides.validation.groups) if group not in set(sides.train.groups)]
    homes = [Path(path) for path in run.about.data]
    found = [home if home.name == group else home / group for group in judged for home in homes]
    return tuple(path for path in found if path.is_dir())


def _follow(
    network: StereoNetwork, sides: TrainingData, run: Run, control: RunControl, *, resume: bool
) -> Iterator[TrainingEvent]:
    from depthstudio.training.loop import fine_tune
    from depthstudio.training.tensorboard_log import logged

    lower_helpers()
    events = fine_tune(network, sides.train, sides.validation, run.settings, run, resume=resume, control=control)
    yield from logged(events, run)
