"""Run: one training run as a folder that describes itself and can be resumed."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from math import nan
from pathlib import Path
from typing import Any, Self

from depthstudio.errors import SettingsError
from depthstudio.storage import write_text
from depthstudio.training.events import (
    EpochDone,
    FrameScore,
    FrameScores,
    SampleImages,
    StepDone,
    TrainingEvent,
    Warned,
    from_json,
    to_json,
)
from depthstudio.training.provenance import calibration_ids
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.settings_file import load_settings, save_settings
from depthstudio.workspace import new_folder_name

_ABOUT_FILE = "run.json"
_PACKAGES = ("depthstudio", "torch", "numpy", "opencv-python", "safetensors")
_ENDS = ("FrameScores", "Diverged", "Finished", "Failed")
_WAITING = (StepDone, Warned)  # written together with the next event that ends something


@dataclass(frozen=True)
class RunAbout:
    """What a run was made from. data, validation_data: recordings or folders.

    calibration: a file used instead of those of the data. calibration_ids: which calibrations the data goes by.
    """

    name: str = ""
    created: str = ""
    notes: str = ""
    data: tuple[str, ...] = ()
    validation_data: tuple[str, ...] = ()
    calibration: str = ""
    calibration_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunSummary:
    """A run in one line. state: "empty", "unfinished" (running, or interrupted), "finished", "stopped" or "failed"."""

    state: str
    reason: str
    epochs_run: int
    epochs_planned: int
    best_epoch: int
    best_validation_loss: float
    best_validation_epe_px: float
    baseline_validation_epe_px: float
    gap_epe_px: float
    seconds: float
    guard_epe_px_before: float | None = None
    guard_epe_px_after: float | None = None


class Run:
    """A folder: settings.toml, run.json, history.jsonl, environment.json, best.safetensors, last.pt, samples/.

    history.jsonl holds the run's events, one per line, appended and synced at the end of every epoch.
    """

    def __init__(self, folder: Path, settings: TrainingSettings, about: RunAbout) -> None:
        self.folder = folder
        self.settings = settings
        self.about = about
        self._waiting: list[str] = []

    @classmethod
    def create(cls, parent: Path | str, name: str, settings: TrainingSettings, **about: Any) -> Self:
        """A new folder in `parent` named by date and name. about: see RunAbout."""
        parent = Path(parent)
        return cls.create_at(parent / new_folder_name(parent, name), settings, name=name, **about)

    @classmethod
    def create_at(cls, folder: Path, settings: TrainingSettings, **about: Any) -> Self:
        """A new run in exactly this folder; SettingsError when one is there already."""
        if (folder / _ABOUT_FILE).exists():
            raise SettingsError(
                f"{folder} already holds a run.", next_step="Resume it, or choose another folder for the new one."
            )
        about.setdefault("name", folder.name)
        about.setdefault("calibration_ids", calibration_ids(about.get("data", ()), about.get("calibration", "")))
        run = cls(folder, settings, RunAbout(created=datetime.now().isoformat(timespec="seconds"), **about))
        folder.mkdir(parents=True, exist_ok=True)
        save_settings(settings, folder / "settings.toml")
        write_text(folder / "environment.json", json.dumps(_environment(), indent=1))
        run._save_about()
        return run

    @classmethod
    def open(cls, folder: Path) -> Self:
        """An existing run. SettingsError says what is missing or broken."""
        about_file = folder / _ABOUT_FILE
        try:
            values: dict[str, Any] = json.loads(about_file.read_text("utf-8"))
            lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
            about = RunAbout(**{**values, **lists})
        except FileNotFoundError as error:
            raise SettingsError(f"{folder} is no training run.", f"It has no {_ABOUT_FILE}.") from error
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise SettingsError(f"The run {folder.name} cannot be read.", f"{about_file.name}: {error}.") from error
        return cls(folder, load_settings(folder / "settings.toml"), about)

    @property
    def name(self) -> str:
        """The user's name of the run, else its folder's."""
        return self.about.name or self.folder.name

    @property
    def best_path(self) -> Path:
        """The result: the network of the best epoch."""
        return self.folder / "best.safetensors"

    @property
    def last_state_path(self) -> Path:
        """Everything needed to go on after the last finished epoch."""
        return self.folder / "last.pt"

    @property
    def start_path(self) -> Path:
        """The network as it came, kept where the run goes on comparing with it."""
        return self.folder / "start.safetensors"

    @property
    def history_path(self) -> Path:
        """The events, one JSON object per line."""
        return self.folder / "history.jsonl"

    @property
    def samples_folder(self) -> Path:
        """Pictures of the fixed validation frames, per epoch."""
        return self.folder / "samples"

    def describe(self, **changes: Any) -> None:
        """Change name or notes."""
        self.about = RunAbout(**{**asdict(self.about), **changes})
        self._save_about()

    def change_settings(self, settings: TrainingSettings) -> None:
        """Replace the settings, e.g. more patience before resuming."""
        self.settings = settings
        save_settings(settings, self.folder / "settings.toml")

    def record(self, event: TrainingEvent) -> None:
        """Append an event to the history. Steps and warnings wait for the next epoch's end, so that disks may sleep."""
        if isinstance(event, SampleImages):
            return
        self._waiting.append(json.dumps(to_json(event), ensure_ascii=False) + "\n")
        if isinstance(event, _WAITING):
            return
        with self.history_path.open("a", encoding="utf-8") as history:
            history.writelines(self._waiting)
            history.flush()
            os.fsync(history.fileno())
        self._waiting.clear()

    def history(self) -> list[dict[str, Any]]:
        """The events so far as plain data (see events.to_json); a torn last line is left out."""
        try:
            lines = self.history_path.read_text("utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        events = []
        for line in lines:
            try:
                events.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return [event for event in events if isinstance(event, dict)]

    def events(self) -> list[TrainingEvent]:
        """The events so far, to replay a run as if it were live."""
        events = (from_json(line) for line in self.history())
        return [event for event in events if event is not None]

    def rewind(self, epoch: int | None) -> None:
        """Forget what came after this epoch, and how the run ended; None forgets everything."""
        kept = [
            line
            for line in self.history()
            if epoch is not None and (line.get("epoch") or 0) <= epoch and line["event"] not in _ENDS
        ]
        self._waiting.clear()
        write_text(self.history_path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept))

    def summary(self) -> RunSummary:
        """The run in one line, from its history."""
        history = self.history()
        epochs = [line for line in history if line["event"] == "EpochDone"]
        end = next((line for line in reversed(history) if line["event"] in ("Finished", "Failed")), None)
        baseline = next((line for line in history if line["event"] == "BaselineDone"), {})
        best_epoch = epochs[-1]["best_epoch"] if epochs else 0
        best = next((line for line in epochs if line["epoch"] == best_epoch), {})
        source = best or baseline
        return RunSummary(
            state=_state(history, end),
            reason=str((end or {}).get("reason") or (end or {}).get("message") or ""),
            epochs_run=epochs[-1]["epoch"] if epochs else 0,
            epochs_planned=self.settings.epochs,
            best_epoch=best_epoch,
            best_validation_loss=source.get("validation_loss", nan),
            best_validation_epe_px=source.get("validation_epe_px", nan),
            baseline_validation_epe_px=baseline.get("validation_epe_px", nan),
            gap_epe_px=best["validation_epe_px"] - best["train_epe_px"] if best else nan,
            seconds=sum(line["seconds"] for line in epochs) + baseline.get("seconds", 0.0),
            guard_epe_px_before=baseline.get("guard_epe_px"),
            guard_epe_px_after=source.get("guard_epe_px"),
        )

    def epochs(self) -> list[EpochDone]:
        """The finished epochs in order."""
        return [event for event in self.events() if isinstance(event, EpochDone)]

    def frame_scores(self) -> tuple[FrameScore, ...]:
        """The best network's error on every validation frame, worst first; empty while the run goes on."""
        reports = [event for event in self.events() if isinstance(event, FrameScores)]
        return reports[-1].frames if reports else ()

    def _save_about(self) -> None:
        write_text(self.folder / _ABOUT_FILE, json.dumps(asdict(self.about), indent=1, ensure_ascii=False))


def list_runs(parent: Path) -> list[Run]:
    """The readable runs in a folder, newest first."""
    runs = []
    for about in parent.glob(f"*/{_ABOUT_FILE}"):
        try:
            runs.append(Run.open(about.parent))
        except SettingsError:
            continue  # a damaged run must not hide the others
    return sorted(runs, key=lambda run: (run.about.created, run.folder.name), reverse=True)


def _state(history: list[dict[str, Any]], end: dict[str, Any] | None) -> str:
    if not history:
        return "empty"
    if end is None:
        return "unfinished"
    if end["event"] == "Failed":
        return "failed"
    return "stopped" if end["reason"] == "stopped" else "finished"


def _environment() -> dict[str, Any]:
    """Versions and machine, so that a result can be understood later."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
        "packages": versions,
        "command": sys.argv,
    }
