"""Pretraining on synthetic pairs with a budget of time instead of epochs; it stops and resumes at any moment."""

from __future__ import annotations

import ctypes
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from depthstudio.cancel import CancelToken
from depthstudio.errors import NetworkError
from depthstudio.inference.device import choose_device
from depthstudio.inference.reach import set_max_disparity
from depthstudio.models import load_network, save_network
from depthstudio.models.volume_network import VolumeStereoNetwork
from depthstudio.training.confidence import calibrate_confidence, calibration_scenes
from depthstudio.training.optimisation import autocast, channels_last
from depthstudio.training.precision import PrecisionChoice, choose_precision
from depthstudio.training.pretrain_data import CropStream, PairSource, RenderedPairs, batches
from depthstudio.training.pretrain_loss import LossWeights, pretraining_loss
from depthstudio.training.pretrain_state import PretrainState
from depthstudio.training.pretrain_validation import PretrainValidation, Scores

STATE_FILE = "state.pt"
BEST_FILE = "best.safetensors"
HISTORY_FILE = "history.jsonl"
WARM_UP = 0.03
FINAL_RATE_SHARE = 0.01
OCCLUDED_FROM = 0.3
CLIP_NORM = 1.0


@dataclass(frozen=True)
class Phase:
    """From this fraction of the time on: crop size and searched range, px."""

    from_fraction: float
    height: int
    width: int
    max_disparity: int


@dataclass(frozen=True)
class PretrainSettings:
    """hours: the whole budget, over all resumes. start_from: a network's file whose weights a fresh run begins with.

    max_steps: end, and let the learning rate fall, after so many steps, if that comes first.
    workers: processes that make crops; 0 = in this one.
    """

    hours: float
    network: str = "depthstudio-s"
    options: dict[str, Any] = field(default_factory=dict)
    start_from: str = ""
    batch: int = 4
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    decay: float = 0.998
    phases: tuple[Phase, ...] = (Phase(0.0, 192, 320, 128), Phase(0.6, 256, 448, 192))
    weights: LossWeights = field(default_factory=LossWeights)
    seed: int = 0
    workers: int = 1
    device: str = "auto"
    precision: str = "auto"
    save_every_s: float = 300.0
    validate_every_s: float = 900.0
    report_every_s: float = 20.0
    scenes_per_kind: int = 4
    max_steps: int | None = None


@dataclass(frozen=True)
class PretrainEvent:
    """kind: "started", "progress", "validated", "calibrated" or "finished"; values: JSON-able facts."""

    kind: str
    fraction: float
    step: int
    crops: int
    elapsed_s: float
    values: dict[str, Any]


def rate_at(fraction: float) -> float:
    """Share of the peak learning rate after a fraction of the time: linear warm-up, then a cosine."""
    if fraction < WARM_UP:
        return max(fraction / WARM_UP, 0.01)
    progress = min((fraction - WARM_UP) / (1 - WARM_UP), 1.0)
    return FINAL_RATE_SHARE + (1 - FINAL_RATE_SHARE) * 0.5 * (1 + math.cos(math.pi * progress))


def pretrain(
    settings: PretrainSettings,
    folder: Path,
    *,
    resume: bool = False,
    cancel: CancelToken | None = None,
    source: PairSource | None = None,
) -> Iterator[PretrainEvent]:
    """Train until the time is used up or `cancel` is set; yields what happens.

    Writes into `folder`: state.pt (everything, for resume), best.safetensors (averaged weights), history.jsonl.
    resume continues there, with the new settings' hours. Raises NetworkError when the folder already holds a run.
    """
    state_path = folder / STATE_FILE
    if state_path.exists() and not resume:
        raise NetworkError(f"{folder} already holds a run.", next_step="Add --resume, or choose another folder.")
    _keep_freed_memory()
    device = choose_device(settings.device)
    wanted = json.loads(json.dumps(asdict(settings)))
    if resume and state_path.exists():
        state = PretrainState.resumed(state_path, device)
    else:
        state = PretrainState.fresh(wanted, device)
        if settings.start_from:
            state.begin_with(load_network(Path(settings.start_from)).network)
    run = Pretraining(
        settings,
        folder,
        state=state,
        device=device,
        source=source or RenderedPairs(),
        cancel=cancel or CancelToken(),
    )
    for event in run.events():
        with (folder / HISTORY_FILE).open("a", encoding="utf-8") as history:
            history.write(json.dumps(asdict(event)) + "\n")
        yield event


