"""Which recipe overfits: three fine-tunings on the same frames with the same number of steps, judged by exact truth.

Every arm is a training run of its own folder, so an interrupted comparison goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from depthstudio.cancel import CancelToken
from depthstudio.datasets import CachedSamples, SampleSource
from depthstudio.errors import UserError
from depthstudio.evaluation.matchers import network_matcher
from depthstudio.evaluation.overfit_data import OverfitData
from depthstudio.models import StereoNetwork, load_network
from depthstudio.storage import write_text
from depthstudio.training.batches import Mixture
from depthstudio.training.events import Failed, Finished, TrainingEvent
from depthstudio.training.loop import fine_tune
from depthstudio.training.overfit_scenes import SceneSamples
from depthstudio.training.presets import preset
from depthstudio.training.run import Run
from depthstudio.training.settings import TrainingSettings
from depthstudio.training.start import start_network

PRETRAINING = "pretraining"
_PRETRAINING_SCENES = 200
_PRETRAINING_FRAMES = 20


@dataclass(frozen=True)
class Arm:
    """preset: the recipe. network: what it starts from; PRETRAINING: the reference network after its pretraining."""

    title: str
    preset: str
    network: str


ARMS = (
    Arm("Reference-v3", "reference-v3", PRETRAINING),
    Arm("Recommended", "recommended", PRETRAINING),
    Arm("Safe fine-tune", "safe-fine-tune", "depthstudio-s"),
)


@dataclass(frozen=True)
class OverfitPlan:
    """epochs: of a recipe without rehearsal; all recipes get as many steps as these epochs have.

    crop: (width, height); the whole frame, because that is what the classic recipes' own loop showed the network: parts
    of it at random would be a regularisation they did not have.

    pretraining_steps: of the reference network on synthetic scenes before its arms; 0 = as many as an arm has. changes:
    settings that all arms share.
    """

    data: OverfitData
    epochs: int = 50
    crop: tuple[int, int] = (640, 480)
    batch_size: int = 4
    pretraining_steps: int = 0
    changes: dict[str, Any] | None = None

    @classmethod
    def quick(cls) -> OverfitPlan:
        """Small frames, few of them, few epochs: minutes instead of hours, and only a hint of the truth."""
        return cls(OverfitData(24, 12, (256, 192)), epochs=30, crop=(256, 192))

    @property
    def steps(self) -> int:
        """Of every arm, unless it stops early."""
        return self.epochs * Mixture(self.batch_size).steps(self.data.train)

    def settings(self, arm: Arm, network: str) -> TrainingSettings:
        """The arm's preset with this plan's size, and as many epochs as fit into its steps."""
        settings = preset(arm.preset).settings
        mixture = Mixture.of(self.batch_size, settings.rehearsal_share)
        return settings.changed(
            network=network,
            epochs=max(1, round(self.steps / mixture.steps(self.data.train))),
            batch_size=self.batch_size,
            crop_width=self.crop[0],
            crop_height=self.crop[1],
            **(self.changes or {}),
        )


@dataclass(frozen=True)
class ArmResult:
    """What an arm came to. Losses and EPE per valid pixel of the noisy labels, train and validation at the best epoch.

    best_epoch 0: no epoch beat the network as it came; the training error is then unknown. gap_epe_px: validation minus
    training. exact_*: mean over the validation frames against the exact disparity, over all their pixels. guard_*: see
    guard.Guard. last_*: at the end of the run, which is what a recipe without early stopping would have used.
    """

    title: str
    network: str
    reason: str
    best_epoch: int
    stop_epoch: int
    planned_epochs: int
    steps: int
    train_loss: float | None
    validation_loss: float
    train_epe_px: float | None
    validation_epe_px: float
    gap_epe_px: float | None
    last_gap_epe_px: float
    last_validation_epe_px: float
    before_validation_epe_px: float
    exact_epe_px_before: float
    exact_epe_px_after: float
    guard_epe_px_before: float | None
    guard_epe_px_after: float | None
    seconds: float
    curve: list[dict[str, Any]]

    @property
    def epochs_saved(self) -> int:
        """By ending early."""
        return self.planned_epochs - self.stop_epoch

    @property
    def guard_change(self) -> float | None:
        """Share by which the guard worsened; negative = it improved."""
        before, after = self.guard_epe_px_before, self.guard_epe_px_after
        return after / before - 1 if before and after is not None else None


@dataclass(frozen=True)
class OverfitProgress:
    """stage: what goes on. detail: what was just done, in words. event: of the run that goes on, where there is one."""

    stage: str
    detail: str = ""
    event: TrainingEvent | None = None


def overfit_benchmark(
    plan: OverfitPlan, data_folder: Path, out: Path, cancel: CancelToken | None = None
) -> Iterator[OverfitProgress | ArmResult]:
    """Record, pretrain the reference network, run every arm; yields progress and an ArmResult per arm.

    Goes on where an earlier call with the same folders was interrupted. Cancelled, it ends without further results.
    UserError when an arm fails, or when `out` holds a comparison of another plan.
    """
    cancel = cancel or CancelToken()
    _check_plan(plan, out)
    for words in plan.data.record(data_folder):
        yield OverfitProgress("Recording", words)
        if cancel.is_cancelled:
            return
    train, validation = (CachedSamples(side) for side in plan.data.sides(data_folder))
    pretraining = yield from _pretrained(plan, out, cancel)
    for arm in ARMS:
        if cancel.is_cancelled:
            return
        network = str(pretraining.best_path) if arm.network == PRETRAINING else arm.network
        run = _run(out / arm.preset, plan.settings(arm, network))
        yield from _follow(run, train, validation, arm.title, cancel)
        if not cancel.is_cancelled:
            yield _result(arm, run, validation)


def _check_plan(plan: OverfitPlan, out: Path) -> None:
    path = out / "plan.json"
    wanted = json.loads(json.dumps(asdict(plan)))
    if path.exists() and json.loads(path.read_text("utf-8")) != wanted:
        raise UserError(
            f"{out} holds a comparison of another size.",
            "Its sizes, frames, epochs or settings differ from those asked for now.",
            "Choose another folder, or the same sizes.",
        )
    write_text(path, json.dumps(wanted, indent=1))


def _pretrained(plan: OverfitPlan, out: Path, cancel: CancelToken) -> Generator[OverfitProgress, None, Run]:
    """The reference network after its own training on synthetic scenes, by the program's ordinary loop."""
    train = SceneSamples(_PRETRAINING_SCENES, plan.crop)
    validation = SceneSamples(_PRETRAINING_FRAMES, plan.crop, first=_PRETRAINING_SCENES)
    steps = plan.pretraining_steps or plan.steps
    settings = TrainingSettings(
        network="siamese",
        epochs=max(1, round(steps / Mixture(plan.batch_size).steps(len(train)))),
        batch_size=plan.batch_size,
        crop_width=plan.crop[0],
        crop_height=plan.crop[1],
        learning_rate=1e-3,
        encoder_lr_factor=1.0,
        aggregation_lr_factor=1.0,
        batchnorm_eval=False,
        lr_schedule="cosine",
        early_stop_patience=0,
        guard="off",
    ).changed(**(plan.changes or {}))
    run = _run(out / PRETRAINING, settings)
    yield from _follow(run, train, validation, "Pretraining of the reference network", cancel)
    return run


