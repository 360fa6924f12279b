from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.cameras.frame_checks import check_disk, check_frame, check_novelty, check_queue
from depthstudio.cameras.frame_stages import BLURRED, MOVING, SEEN, EveryInterval, NewAndSharp
from depthstudio.datasets.views import ViewMemory, view_signature
from depthstudio.frames import StereoFrame

TEXTURE = np.random.default_rng(3).integers(0, 255, (60, 400)).repeat(4, axis=0).repeat(4, axis=1).astype(np.uint8)


def looking_at(x: int, number: int = 0, timestamp_s: float = 0.0, blur_px: int = 1) -> StereoFrame:
    picture = np.ascontiguousarray(TEXTURE[:, x : x + 320])
    picture = np.asarray(cv2.GaussianBlur(picture, (blur_px, blur_px), 0), np.uint8)
    depth = np.linspace(500, 3000, picture.size).reshape(picture.shape).astype(np.uint16)
    return StereoFrame(number, timestamp_s, picture, picture.copy(), depth)


def test_one_frame_per_interval_of_the_sources_clock() -> None:
    stage = EveryInterval(0.5)
    times = [n / 10 for n in range(20)]
    taken = [t for t in times if stage.take(looking_at(0, timestamp_s=t)) is not None]
    assert taken == pytest.approx([0.0, 0.5, 1.0, 1.5])
    assert not stage.refused


def test_a_clock_that_jumps_back_does_not_stop_the_recording() -> None:
    stage = EveryInterval(0.5)
    times = [10.0, 10.1, 0.0, 0.1, 0.5, 100.0, 100.1]
    assert [t for t in times if stage.take(looking_at(0, timestamp_s=t)) is not None] == [10.0, 0.0, 0.5, 100.0]


def test_automatic_takes_new_sharp_views_and_counts_what_it_left_out() -> None:
    views = ViewMemory()
    stage = NewAndSharp(views)
    taken = []
    path = [0] * 5 + [40, 80, 120] + [160] * 4
    for number, x in enumerate(path):
        frame = looking_at(x, number)
        if stage.take(frame) is not None:
            taken.append(x)
            views.add(view_signature(frame.left))
    assert taken == [0, 160]
    assert stage.refused[MOVING] == 4
    assert stage.refused[SEEN] == len(path) - 2 - 4
    for _ in range(2):
        assert stage.take(looking_at(900, blur_px=71)) is None
    assert stage.refused[BLURRED] == 1


def test_checks_of_a_frame_have_a_value_a_tone_and_a_sentence() -> None:
    checks = {check.name: check for check in check_frame(looking_at(0))}
    assert set(checks) == {"fill", "range", "sharp", "exposure", "skew"}
    assert checks["range"].value == "0.6–2.8 m"
    assert all(check.sentence.endswith(".") for check in checks.values())
    assert {check.name: check for check in check_frame(looking_at(0, blur_px=31))}["sharp"].tone == "bad"


def test_checks_of_a_frame_name_what_is_wrong() -> None:
    random = np.random.default_rng(0)
    sharp = random.integers(0, 200, (120, 160), dtype=np.uint8)
    flat = np.full((120, 160), 255, np.uint8)
    depth = np.zeros((120, 160), np.uint16)
    ramp = np.linspace(600, 2800, 160).astype(np.uint16)
    good = {check.name: check for check in check_frame(StereoFrame(0, 0.0, sharp, sharp, depth + ramp))}
    bad = {check.name: check for check in check_frame(StereoFrame(0, 0.0, flat, flat, depth, right_timestamp_s=0.1))}
    assert {check.tone for check in good.values()} == {"good"}
    assert good["fill"].value == "100%"
    assert bad["fill"].tone == "bad"
    assert bad["sharp"].value == "blurred"
    assert bad["exposure"].value == "too bright"
    assert (bad["skew"].value, bad["skew"].tone) == ("100 ms", "bad")


def test_novelty_follows_what_was_recorded() -> None:
    views = ViewMemory()
    assert check_novelty(looking_at(0), views).tone == "good"
    views.add(view_signature(looking_at(0).left))
    assert check_novelty(looking_at(0), views).tone == "warning"


def test_disk_and_queue_say_how_much_room_is_left(tmp_path: Path) -> None:
    check = check_disk(tmp_path / "not" / "yet", bytes_per_s=1e6)
    assert "minutes of recording" in check.sentence
    assert check_queue(0, 64, 0).tone == "good"
    assert check_queue(40, 64, 0).tone == "warning"
    assert "3 frames were lost" in check_queue(0, 64, 3).sentence
