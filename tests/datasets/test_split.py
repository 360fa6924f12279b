from __future__ import annotations

import pytest

from depthstudio.datasets import split_by_order, split_by_session
from depthstudio.errors import DatasetError


def test_no_recording_lies_on_both_sides_and_the_last_ones_validate() -> None:
    groups = ["20260101"] * 5 + ["20260103"] * 5 + ["20260102"] * 10
    split = split_by_session(groups)
    assert {groups[i] for i in split.validation} == {"20260103"}
    assert {groups[i] for i in split.train} == {"20260101", "20260102"}
    assert split.warning == ""


def test_validation_comes_near_a_fifth_of_the_frames() -> None:
    groups = [f"run {i}" for i in range(10) for _ in range(10)]
    assert {groups[i] for i in split_by_session(groups).validation} == {"run 8", "run 9"}


def test_two_recordings_make_one_side_each_whatever_their_lengths() -> None:
    groups = ["a"] * 2 + ["b"] * 50
    split = split_by_session(groups)
    assert (len(split.train), len(split.validation)) == (2, 50)


def test_the_users_roles_win() -> None:
    groups = ["a", "b", "c", "d"]
    roles = {"a": "validation", "b": "train", "c": "ignored"}
    split = split_by_session(groups, roles)
    assert split.validation == (0,)
    assert split.train == (1, 3)
    only_train = split_by_session(groups, {"a": "train", "b": "train"})
    assert only_train.train == (0, 1, 2)
    assert only_train.validation == (3,)


@pytest.mark.parametrize(
    ("groups", "roles", "message"),
    [
        (["a", "a"], {}, "only one recording"),
        (["a", "b"], {"a": "validation", "b": "validation"}, "no training frames"),
        (["a", "b"], {"a": "train", "b": "train"}, "no validation frames"),
        (["a", "b"], {"a": "ignored", "b": "ignored"}, "no frames"),
        ([], {}, "no frames"),
    ],
)
def test_an_empty_side_is_refused_in_words(groups: list[str], roles: dict[str, str], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        split_by_session(groups, roles)


def test_by_order_the_first_eight_tenths_train_and_a_shared_recording_is_said() -> None:
    split = split_by_order(["a"] * 10)
    assert split.train == tuple(range(8))
    assert split.validation == (8, 9)
    assert "'a' is on both sides" in split.warning
    assert split_by_order(["a"] * 8 + ["b"] * 2).warning == ""
    with pytest.raises(DatasetError, match="no training frames"):
        split_by_order(["a"])
