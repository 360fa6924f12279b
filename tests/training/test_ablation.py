"""Variants at equal compute: trained, scored, remembered, and gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from depthstudio.cancel import CancelToken
from depthstudio.synthetic import SyntheticPair
from depthstudio.training.ablation import VARIANTS, AblationPlan, AblationRow, Variant, ablate
from depthstudio.training.pretrain import Phase

TINY: dict[str, Any] = {
    "channels": [8, 8, 8, 8, 8],
    "match": 8,
    "fine_match": 8,
    "aggregation": [4, 4, 4],
    "hidden": 8,
}


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AblationPlan:
    noise = np.random.default_rng(0).integers(0, 255, (32, 72, 3), dtype=np.uint8)
    known, seen = np.full((32, 64), 8, np.float32), np.zeros((32, 64), bool)
    pair = SyntheticPair(noise[:, :64], noise[:, 8:], known, seen, "noise")
    monkeypatch.delenv("DEPTHSTUDIO_DATA", raising=False)
    for room in ("pretrain_validation", "confidence"):
        monkeypatch.setattr(f"depthstudio.training.{room}.validation_scenes", lambda *_, **__: [pair, pair])
    return AblationPlan(0.01, tmp_path / "scenes", scenes=2, phase=Phase(0.0, 64, 96, 32), scenes_per_kind=1)


def test_variants_cost_the_same_and_are_not_trained_twice(plan: AblationPlan, tmp_path: Path) -> None:
    variants = (Variant("shipped", TINY), Variant("no refinement", TINY | {"steps": 0}))
    rows = [event for event in ablate(plan, tmp_path, CancelToken(), variants) if isinstance(event, AblationRow)]
    assert [row.title for row in rows] == ["shipped", "no refinement"]
    for row in rows:
        assert row.crops == pytest.approx(4 * 60 * plan.minutes / row.processor_s_per_step, abs=4)
        assert 0 <= row.synthetic_bad_2 <= 1 and "noise" in row.scores
    again = list(ablate(plan, tmp_path, CancelToken(), variants))
    assert again == rows


def test_a_stopped_ablation_keeps_what_is_done(plan: AblationPlan, tmp_path: Path) -> None:
    cancel = CancelToken()
    variants = (Variant("one", TINY), Variant("two", TINY))
    done: list[AblationRow] = []
    for event in ablate(plan, tmp_path, cancel, variants):
        if isinstance(event, AblationRow):
            done.append(event)
            cancel.cancel()
    assert [row.title for row in done] == ["one"]
    assert len(list(ablate(plan, tmp_path, CancelToken(), variants[:1]))) == 1


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.title)
def test_every_variant_exists(variant: Variant) -> None:
    from depthstudio.models import create_network

    create_network("depthstudio-s", **variant.options)