def _run(folder: Path, settings: TrainingSettings) -> Run:
    return Run.open(folder) if (folder / "run.json").exists() else Run.create_at(folder, settings)


def _follow(
    run: Run, train: SampleSource, validation: SampleSource, stage: str, cancel: CancelToken
) -> Iterator[OverfitProgress]:
    """Run or go on, unless it is finished."""
    if run.summary().state == "finished":
        yield OverfitProgress(stage, "done before")
        return
    network, _ = start_network(run.settings)
    for event in fine_tune(network, train, validation, run.settings, run, cancel, resume=True):
        if isinstance(event, Failed):
            raise UserError(f"{stage}: {event.message}", event.why, event.next_step)
        yield OverfitProgress(stage, event=event)


def _result(arm: Arm, run: Run, validation: SampleSource) -> ArmResult:
    end = next(event for event in reversed(run.events()) if isinstance(event, Finished))
    epochs = run.epochs()
    best = next((done for done in epochs if done.epoch == end.best_epoch), None)
    last = epochs[-1]
    tuned = load_network(run.best_path).network
    return ArmResult(
        title=arm.title,
        network=tuned.name,
        reason=end.reason,
        best_epoch=end.best_epoch,
        stop_epoch=end.epochs_run,
        planned_epochs=run.settings.epochs,
        steps=sum(line["event"] == "StepDone" for line in run.history()),
        train_loss=best.train_loss if best else None,
        validation_loss=end.best_validation_loss,
        train_epe_px=best.train_epe_px if best else None,
        validation_epe_px=end.best_validation_epe_px,
        gap_epe_px=best.validation_epe_px - best.train_epe_px if best else None,
        last_gap_epe_px=last.validation_epe_px - last.train_epe_px,
        last_validation_epe_px=last.validation_epe_px,
        before_validation_epe_px=end.baseline_validation_epe_px or float("nan"),
        exact_epe_px_before=exact_epe_px(start_network(run.settings)[0], validation),
        exact_epe_px_after=exact_epe_px(tuned, validation),
        guard_epe_px_before=end.guard_epe_px_before,
        guard_epe_px_after=end.guard_epe_px_after,
        seconds=end.seconds,
        curve=[
            {
                "epoch": done.epoch,
                "train_loss": done.train_loss,
                "validation_loss": done.validation_loss,
                "train_epe_px": done.train_epe_px,
                "validation_epe_px": done.validation_epe_px,
                "guard_epe_px": done.guard_epe_px,
            }
            for done in epochs
        ],
    )


def exact_epe_px(network: StereoNetwork, frames: SampleSource) -> float:
    """Mean over the frames of the mean |disparity - exact disparity| over all their pixels, px."""
    match = network_matcher(network.eval())
    errors = []
    for index in range(len(frames)):
        sample = frames[index]
        exact = sample.exact_disparity_px
        if exact is None:
            raise UserError(f"The frame {sample.name} has no exact disparity.", next_step="Use the simulated rig.")
        known = np.isfinite(exact)
        predicted = match(sample.left, sample.right, float(exact[known].max()))
        errors.append(float(np.abs(predicted - exact)[known].mean(dtype=np.float64)))
    return float(np.mean(errors))


def as_json(plan: OverfitPlan, results: list[ArmResult]) -> dict[str, Any]:
    """Everything, for a file."""
    rows = [
        {**asdict(result), "epochs_saved": result.epochs_saved, "guard_change": result.guard_change}
        for result in results
    ]
    finite = [
        {key: None if isinstance(value, float) and not isfinite(value) else value for key, value in row.items()}
        for row in rows
    ]
    return {"plan": asdict(plan), "steps": plan.steps, "arms": finite}
