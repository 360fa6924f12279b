"""Which parts of the network and of its pretraining earn their keep: variants at equal compute on the same scenes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from depthstudio.cancel import CancelToken
from depthstudio.storage import write_text
from depthstudio.synthetic.generate import DEFAULT_MIX
from depthstudio.synthetic.pool import ScenePool
from depthstudio.training.pretrain import Phase, Pretraining, PretrainSettings, pretrain
from depthstudio.training.pretrain_data import PairSource, PooledPairs
from depthstudio.training.pretrain_loss import LossWeights
from depthstudio.training.pretrain_state import PretrainState

RESULT_FILE = "ablation.json"
_WARM_STEPS, _TIMED_STEPS = 3, 20
_ENDLESS_H = 1e4
_PHASE = Phase(0.0, 192, 320, 128)


@dataclass(frozen=True)
class Variant:
    """One thing done differently. options: of depthstudio-s. mix: scene kind -> share."""

    title: str
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: LossWeights = field(default_factory=LossWeights)
    mix: Mapping[str, float] = field(default_factory=lambda: DEFAULT_MIX)


VARIANTS = (
    Variant("depthstudio-s"),
    Variant("without cross-entropy", weights=LossWeights(classification=0.0)),
    Variant("plain smooth L1", weights=LossWeights(robust_px=0.0)),
    Variant("occluded pixels count nothing", weights=LossWeights(occluded=0.0)),
    Variant("occluded pixels count fully", weights=LossWeights(occluded=1.0)),
    Variant("no refinement", {"steps": 0}),
    Variant("1 refinement step", {"steps": 1}),
    Variant("3 refinement steps", {"steps": 3}),
    Variant("volume at 1/4, refinement at 1/2", {"enlarge": 2}),
    Variant("1 group", {"groups": 1}),
    Variant("8 groups", {"groups": 8}),
    Variant("features of any length", {"unit_length": False}),
    Variant("flying clutter only", mix={"clutter": 1.0}),
)


@dataclass(frozen=True)
class AblationPlan:
    """minutes: processor time of each variant, all cores together, crops not counted. scenes: in the pool.

    phase: crop size and searched range of all.
    """

    minutes: float
    pool: Path
    scenes: int = 600
    phase: Phase = _PHASE
    seed: int = 0
    scenes_per_kind: int = 4


@dataclass(frozen=True)
class AblationRow:
    """What came out. scores: set -> epe (px), bad_1, bad_2; synthetic_bad_2: mean of the fixed synthetic scenes."""

    title: str
    parameters: int
    processor_s_per_step: float
    crops: int
    synthetic_bad_2: float
    scores: dict[str, dict[str, float]]


def ablate(
    plan: AblationPlan, out: Path, cancel: CancelToken, variants: Sequence[Variant] = VARIANTS
) -> Iterator[AblationRow | str]:
    """Train the variants one after the other; rows, and words about what is being done.

    Variants done before, in folders below `out`, are not trained again; one that was stopped goes on.
    """
    for variant in variants:
        folder = out / variant.title.replace(" ", "-").replace("/", "-")
        if not (folder / RESULT_FILE).exists():
            yield f"{variant.title}: rendering what is missing"
            yield from _train(variant, plan, folder, cancel)
        if cancel.is_cancelled:
            return
        yield AblationRow(**json.loads((folder / RESULT_FILE).read_text()))


def _train(variant: Variant, plan: AblationPlan, folder: Path, cancel: CancelToken) -> Iterator[str]:
    source = _scenes(plan, variant)
    settings = PretrainSettings(
        hours=_ENDLESS_H,
        options=dict(variant.options),
        phases=(plan.phase,),
        weights=variant.weights,
        seed=plan.seed,
        device="cpu",
        scenes_per_kind=plan.scenes_per_kind,
    )
    step_s = _processor_s_per_step(settings, source, folder)
    settings = replace(settings, max_steps=max(1, round(60 * plan.minutes / step_s)))
    validated: dict[str, Any] = {}
    parameters = crops = 0
    for event in pretrain(settings, folder, resume=True, cancel=cancel, source=source):
        parameters = event.values.get("parameters", parameters)
        crops, validated = event.crops, event.values if event.kind == "validated" else validated
        yield f"{variant.title}: {event.fraction:.0%}, {event.crops} crops"
    if not cancel.is_cancelled:
        scores = dict(validated)
        row = AblationRow(variant.title, parameters, step_s, crops, scores.pop("score"), scores)
        write_text(folder / RESULT_FILE, json.dumps(asdict(row), indent=1))


def _scenes(plan: AblationPlan, variant: Variant) -> PooledPairs:
    pool = ScenePool(plan.pool, plan.scenes, seed=plan.seed, mix=variant.mix)
    for seed in range(plan.seed, plan.seed + plan.scenes):
        if not pool.path(seed).exists():
            pool.render(seed)
    return PooledPairs(pool)


def _processor_s_per_step(settings: PretrainSettings, source: PairSource, folder: Path) -> float:
    """What a step costs all cores together; the crops are made elsewhere. Busy machines do not change it much."""
    run = Pretraining(
        settings,
        folder,
        state=PretrainState.fresh(json.loads(json.dumps(asdict(settings))), torch.device("cpu")),
        device=torch.device("cpu"),
        source=source,
        cancel=CancelToken(),
    )
    for _ in range(_WARM_STEPS):
        run.step()
    began_s = time.process_time()
    for _ in range(_TIMED_STEPS):
        run.step()
    return (time.process_time() - began_s) / _TIMED_STEPS
