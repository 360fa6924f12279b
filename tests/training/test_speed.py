"""Both loops do the same work: what differs is how fast."""

from __future__ import annotations

from pathlib import Path

import pytest

from depthstudio.training.speed import compare_loops, equal_settings
from tests.training.fixtures import HEIGHT, WIDTH, MemorySamples, tiny_network


def test_both_loops_learn_the_same_in_the_same_number_of_epochs(tmp_path: Path) -> None:
    settings = equal_settings((WIDTH, HEIGHT), 2, 3).changed(precision="fp32", device="cpu", num_workers=1)
    sides = (MemorySamples(5, seed=1), MemorySamples(3, seed=2))
    compared = compare_loops(tiny_network(), sides, settings, tmp_path / "run")
    assert len(compared.ours.validation_epe_px) == 3
    assert compared.ours.validation_epe_px == pytest.approx(compared.plain.validation_epe_px, rel=1e-3)
    assert compared.times > 0 and compared.as_json()["times"] == compared.times
