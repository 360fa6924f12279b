"""The SGBM baseline: settings that reproduce the published table of the real pairs."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.evaluation.metrics import disparity_metrics
from depthstudio.evaluation.sgbm import sgbm_disparity
from depthstudio.geometry.holes import fill_from_farther

DATA = os.environ.get("DEPTHSTUDIO_DATA")
NAN = np.nan

# name: density %, EPE px and bad-2 % of valid pixels, bad-2 % with holes bad, bad-2 % filled
PUBLISHED = {
    "mb14_motorcycle_q": (92.5, 1.15, 7.1, 14.0, 9.4),
    "mb03_cones_q": (91.6, 0.63, 6.0, 13.9, 9.6),
    "mb03_teddy_q": (91.6, 0.81, 6.9, 14.7, 11.0),
    "mb01_venus": (97.6, 0.32, 1.9, 4.2, 2.3),
    "mb06_aloe_t": (88.5, 0.97, 3.9, 15.0, 6.0),
    "sceneflow_ft3d_A0032_0006": (75.8, 5.67, 27.6, 45.2, None),
}


def test_a_shifted_texture_is_found_up_to_the_left_border() -> None:
    texture = np.random.default_rng(0).integers(0, 255, (60, 160, 3), dtype=np.uint8)
    left, right = texture[:, :140], texture[:, 12:152]
    disparity = sgbm_disparity(left, right, 20)
    assert disparity.dtype == np.float32
    assert disparity.shape == (60, 140)
    inner = disparity[5:-5, 20:-5]
    assert np.nanmedian(inner) == pytest.approx(12, abs=0.1)
    assert np.isfinite(sgbm_disparity(left, right, 20, fill_holes=True)).all()


def test_holes_take_the_farther_neighbour() -> None:
    disparity = np.array([[NAN, 5, NAN, NAN, 9, NAN], [NAN] * 6], np.float32)
    expected = np.array([[5, 5, 5, 5, 9, 9]] * 2, np.float32)
    np.testing.assert_array_equal(fill_from_farther(disparity), expected)
    np.testing.assert_array_equal(fill_from_farther(np.full((2, 2), NAN, np.float32)), np.zeros((2, 2)))


@pytest.mark.skipif(not DATA, reason="DEPTHSTUDIO_DATA is not set")
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_numbers_are_reproduced(name: str) -> None:
    folder = Path(str(DATA)) / "stereo" / name
    truth = np.load(folder / "disp.npy")
    left, right = (cv2.imread(str(folder / f"{side}.png")) for side in ("left", "right"))
    assert left is not None
    assert right is not None
    largest = float(np.nanmax(truth))
    sparse = sgbm_disparity(left.astype(np.uint8), right.astype(np.uint8), largest)
    valid = disparity_metrics(sparse, truth)
    all_pixels = disparity_metrics(sparse, truth, holes_are_bad=True)
    density, epe_px, bad_valid, bad_all, bad_filled = PUBLISHED[name]
    assert 100 * valid.density == pytest.approx(density, abs=0.1)
    assert valid.epe_px == pytest.approx(epe_px, abs=0.01)
    assert 100 * valid.bad_2 == pytest.approx(bad_valid, abs=0.1)
    assert 100 * all_pixels.bad_2 == pytest.approx(bad_all, abs=0.1)
    if bad_filled is not None:
        filled = disparity_metrics(fill_from_farther(sparse), truth)
        assert 100 * filled.bad_2 == pytest.approx(bad_filled, abs=0.1)
