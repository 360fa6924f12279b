"""The speed table has a row for each backend and each other method, whether it works here or not."""

from __future__ import annotations

import json
import sys

import pytest

from depthstudio.inference.benchmark import inference_benchmark
from depthstudio.models import create_network


def test_every_backend_has_a_row_with_numbers_or_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    small = create_network("depthstudio-s", channels=(8, 8, 8, 8, 8), match=8, groups=2, fine_match=8, max_disparity=32)
    seen = []
    rows = list(inference_benchmark({"small": small}, (96, 64), {"other": lambda *pair: seen.append(pair)}, rounds=2))
    measured = {row.backend: row for row in rows if not row.remark}
    assert measured["torch cpu fp32"].times_torch == 1.0
    assert measured["torch cpu fp32"].frames_per_s > 0
    assert any("ONNX Runtime cannot be used here" in row.remark for row in rows)
    assert rows[-1].network == "other" and rows[-1].times_torch is None
    assert seen[0][0].shape == (64, 96)
    assert "NaN" not in json.dumps([row.as_json() for row in rows])
