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
from depthstudio.errors import DatasetError
from depthstudio.evaluation.bands import measure_bands, merge_bands
from depthstudio.evaluation.error_map import error_colours, frame_pictures
from depthstudio.evaluation.evaluate import (
    CameraMethod,
    Measure,
    SgbmMethod,
    evaluate,
    evaluate_frames,
    measure,
    pooled_metrics,
)
from depthstudio.evaluation.html_report import html_report
from depthstudio.evaluation.jobs import FrameDone, MethodDone, compare, evenly, save_comparison
from depthstudio.evaluation.metrics import disparity_metrics
from depthstudio.evaluation.report import write_report
from depthstudio.evaluation.truth import seen_by_both
from depthstudio.frames import Image
from depthstudio.geometry import RectifiedGeometry
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


class Everywhere:
    """The same disparity at every pixel of every frame."""

    def __init__(self, answer_px: float) -> None:
        self.name = f"{answer_px:g} px"
        self.answer_px = answer_px

    def predict(self, left: Image, right: Image) -> Prediction:
        return Prediction(np.full(left.shape[:2], self.answer_px, np.float32), None, left, 5.0)


def test_the_mask_of_the_data_and_that_of_a_dense_truth() -> None:
    visible = np.ones((HEIGHT, WIDTH), bool)
    visible[:, :30] = False
    given = replace(sample(1), nonoccluded=visible)
    how = Measure(mask="nonoccluded")
    assert measure(Everywhere(SHIFT), given, how).metrics.pixels == HEIGHT * (WIDTH - 30)
    assert measure(Everywhere(SHIFT), given, Measure(mask="occluded")).metrics.pixels == HEIGHT * 30
    # The left SHIFT columns land outside the right image.
    assert measure(Everywhere(SHIFT), sample(1), how).metrics.pixels == HEIGHT * (WIDTH - SHIFT)
    assert measure(Everywhere(SHIFT), sample(1, valid_columns=10), how).metrics.pixels == 0  # too sparse to know


def test_what_a_nearer_surface_hides_is_not_seen_by_both() -> None:
    truth = np.full((1, 40), 4, np.float32)
    truth[0, 20:30] = 9  # hides the five pixels at its left, the outermost within the half pixel of slack
    seen = seen_by_both(truth)[0]
    assert not seen[16:20].any() and seen[20:].all() and seen[4:16].all() and not seen[:4].any()


def test_holes_may_count_as_bad() -> None:
    def bad_1(how: Measure) -> float:
        return measure(SgbmMethod(32), sample(1), how).metrics.bad_1

    assert bad_1(Measure(holes_are_bad=True)) > bad_1(Measure())


def test_bands_hold_every_pixel_once_and_the_error_in_metres() -> None:
    geometry = RectifiedGeometry(80.0, 0.1, 47.5, 23.5, (WIDTH, HEIGHT))  # 8 px are 1 m
    truth = np.full((HEIGHT, WIDTH), 8, np.float32)
    truth[:, WIDTH // 2 :] = 4
    bands = measure_bands(np.full_like(truth, 8), truth, geometry)
    assert sum(band.metrics.pixels for band in bands) == truth.size
    merged = merge_bands([bands, bands], per_pixel=True)
    assert [band.title for band in merged] == ["1-2 m", "2-4 m"]
    assert [band.metrics.epe_px for band in merged] == [0.0, 4.0]
    assert [band.depth_error_m for band in merged] == pytest.approx([0.0, 1.0])
    assert [band.unit for band in merge_bands([measure_bands(truth, truth, None)], per_pixel=False)] == ["px", "px"]


def test_the_camera_is_compared_where_something_better_is_known() -> None:
    frames = Frames(sample(1, exact_px=SHIFT + 0.5), sample(2))
    result = evaluate(CameraMethod(), frames)
    assert [frame.metrics.pixels for frame in result.frames] == [HEIGHT * WIDTH, 0]
    assert result.per_image.epe_px == 0.5


def test_a_comparison_reports_progress_and_leaves_out_a_camera_that_is_the_truth() -> None:
    methods = {"a": Everywhere(SHIFT), "camera": CameraMethod()}
    events = list(compare(methods, Frames(sample(1), sample(2)), Measure()))
    assert [event.share for event in events if isinstance(event, FrameDone)] == [0.25, 0.5, 0.75, 1.0]
    assert [event.evaluation.method for event in events if isinstance(event, MethodDone)] == ["a"]
    with pytest.raises(DatasetError, match="Nothing could be measured"):
        list(compare({"a": Everywhere(1)}, Frames(sample(1)), Measure(truth="exact")))


def test_a_cancelled_comparison_gives_what_it_has() -> None:
    cancel, done = CancelToken(), []
    for event in compare({"a": Everywhere(8), "b": Everywhere(9)}, Frames(*map(sample, range(5))), Measure(), cancel):
        done.append(event)
        if isinstance(event, FrameDone) and len(done) == 2:
            cancel.cancel()
    (last,) = [event for event in done if isinstance(event, MethodDone)]
    assert last.evaluation.method == "a" and len(last.evaluation.frames) == 2
    assert last.evaluation.cut_short == "a was stopped after 2 of 5 frames."
    assert last.evaluation.cut_short in html_report([last.evaluation])


def test_frames_are_spread_evenly() -> None:
    chosen = evenly(Frames(*map(sample, range(9))), 3)
    assert [chosen[i].name for i in range(3)] == ["000000", "000004", "000008"]


def test_the_report_is_one_page_with_pictures_of_the_worst_frames(tmp_path: Path) -> None:
    methods = {"good <b>": Everywhere(SHIFT + 0.25), "poor": Everywhere(SHIFT + 6)}
    frames = Frames(*(replace(sample(seed), name=f"frame {seed}") for seed in range(6)))
    done = [
        e.evaluation
        for e in compare(methods, frames, Measure("label", average="per_pixel"))
        if isinstance(e, MethodDone)
    ]
    page = save_comparison(tmp_path, methods, frames, done).read_text()
    assert page.count("<img ") == 4 * 2 * 4  # four frames, both methods, four pictures each
    assert "good &lt;b&gt;" in page and "good <b>" not in page
    assert "every pixel counts the same" in page and "per_pixel" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert {path.name for path in tmp_path.iterdir()} == {
        "evaluation.json", "frames.csv", "methods.csv", "report.html"
    }  # fmt: skip
    rows = list(csv.DictReader((tmp_path / "methods.csv").open()))
    assert [row["band"] for row in rows if row["method"] == "poor"] == ["all", "all", "8-16 px"]


def test_error_colours_are_those_of_kitti() -> None:
    pictures = frame_pictures(Everywhere(SHIFT + 1.0), Frames(sample(1, valid_columns=90)), 0, Measure())
    colours = pictures.error_colours
    assert tuple(colours[0, 50]) == (171, 217, 233)  # a third of 3 px: the step up to 0.5
    assert tuple(colours[0, 0]) == (40, 44, 50)  # no truth
    assert tuple(error_colours(np.full((1, 1), 60, np.float32), np.full((1, 1), 5, np.float32))[0, 0]) == (165, 0, 38)


def test_a_negative_prediction_has_no_depth_error_even_where_the_geometry_is_shifted() -> None:
    geometry = RectifiedGeometry(500.0, 0.1, 31.5, 23.5, (64, 48), disparity_shift_px=20.0)
    truth = np.full((48, 64), 30.0, np.float32)
    bands = measure_bands(np.full_like(truth, -5), truth, geometry)
    assert all(np.isnan(band.depth_error_m) for band in bands)
    assert merge_bands([bands], per_pixel=True) == ()
