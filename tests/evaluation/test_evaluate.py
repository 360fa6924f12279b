"""Evaluations: the right truth, both averages, files that others can read."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from depthstudio.cancel import CancelToken
from depthstudio.datasets.stereo_sample import StereoSample
from depthstudio.evaluation.evaluate import SgbmMethod, evaluate, evaluate_frames, pooled_metrics
from depthstudio.evaluation.metrics import disparity_metrics
from depthstudio.evaluation.report import write_report
from depthstudio.frames import Image
from depthstudio.inference import Prediction

HEIGHT, WIDTH, SHIFT = 48, 96, 8


def sample(seed: int, valid_columns: int = WIDTH, exact_px: float | None = None) -> StereoSample:
    rng = np.random.default_rng(seed)
    scene = rng.integers(0, 256, (HEIGHT, WIDTH + SHIFT, 3), dtype=np.uint8)
    valid = np.zeros((HEIGHT, WIDTH), bool)
    valid[:, WIDTH - valid_columns :] = True
    disparity_px = np.where(valid, np.float32(SHIFT), np.float32(np.nan))
    exact = None if exact_px is None else np.full((HEIGHT, WIDTH), exact_px, np.float32)
    left, right = np.ascontiguousarray(scene[:, :WIDTH]), np.ascontiguousarray(scene[:, SHIFT:])
    return StereoSample(left, right, disparity_px, valid, exact, None, f"{seed:06d}", "room")


class Frames:
    title = "a room"
    roles: dict[str, str] = {}  # noqa: RUF012 - never changed

    def __init__(self, *samples: StereoSample) -> None:
        self.samples = samples
        self.groups = [one.group for one in samples]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> StereoSample:
        return self.samples[index]


class Constant:
    """Answers the same everywhere, and something worse for frames whose first pixel is dark."""

    name = "constant"

    def __init__(self, *answers_px: float) -> None:
        self.answers_px = list(answers_px)

    def predict(self, left: Image, right: Image) -> Prediction:
        return Prediction(np.full(left.shape[:2], self.answers_px.pop(0), np.float32), None, left, 5.0)


def test_both_averages_are_what_they_say() -> None:
    frames = Frames(sample(1, valid_columns=90), sample(2, valid_columns=10))
    result = evaluate(Constant(SHIFT + 1.0, SHIFT + 5.0), frames)
    assert result.per_image.epe_px == pytest.approx(3.0)
    assert result.per_pixel.epe_px == pytest.approx((90 * 1 + 10 * 5) / 100)
    assert result.per_pixel.bad_3 == pytest.approx(0.1)
    assert [frame.name for frame in result.worst_first] == ["000002", "000001"]


def test_pooling_equals_measuring_all_pixels_at_once() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(5, 50, (2, 40, 60)).astype(np.float32)
    predicted = (truth + rng.normal(0, 3, truth.shape)).astype(np.float32)
    predicted[0, :10] = np.nan
    predicted[1, :, :30] = np.nan
    together = disparity_metrics(predicted.reshape(80, 60), truth.reshape(80, 60))
    pooled = pooled_metrics([disparity_metrics(p, t) for p, t in zip(predicted, truth, strict=True)])
    for name in ("epe_px", "bad_1", "bad_2", "bad_3", "d1", "rmse_px", "density", "pixels"):
        assert getattr(pooled, name) == pytest.approx(getattr(together, name), rel=1e-6), name


def test_the_exact_disparity_judges_where_there_is_one() -> None:
    frames = Frames(sample(1, exact_px=SHIFT + 2.0), sample(2))
    by_default = evaluate(Constant(SHIFT, SHIFT), frames)
    assert [frame.truth for frame in by_default.frames] == ["exact", "label"]
    assert [frame.metrics.epe_px for frame in by_default.frames] == [2.0, 0.0]
    assert evaluate(Constant(SHIFT, SHIFT), frames, truth="label").per_image.epe_px == 0.0
    exact = evaluate(Constant(SHIFT, SHIFT), frames, truth="exact")
    assert exact.frames[1].metrics.pixels == 0 and exact.per_image.epe_px == 2.0


def test_sgbm_is_judged_with_and_without_its_holes() -> None:
    frames = Frames(sample(1), sample(2))
    sparse, dense = (evaluate(SgbmMethod(32, fill_holes=fill), frames) for fill in (False, True))
    assert sparse.per_image.density < 1.0 and dense.per_image.density == 1.0
    assert sparse.per_image.epe_px < 0.5


def test_cancelling_leaves_the_frames_judged_so_far() -> None:
    cancel, judged = CancelToken(), []
    for frame in evaluate_frames(Constant(*[SHIFT] * 9), Frames(*map(sample, range(9))), cancel=cancel):
        judged.append(frame)
        if len(judged) == 2:
            cancel.cancel()
    assert len(judged) == 2


def test_reports_can_be_read_again(tmp_path: Path) -> None:
    hole = replace(sample(2), valid=np.zeros((HEIGHT, WIDTH), bool))
    result = evaluate(Constant(SHIFT + 1.0, SHIFT), Frames(sample(1), hole))
    as_json, as_table = write_report(tmp_path, [result])
    read = json.loads(as_json.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert read[0]["per_image"]["epe_px"] == pytest.approx(1.0)
    assert read[0]["frames"][1]["epe_px"] is None
    rows = list(csv.DictReader(as_table.open()))
    assert [row["frame"] for row in rows] == ["000001", "000002"] and float(rows[0]["epe_px"]) == pytest.approx(1.0)
