"""``depthstudio train``: fine-tune a network on recordings."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from depthstudio.cli.setting_flags import add_setting_flags, given_settings
from depthstudio.training.settings import TrainingSettings

if TYPE_CHECKING:
    from rich.console import Console

    from depthstudio.geometry import StereoCalibration
    from depthstudio.models import StereoNetwork
    from depthstudio.training.data import TrainingData
    from depthstudio.training.processes import Processes
    from depthstudio.training.run import Run
    from depthstudio.workspace import Workspace

_ALIASES = {"learning_rate": "--lr"}
_OWN_FLAGS = frozenset({"network"})


def add_verbs(verbs: argparse._SubParsersAction) -> None:
    """Register this module's verbs."""
    train = verbs.add_parser("train", help="fine-tune a network on recordings")
    train.add_argument("data", nargs="*", metavar="DATA", help="recordings or data set folders")
    train.add_argument(
        "--dataset_dir", action="append", default=[], metavar="DIR", help="the same, in the older spelling"
    )
    train.add_argument(
        "--validation", action="append", default=[], metavar="DATA", help="judge by this instead of splitting DATA"
    )
    train.add_argument(
        "--calibration", "--calib_file", type=Path, metavar="C.npz", help="instead of the one stored with the data"
    )
    train.add_argument(
        "--network",
        "--pretrained_model",
        metavar="NAME|FILE|RUN",
        help="network to start from (default: depthstudio-s)",
    )
    train.add_argument("--preset", metavar="NAME", help="settings to start from (default: what suits the network)")
    train.add_argument("--settings", type=Path, metavar="S.toml", help="settings of a file instead of a preset")
    train.add_argument("--out", type=Path, metavar="RUN", help="the run's folder (default: a new one in the workspace)")
    train.add_argument("--name", default="", help="name of the run")
    train.add_argument("--resume", action="store_true", help="go on with the run in --out, or with the newest one")
    add_setting_flags(train, TrainingSettings, _ALIASES, _OWN_FLAGS)
    train.set_defaults(run=_train)


def _train(arguments: argparse.Namespace) -> int:
    from rich.console import Console

    from depthstudio.training.processes import launched_processes
    from depthstudio.training.start import start_network
    from depthstudio.workspace import Workspace

    processes = launched_processes()
    workspace, console = Workspace.find(arguments.workspace), Console(quiet=processes.rank > 0, markup=False)
    run = _same_run(processes, lambda: _resumed(arguments, workspace)) if arguments.resume else None
    settings = run.settings if run else _settings(arguments, workspace)
    data = _training_data(arguments, settings, run)
    for side in (data.train, data.validation):
        console.print(side.title, highlight=False, soft_wrap=True)
    for warning in (data.warning, _not_looked_at(arguments)):
        if warning:
            console.print(f"Warning: {warning}", style="yellow", highlight=False, soft_wrap=True)
    # A resumed run's own file has the right shape even when the network it started from is gone.
    resumable = run is not None and run.best_path.exists()
    origin = settings.changed(network=str(run.best_path)) if run and resumable else settings
    network, lines = start_network(origin, workspace)
    console.print("\n".join(lines), style="dim", highlight=False, soft_wrap=True)
    run = run or _same_run(processes, lambda: _new_run(arguments, workspace, settings))
    return _follow(network, data, run, resume=arguments.resume, console=console, processes=processes)


def _not_looked_at(arguments: argparse.Namespace) -> str:
    """What a resumed run does not take from the command line, in words."""
    given = [f"--{name}" for name in ("network", "preset", "settings", "name") if getattr(arguments, name)]
    if not arguments.resume or not given:
        return ""
    return f"A resumed run keeps its own: {', '.join(given)} {'does' if len(given) == 1 else 'do'} not count."


def _same_run(processes: Processes, make: Callable[[], Run]) -> Run:
    """The run that the first of the processes makes or opens, in all of them."""
    from depthstudio.training.run import Run

    run = make() if processes.rank == 0 else None
    folder = processes.agreed(str(run.folder) if run else "")
    return run or Run.open(Path(folder))


