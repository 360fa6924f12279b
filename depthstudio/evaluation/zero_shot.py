"""Networks and SGBM on pairs that nobody trained on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from depthstudio.evaluation.benchmark_pairs import HEADLINE, BenchmarkPair, read_benchmark_pairs
from depthstudio.evaluation.matchers import Matcher, network_matcher, sgbm_matcher
from depthstudio.evaluation.metrics import DisparityMetrics, disparity_metrics, mean_metrics
from depthstudio.inference.reach import set_max_disparity
from depthstudio.models import StereoNetwork
from depthstudio.synthetic.generate import INFRARED
from depthstudio.synthetic.validation import validation_scenes

SGBM_VALID = "SGBM, valid only"
SGBM_FILLED = "SGBM, filled"
INFRARED_SET = "synthetic infrared"
INFRARED_PAIRS = 8
INFRARED_SIZE = (640, 480)
INFRARED_MAX_DISPARITY = 128.0

CONVENTIONS = (
    "Nothing was trained on these pairs. All pixels with known truth, occluded ones too; averages per image.",
    "EPE in px; bad-t: error above t px; D1: above 3 px and 5 %. 'Valid only' leaves SGBM's holes out (see density), "
    "'filled' gives them the farther neighbour. Networks search 192 px; SGBM is told each pair's largest disparity.",
    "mb06_aloe_t has whole, floored truth: its EPE cannot fall below about 0.5 px. ms: median per pair, this machine.",
)


@dataclass(frozen=True)
class Row:
    """One method on one set; milliseconds per pair."""

    set_name: str
    method: str
    metrics: DisparityMetrics
    milliseconds: float


def benchmark_sets(folder: Path | None) -> dict[str, list[BenchmarkPair]]:
    """The real pairs below `folder` when given (headline scenes singly), and the synthetic infrared scenes."""
    sets: dict[str, list[BenchmarkPair]] = {}
    if folder is not None:
        pairs = read_benchmark_pairs(folder)
        sets |= {pair.name: [pair] for name in HEADLINE for pair in pairs if pair.name == name}
        sets["mean of these"] = [pair for pair in pairs if pair.name in HEADLINE]
        sets["mtk_synth"] = [pair for pair in pairs if pair.name.startswith("mtk_synth")]
        sets["sceneflow"] = [pair for pair in pairs if pair.name.startswith("sceneflow")]
    scenes = validation_scenes(INFRARED_PAIRS, INFRARED_SIZE, INFRARED_MAX_DISPARITY, kinds=(INFRARED,))
    sets[INFRARED_SET] = [
        BenchmarkPair(f"{INFRARED}_{index}", scene.left, scene.right, scene.disparity_px)
        for index, scene in enumerate(scenes)
    ]
    return {name: pairs for name, pairs in sets.items() if pairs}


def zero_shot(
    networks: Mapping[str, StereoNetwork], sets: Mapping[str, Sequence[BenchmarkPair]], max_disparity: int = 192
) -> Iterator[Row]:
    """A row per set and method, method by method; each pair is matched once, however many sets hold it."""
    methods: dict[str, Matcher] = {SGBM_VALID: sgbm_matcher(False), SGBM_FILLED: sgbm_matcher(True)}
    for name, network in networks.items():
        set_max_disparity(network, max_disparity)
        methods[name] = network_matcher(network.eval())
    unique = {pair.name: pair for pairs in sets.values() for pair in pairs}
    for method, match in methods.items():
        first = next(iter(unique.values()))
        match(first.left, first.right, first.largest_disparity_px)
        measured = {name: _measure(pair, match) for name, pair in unique.items()}
        for set_name, pairs in sets.items():
            results = [measured[pair.name] for pair in pairs]
            times = sorted(ms for _, ms in results)
            yield Row(set_name, method, mean_metrics(m for m, _ in results), times[len(times) // 2])


def as_json(rows: Sequence[Row]) -> dict[str, Any]:
    """The table with its conventions."""
    return {"conventions": list(CONVENTIONS), "rows": [asdict(row) for row in rows]}


def _measure(pair: BenchmarkPair, match: Matcher) -> tuple[DisparityMetrics, float]:
    started = time.perf_counter()
    disparity = match(pair.left, pair.right, pair.largest_disparity_px)
    milliseconds = 1e3 * (time.perf_counter() - started)
    return disparity_metrics(disparity, pair.disparity_px), milliseconds
