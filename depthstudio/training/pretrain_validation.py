"""How good the averaged weights are, on scenes that never change and on real pairs when they are there."""

from __future__ import annotations

import os
from pathlib import Path

from depthstudio.evaluation.benchmark_pairs import HEADLINE, BenchmarkPair, read_benchmark_pairs
from depthstudio.evaluation.matchers import Matcher, network_matcher, sgbm_matcher
from depthstudio.evaluation.metrics import DisparityMetrics, disparity_metrics, mean_metrics
from depthstudio.inference.reach import set_max_disparity
from depthstudio.models import StereoNetwork
from depthstudio.synthetic.validation import validation_scenes

Scores = dict[str, DisparityMetrics]

SCENE_SIZE = (448, 256)
SCENE_MAX_DISPARITY = 128.0


class PretrainValidation:
    """Per scene kind the mean metrics; real pairs (DEPTHSTUDIO_DATA) are looked at only, they decide nothing."""

    def __init__(self, per_kind: int, max_disparity: int) -> None:
        self.max_disparity = max_disparity
        self.sets: dict[str, list[BenchmarkPair]] = {}
        for scene in validation_scenes(per_kind, SCENE_SIZE, SCENE_MAX_DISPARITY):
            pair = BenchmarkPair(scene.kind, scene.left, scene.right, scene.disparity_px)
            self.sets.setdefault(scene.kind, []).append(pair)
        self.kinds = tuple(self.sets)
        data = os.environ.get("DEPTHSTUDIO_DATA")
        if data:
            for pair in read_benchmark_pairs(Path(data) / "stereo"):
                self.sets[f"real/{pair.name}"] = [pair]

    def of_sgbm(self) -> Scores:
        """SGBM with holes filled, on the same sets."""
        return self._scores(sgbm_matcher(fill_holes=True))

    def of_network(self, network: StereoNetwork) -> Scores:
        """The network in evaluation mode, from then on searching max_disparity."""
        set_max_disparity(network, self.max_disparity)
        return self._scores(network_matcher(network.eval()))

    def selection_score(self, scores: Scores) -> float:
        """bad-2 averaged over the synthetic kinds: what the best weights are chosen by."""
        return mean_metrics(scores[kind] for kind in self.kinds).bad_2

    def _scores(self, match: Matcher) -> Scores:
        scores = {name: mean_metrics(_measure(pair, match) for pair in pairs) for name, pairs in self.sets.items()}
        headline = [scores[f"real/{name}"] for name in HEADLINE if f"real/{name}" in scores]
        if headline:
            scores["real mean"] = mean_metrics(headline)
        return scores


def _measure(pair: BenchmarkPair, match: Matcher) -> DisparityMetrics:
    disparity = match(pair.left, pair.right, pair.largest_disparity_px)
    return disparity_metrics(disparity, pair.disparity_px, holes_are_bad=True)
