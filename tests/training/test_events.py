"""Events survive the way through a file."""

from __future__ import annotations

import json
from math import isnan, nan

import numpy as np

from depthstudio.training.events import EpochDone, Finished, SampleImages, Started, from_json, to_json


def test_an_event_comes_back_as_it_was() -> None:
    started = Started("run", "siamese", 10, 5, 3, 2, 50, 1, "cpu", "fp32", notes=("a", "b"))
    done = EpochDone(3, 10.4, 14.0, 16.0, 19.0, 1e-4, 2, 15.9, 1, 15, 3.2, False)
    for event in (started, done):
        assert from_json(json.loads(json.dumps(to_json(event)))) == event


def test_what_could_not_be_measured_is_null_in_the_file() -> None:
    line = json.dumps(to_json(Finished("stopped", 0, 0, float("inf"), nan, 0.1, "run")), allow_nan=False)
    again = from_json(json.loads(line))
    assert isinstance(again, Finished) and isnan(again.best_validation_loss)
    assert again.baseline_validation_epe_px is None


def test_pictures_stay_out_of_the_file_and_unknown_lines_are_no_events() -> None:
    left, disparity = np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.float32)
    picture = SampleImages(1, 0, left, disparity, disparity)
    assert to_json(picture) == {"event": "SampleImages", "epoch": 1, "index": 0}
    assert from_json(to_json(picture)) is None
    assert from_json({"event": "FromTheFuture"}) is None
    assert (
        from_json({**to_json(EpochDone(3, 10.4, 14.0, 16.0, 19.0, 1e-4, 2, 15.9, 1, 15, 3.2, False)), "new": 1})
        is not None
    )