class Pretraining:
    """One start of a run."""

    def __init__(
        self,
        settings: PretrainSettings,
        folder: Path,
        *,
        state: PretrainState,
        device: torch.device,
        source: PairSource,
        cancel: CancelToken,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.settings, self.folder, self.state, self.device = settings, folder, state, device
        self.source, self.cancel = source, cancel
        self.precision: PrecisionChoice = choose_precision(state.network, device, settings.precision)
        self.started = time.monotonic()
        self.elapsed_before_s = state.elapsed_s
        self.phase: Phase | None = None
        self.stream: Iterator[dict[str, Tensor]] = iter(())

    @cached_property
    def validation(self) -> PretrainValidation:
        """Rendered when it is first needed."""
        return PretrainValidation(self.settings.scenes_per_kind, 192)

    @property
    def fraction(self) -> float:
        """Share of the budget used up, over all starts: of the time, or of the steps when these end first."""
        time_share = self.state.elapsed_s / (self.settings.hours * 3600)
        steps = self.settings.max_steps
        return time_share if steps is None else max(time_share, self.state.step / steps)

    def events(self) -> Iterator[PretrainEvent]:
        """The training loop."""
        self.state.network.train()
        yield self._event("started", self._description())
        marks = {"report": 0.0, "save": 0.0, "validate": 0.0}
        seen = self.state.crops
        try:
            while not self._is_over():
                parts = self.step()
                now = time.monotonic() - self.started
                if now - marks["report"] >= self.settings.report_every_s:
                    rate = (self.state.crops - seen) / (now - marks["report"])
                    marks["report"], seen = now, self.state.crops
                    yield self._event("progress", {"crops_per_s": round(rate, 2), **_rounded(parts)})
                if now - marks["validate"] >= self.settings.validate_every_s:
                    yield self._validate()
                    marks["validate"] = time.monotonic() - self.started
                if now - marks["save"] >= self.settings.save_every_s:
                    self._save()
                    marks["save"] = time.monotonic() - self.started
        finally:
            self._save()
        if self.cancel.is_cancelled:
            yield self._event("finished", {"reason": "stopped"})
            return
        yield self._validate()
        self._save()
        yield from self._calibrate()
        yield self._event("finished", {"reason": "time is used up"})

    def _is_over(self) -> bool:
        return self.cancel.is_cancelled or self.fraction >= 1

    def step(self) -> dict[str, Tensor]:
        """One optimiser step; a batch with a loss that is no number is skipped."""
        state, fraction = self.state, self.fraction
        phase = self._enter_phase(fraction)
        for group in state.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * rate_at(fraction)
        batch = {name: value.to(self.device, non_blocking=True) for name, value in next(self.stream).items()}
        truth = batch["disparity"]
        known = ((truth > 0) & (truth < phase.max_disparity)).float()
        occluded_weight = self.settings.weights.occluded if fraction >= OCCLUDED_FROM else 0.0
        weight = torch.where(batch["occluded"], known * occluded_weight, known)
        left, right = (channels_last(batch[side].float() / 255) for side in ("left", "right"))
        with autocast(self.device, self.precision.bf16):
            prediction = state.network(left, right)
        loss, parts = pretraining_loss(prediction, truth, weight, self.settings.weights)
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(state.network.parameters(), CLIP_NORM)
        if bool(torch.isfinite(norm)):
            state.optimizer.step()
            state.average.update(state.network, state.step)
        state.step += 1
        state.crops += len(truth)
        state.elapsed_s = self.elapsed_before_s + time.monotonic() - self.started
        return {"loss": loss.detach(), **{name: part.detach() for name, part in parts.items()}, "gradient_norm": norm}

    def _enter_phase(self, fraction: float) -> Phase:
        """The phase of this moment; a new one gets a new stream of crops."""
        phase = [phase for phase in self.settings.phases if fraction >= phase.from_fraction][-1]
        if phase != self.phase:
            self.phase = phase
            set_max_disparity(self.state.network, phase.max_disparity)
            seed = (self.settings.seed, self.state.crops)
            crops = CropStream(self.source, (phase.width, phase.height), phase.max_disparity, seed)
            self.stream = batches(crops, self.settings.batch, self.settings.workers, self.device.type == "cuda")
        return phase

    def _validate(self) -> PretrainEvent:
        scores = self.validation.of_network(self.state.average.network)
        score = self.validation.selection_score(scores)
        if score < self.state.best_score:
            self.state.best_score = score
            facts = {"crops": self.state.crops, "steps": self.state.step, "hours": self.state.elapsed_s / 3600}
            save_network(self.state.average.network, self.folder / BEST_FILE, {**facts, "validation_bad_2": score})
        return self._event("validated", {"score": score, **_as_values(scores)})

    def _calibrate(self) -> Iterator[PretrainEvent]:
        """Put the best weights' confidence right."""
        if not (self.folder / BEST_FILE).exists():
            return
        best = load_network(self.folder / BEST_FILE)
        if isinstance(best.network, VolumeStereoNetwork):
            set_max_disparity(best.network, self.validation.max_disparity)
            fit = calibrate_confidence(best.network.to(self.device), calibration_scenes(self.settings.scenes_per_kind))
            save_network(best.network, self.folder / BEST_FILE, best.metadata)
            yield self._event("calibrated", asdict(fit))

    def _save(self) -> None:
        self.state.save(self.folder / STATE_FILE)

    def _description(self) -> dict[str, Any]:
        return {
            "parameters": sum(parameter.numel() for parameter in self.state.network.parameters()),
            "device": str(self.device),
            "precision": self.precision.name,
            "note": self.precision.note,
            "settings": json.loads(json.dumps(asdict(self.settings))),
            "sgbm": _as_values(self.validation.of_sgbm()),
        }

    def _event(self, kind: str, values: dict[str, Any]) -> PretrainEvent:
        state = self.state
        return PretrainEvent(kind, self.fraction, state.step, state.crops, state.elapsed_s, values)


def _as_values(scores: Scores) -> dict[str, dict[str, float]]:
    return {
        name: {"epe": round(m.epe_px, 3), "bad_1": round(m.bad_1, 4), "bad_2": round(m.bad_2, 4)}
        for name, m in scores.items()
    }


def _rounded(parts: dict[str, Tensor]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in parts.items()}


def _keep_freed_memory() -> None:
    """Tell glibc to keep freed blocks: giving activations back to the system at every step costs time on a CPU."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    m_trim_threshold, m_mmap_max = -1, -4
    mallopt(m_mmap_max, 0)
    mallopt(m_trim_threshold, 2**31 - 1)
