"""How long one pair takes, from camera images to disparity, side by side on this machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from depthstudio.evaluation.sgbm import sgbm_disparity
from depthstudio.inference import Predictor
from depthstudio.models import create_network, network_names


@dataclass(frozen=True)
class Speed:
    """Median and fastest milliseconds of one method; parameters in millions, 0 for SGBM."""

    method: str
    median_ms: float
    fastest_ms: float
    parameters_m: float


def inference_speed(
    size: tuple[int, int] = (640, 480), max_disparity: int = 192, repeats: int = 7, device: str = "auto"
) -> Iterator[Speed]:
    """Every network that can be created (its weights do not matter here) and SGBM, on the same pair of `size`."""
    rng = np.random.default_rng(0)
    left = rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    right = np.roll(left, -max_disparity // 4, axis=1)
    for name in network_names():
        network = create_network(name)
        millions = sum(parameter.numel() for parameter in network.parameters()) / 1e6
        reach = max_disparity if "max_disparity" in network.options else None
        predictor = Predictor(network.eval(), device=device, max_disparity=reach)
        predictor.warm_up(size)
        yield _speed(predictor.name, lambda p=predictor: p.predict(left, right), repeats, millions)  # type: ignore[misc]
    yield _speed("SGBM", lambda: sgbm_disparity(left, right, max_disparity - 1), repeats, 0.0)


def _speed(method: str, call: Callable[[], object], repeats: int, parameters_m: float) -> Speed:
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - started))
    return Speed(method, statistics.median(times), min(times), parameters_m)