def _follow(
    network: StereoNetwork, data: TrainingData, run: Run, *, resume: bool, console: Console, processes: Processes
) -> int:
    from depthstudio.cli.interrupt import stop_on_interrupt
    from depthstudio.cli.training_view import TrainingView, closing_table, worst_frames
    from depthstudio.errors import UserError
    from depthstudio.training.events import Failed, Finished
    from depthstudio.training.loop import fine_tune
    from depthstudio.training.tensorboard_log import logged

    end = None
    with stop_on_interrupt() as cancel, TrainingView(console) as view:
        events = fine_tune(network, data.train, data.validation, run.settings, run, cancel, resume, processes=processes)
        for event in logged(events, run) if processes.rank == 0 else events:
            view.show(event)
            end = event
    if isinstance(end, Failed):
        raise UserError(end.message, end.why, end.next_step)
    if isinstance(end, Finished):
        console.print(closing_table(end, run.epochs(), run.settings.epochs))
        if frames := run.frame_scores():
            console.print(worst_frames(frames))
    console.print(f"The result is {run.best_path}", highlight=False, soft_wrap=True)
    return 0


def _resumed(arguments: argparse.Namespace, workspace: Workspace) -> Run:
    from depthstudio.errors import SettingsError
    from depthstudio.training.run import Run, list_runs

    if arguments.out is not None:
        run = Run.open(arguments.out)
    else:
        runs = list_runs(workspace.runs)
        if not runs:
            raise SettingsError(f"There is no run to resume in {workspace.runs}.", next_step="Name one with --out.")
        run = runs[0]
    if changes := given_settings(arguments):
        run.change_settings(run.settings.changed(**changes))
    return run


def _settings(arguments: argparse.Namespace, workspace: Workspace) -> TrainingSettings:
    from depthstudio.training.presets import default_preset, preset
    from depthstudio.training.settings_file import load_settings

    if arguments.settings is not None:
        settings = load_settings(arguments.settings)
    elif arguments.preset is not None:
        settings = preset(arguments.preset, workspace).settings
    else:
        settings = default_preset(arguments.network or TrainingSettings().network).settings
    spec = arguments.network
    network = {"network": str(Path(spec).absolute()) if Path(spec).exists() else spec} if spec else {}
    return settings.changed(**network, **given_settings(arguments))


def _training_data(arguments: argparse.Namespace, settings: TrainingSettings, run: Run | None) -> TrainingData:
    from depthstudio.errors import DatasetError
    from depthstudio.training.data import open_training_data

    given = _absolute([*arguments.data, *arguments.dataset_dir])
    data = given or (run.about.data if run else ())
    validation = _absolute(arguments.validation) or (run.about.validation_data if run else ())
    calibration = _calibration(arguments.calibration or (run.about.calibration if run else None))
    try:
        return open_training_data(data, settings, calibration, validation)
    except DatasetError:
        # The older spelling promised to run on a single recording, split by frame order.
        if not arguments.dataset_dir or settings.split == "order" or "split" in given_settings(arguments):
            raise
        return open_training_data(data, settings.changed(split="order"), calibration, validation)


def _new_run(arguments: argparse.Namespace, workspace: Workspace, settings: TrainingSettings) -> Run:
    from depthstudio.training.run import Run

    about = {
        "data": _absolute([*arguments.data, *arguments.dataset_dir]),
        "validation_data": _absolute(arguments.validation),
        "calibration": str(arguments.calibration.absolute()) if arguments.calibration else "",
    }
    if arguments.out is not None:
        return Run.create_at(arguments.out, settings, **about, **({"name": arguments.name} if arguments.name else {}))
    return Run.create(workspace.runs, arguments.name or Path(settings.network).stem, settings, **about)


def _absolute(paths: list[str]) -> tuple[str, ...]:
    from depthstudio.datasets.remote import is_url

    return tuple(path if is_url(path) else str(Path(path).expanduser().absolute()) for path in paths)


def _calibration(path: Path | str | None) -> StereoCalibration | None:
    from depthstudio.geometry import StereoCalibration

    return StereoCalibration.load(Path(path)) if path else None
