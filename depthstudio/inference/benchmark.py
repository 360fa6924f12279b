"""How fast each network runs on each backend here, measured side by side through the whole predictor."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from depthstudio.frames import Image
from depthstudio.geometry import Rectifier, StereoCalibration
from depthstudio.inference.predictor import Predictor
from depthstudio.inference.probe import probe_pair
from depthstudio.inference.selection import BACKENDS
from depthstudio.models import StereoNetwork

CONVENTIONS = (
    "From two raw grey images to the finished disparity: rectification, conversion, network; SGBM: rectification and "
    "matching.",
    "The backends of a network, and SGBM, take turns pair by pair, so that other work on the machine hits all alike; "
    "times torch: median over the rounds of torch's time / its own.",
)
_PROBE_DISPARITY_PX = 64
_WARM_UP_ROUNDS = 2

# left, right (H, W, 3) uint8, rectified -> anything
Matcher = Callable[[Image, Image], object]
# camera images in, anything out
_Method = Callable[[Image, Image], object]


@dataclass(frozen=True)
class SpeedRow:
    """One method. times_torch: how many times as fast as the same network in torch; None where there is none.

    remark: why it could not be measured; the numbers are NaN then.
    """

    network: str
    backend: str
    median_ms: float
    p95_ms: float
    frames_per_s: float
    times_torch: float | None
    remark: str = ""

    def as_json(self) -> dict[str, Any]:
        """For a file; numbers that are not there are null."""
        return {
            name: None if isinstance(value, float) and np.isnan(value) else value
            for name, value in asdict(self).items()
        }


def inference_benchmark(
    networks: Mapping[str, StereoNetwork],
    size: tuple[int, int],
    matchers: Mapping[str, Matcher] | None = None,
    rounds: int = 15,
    threads: int | None = None,
) -> Iterator[SpeedRow]:
    """Rows per network, a group at a time, then the other matchers.

    size: (width, height) of the camera. matchers: methods without a network, by name, measured beside the first one.
    """
    rectifier = Rectifier(_calibration(size))
    pair = tuple(image[:, :, 1].copy() for image in probe_pair(size, _PROBE_DISPARITY_PX))
    others = {name: _rectified_first(matcher, rectifier) for name, matcher in (matchers or {}).items()}
    rows_of_others: list[SpeedRow] = []
    for name, network in networks.items():
        predictors, rows = _predictors(name, network, rectifier, size, threads)
        methods: dict[str, _Method] = {backend: predictor.predict for backend, predictor in predictors.items()}
        times_ms = _times_ms(methods | others, pair[0], pair[1], rounds)
        torch_ms = times_ms["torch"]
        yield from (_row(name, predictors[backend].backend, times_ms[backend], torch_ms) for backend in methods)
        yield from rows
        rows_of_others = rows_of_others or [_row(other, "", times_ms[other], None) for other in others]
        others = {}
    yield from rows_of_others


def _predictors(
    name: str, network: StereoNetwork, rectifier: Rectifier, size: tuple[int, int], threads: int | None
) -> tuple[dict[str, Predictor], list[SpeedRow]]:
    """Those that work, ready to run, and a row for each that does not."""
    working: dict[str, Predictor] = {}
    refused: list[SpeedRow] = []
    for backend in BACKENDS:
        predictor = Predictor(copy.deepcopy(network), rectifier, threads=threads, backend=backend)
        predictor.warm_up(size)
        if predictor.notes:
            nan = float("nan")
            refused.append(SpeedRow(name, backend, nan, nan, nan, None, " ".join(predictor.notes)))
        else:
            working[backend] = predictor
    return working, refused


def _times_ms(methods: Mapping[str, _Method], left: Image, right: Image, rounds: int) -> dict[str, np.ndarray]:
    """Rounds x milliseconds of each."""
    times: dict[str, list[float]] = {name: [] for name in methods}
    for number in range(rounds + _WARM_UP_ROUNDS):
        for name, method in methods.items():
            started = time.perf_counter()
            method(left, right)
            if number >= _WARM_UP_ROUNDS:
                times[name].append((time.perf_counter() - started) * 1000.0)
    return {name: np.array(values) for name, values in times.items()}


def _row(network: str, backend: str, times_ms: np.ndarray, torch_ms: np.ndarray | None) -> SpeedRow:
    median_ms, p95_ms = (float(value) for value in np.percentile(times_ms, (50, 95)))
    ratio = None if torch_ms is None else float(np.median(torch_ms / times_ms))
    return SpeedRow(network, backend, median_ms, p95_ms, 1000.0 / median_ms, ratio)


def _rectified_first(matcher: Matcher, rectifier: Rectifier) -> _Method:
    return lambda left, right: matcher(rectifier.rectify_left(left), rectifier.rectify_right(right))


def _calibration(size: tuple[int, int]) -> StereoCalibration:
    """An ordinary rig: 60 degrees wide, a little distortion and rotation, 55 mm baseline."""
    width, height = size
    focal_px = width / (2 * np.tan(np.radians(30)))
    K = np.array([[focal_px, 0, width / 2], [0, focal_px, height / 2], [0, 0, 1]])
    D = np.array([0.05, -0.05, 0.0005, -0.0005, 0.0])
    turned = np.radians(0.3)
    R = np.array([[np.cos(turned), 0, np.sin(turned)], [0, 1, 0], [-np.sin(turned), 0, np.cos(turned)]])
    return StereoCalibration(K, D, K, D, R, np.array([-0.055, 0.0, 0.0]), size)
