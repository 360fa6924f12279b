"""What the pre-flight checks find in data sets made for it."""

from __future__ import annotations

import pytest

from depthstudio.training.data import TrainingData
from depthstudio.training.preflight import DataReport, check_data
from tests.training.fixtures import MemorySamples, quick_settings


def report(
    train: MemorySamples,
    validation: MemorySamples,
    warning: str = "",
    reach_px: float | None = None,
    **settings: object,
) -> DataReport:
    return check_data(TrainingData(train, validation, warning), quick_settings(**settings), reach_px)


def words(found: DataReport) -> str:
    return " ".join(finding.what for finding in found.findings)


def test_enough_frames_with_usual_labels_raise_no_objection() -> None:
    train = MemorySamples(24)
    train.groups = ["desk"] * 12 + ["shelf"] * 12
    found = report(train, MemorySamples(6, seed=1))
    assert (found.train_frames, found.validation_frames) == (24, 6)
    assert found.is_usable
    assert "frames" not in words(found)
    assert "from one recording" in words(report(MemorySamples(24), MemorySamples(6, seed=1)))


@pytest.mark.parametrize(
    ("train", "validation", "said"),
    [(3, 6, "Only 3 training frames"), (24, 1, "Only 1 validation frame:"), (1, 6, "A batch of 2 is larger")],
)
def test_too_few_frames_are_named(train: int, validation: int, said: str) -> None:
    assert said in words(report(MemorySamples(train), MemorySamples(validation, seed=1)))


def test_frames_without_any_label_forbid_to_start() -> None:
    found = report(MemorySamples(4, holes=(0, 1, 2, 3)), MemorySamples(2, holes=(0, 1)))
    assert not found.is_usable
    assert found.findings[0].tone == "bad"
    assert found.findings[0].blocks


def test_a_crop_narrower_than_the_disparities_is_a_warning() -> None:
    found = report(MemorySamples(24, label_offset_px=60), MemorySamples(6), crop_width=32)
    assert "cuts matches off" in words(found)
    assert found.is_usable


def test_labels_beyond_the_largest_disparity_and_a_shared_recording_are_named() -> None:
    found = report(MemorySamples(24), MemorySamples(6), "desk is on both sides", max_disparity=2)
    assert "beyond the largest disparity of 2 px" in words(found)
    assert "desk is on both sides" in words(found)


def test_frames_that_show_a_finding_are_linked() -> None:
    found = report(MemorySamples(24, holes=tuple(range(24))), MemorySamples(6))
    few = next(finding for finding in found.findings if "usable label" in finding.what)
    assert {ref.side for ref in few.frames} == {"train"}
    shared = report(MemorySamples(24), MemorySamples(6), "memory is on both sides").findings
    border = next(finding for finding in shared if "both sides" in finding.what)
    assert [(ref.side, ref.index) for ref in border.frames] == [("train", 23), ("validation", 0)]


def test_labels_beyond_the_networks_reach_are_critical_but_do_not_forbid() -> None:
    found = report(MemorySamples(24, label_offset_px=60), MemorySamples(6), reach_px=48)
    assert found.findings[0].tone == "bad"
    assert "the network searches up to 48 px" in found.findings[0].what
    assert "Set the largest disparity to 80 px" in found.findings[0].next_step
    assert found.is_usable
