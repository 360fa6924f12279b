from __future__ import annotations

import numpy as np
import torch

from depthstudio.models import create_network
from depthstudio.models.volume_network import VolumeStereoNetwork
from depthstudio.synthetic import SyntheticPair
from depthstudio.synthetic.validation import validation_scenes
from depthstudio.training.confidence import calibrate_confidence, calibration_error, calibration_scenes

SMALL = {"channels": [8, 8, 8, 8, 8], "match": 8, "fine_match": 8, "aggregation": [4, 4, 4], "hidden": 8}


def network() -> VolumeStereoNetwork:
    torch.manual_seed(1)
    made = create_network("depthstudio-s", **SMALL, max_disparity=32)
    assert isinstance(made, VolumeStereoNetwork)
    return made.eval()


def pairs_around(network: VolumeStereoNetwork, spread_px: float) -> list[SyntheticPair]:
    """Pairs whose truth is the network's own prediction plus Laplace noise of a known scale."""
    random = np.random.default_rng(5)
    made = []
    for _ in range(3):
        left, right = random.integers(0, 255, (2, 64, 96, 3), dtype=np.uint8)
        images = [torch.from_numpy(image.transpose(2, 0, 1).copy())[None].float() / 255 for image in (left, right)]
        with torch.inference_mode():
            disparity = network(*images).disparity[0].numpy() + 40
        truth = disparity - 40 + random.laplace(0, spread_px, disparity.shape)
        made.append(SyntheticPair(left, right, truth.astype(np.float32), np.zeros(truth.shape, bool), "noise"))
    return made


def test_the_confidence_becomes_the_share_of_right_pixels_and_disparity_stays() -> None:
    judged = network()
    pairs = pairs_around(judged, spread_px=2.0)
    image = torch.rand(1, 3, 64, 96)
    before = judged(image, image)
    fit = calibrate_confidence(judged, pairs)
    after = judged(image, image)

    assert fit.error_before > 0.05
    assert fit.error_after < 0.02
    assert fit.gain > 0
    torch.testing.assert_close(after.disparity, before.disparity)
    again = calibrate_confidence(judged, pairs)
    assert abs(again.error_before - fit.error_after) < 0.02


def test_the_calibration_error_of_a_known_case() -> None:
    confidence = torch.tensor([0.9, 0.9, 0.9, 0.9, 0.2, 0.2])
    right = torch.tensor([1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    assert abs(calibration_error(confidence, right) - (4 * 0.4 + 2 * 0.2) / 6) < 1e-6


def test_calibration_scenes_are_others_than_those_that_judge() -> None:
    size = (64, 32)
    mine = calibration_scenes(1, size)
    judging = validation_scenes(1, size, 128.0)
    assert [pair.kind for pair in mine] == [pair.kind for pair in judging]
    assert not any(np.array_equal(a.left, b.left) for a, b in zip(mine, judging, strict=True))
