from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

SIZE = (64, 48)


@pytest.fixture
def calibration() -> StereoCalibration:
    """A rectified pair with f * B = 50 px m: one metre is 5 cm baseline times 1000 px."""
    return StereoCalibration.rectified_pair(1000.0, 0.05, 31.5, 23.5, SIZE)


@pytest.fixture
def make_frame() -> Callable[..., StereoFrame]:
    def make(number: int = 1, channels: int = 1, **parts: object) -> StereoFrame:
        rng = np.random.default_rng(number)
        shape = (SIZE[1], SIZE[0]) if channels == 1 else (SIZE[1], SIZE[0], channels)
        known: dict = {
            "left": rng.integers(0, 256, shape, np.uint8),
            "right": rng.integers(0, 256, shape, np.uint8),
            "depth_mm": rng.integers(0, 65536, shape[:2], np.uint16),
        }
        return StereoFrame(number=number, timestamp_s=number / 30, **{**known, **parts})

    return make


@pytest.fixture
def real_data() -> Path:
    folder = os.environ.get("DEPTHSTUDIO_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("DEPTHSTUDIO_DATA names no folder of real data")
    return Path(folder)
