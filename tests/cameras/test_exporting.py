from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from depthstudio.cameras.exporting import FORMATS, export_session, why_not
from depthstudio.cameras.importing import import_path
from depthstudio.cancel import CancelToken
from depthstudio.datasets.seed_folder import SeedFolderSamples
from depthstudio.datasets.session import Session, SessionWriter
from depthstudio.errors import DatasetError, UserError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

SIZE = (64, 48)
PARTS = ("left", "right", "depth_mm", "color", "exact_depth_m", "label_confidence")
MakeSession = Callable[..., Session]


def picture(number: int, channels: int, seed: int) -> np.ndarray:
    shape = (SIZE[1], SIZE[0]) if channels == 1 else (SIZE[1], SIZE[0], 3)
    return np.random.default_rng([number, seed]).integers(0, 256, shape, np.uint8)


def frame(number: int, channels: int, has_color: bool, extras: bool) -> StereoFrame:
    rng = np.random.default_rng(number)
    return StereoFrame(
        number=100 + 2 * number,
        timestamp_s=1.1 + number / 30,
        left=picture(number, channels, 1),
        right=picture(number, channels, 2),
        depth_mm=rng.integers(0, 65536, (SIZE[1], SIZE[0]), np.uint16),
        color=picture(number, 3, 3) if has_color else None,
        right_timestamp_s=1.103 + number / 30,
        exact_depth_m=rng.uniform(0, 9, (SIZE[1], SIZE[0])).astype(np.float32) if extras else None,
        label_confidence=picture(number, 1, 4) if extras else None,
        metadata={"exposure_us": 8500, "scene": "desk, with a lamp"},
    )


@pytest.fixture
def make(tmp_path: Path) -> MakeSession:
    def make(channels: int = 1, has_color: bool = True, extras: bool = False, frames: int = 4) -> Session:
        calibration = StereoCalibration(
            np.array([[60.0, 0, 31], [0, 61, 24], [0, 0, 1]]),
            np.array([0.1, -0.02, 0.001, 0.002, 0.003]),
            np.array([[58.0, 0, 32], [0, 59, 23], [0, 0, 1]]),
            np.zeros(5),
            np.eye(3),
            np.array([-0.12, 0.001, -0.03]),
            image_size=SIZE,
        )
        folder = tmp_path / f"made{channels}{has_color}{extras}"
        with SessionWriter(folder, "sim://ir", calibration, {}, name="bench") as writer:
            for number in range(frames):
                writer.append(frame(number, channels, has_color, extras))
        return Session.open(folder)

    return make


def target_of(form: str, tmp_path: Path) -> Path:
    return tmp_path / f"out{FORMATS[form].suffix}"


def assert_same_pixels(one: Session, other: Session, parts: tuple[str, ...] = PARTS) -> None:
    assert len(one) == len(other)
    for i in range(len(one)):
        a, b = one.frame(i), other.frame(i)
        for part in parts:
            mine, theirs = getattr(a, part), getattr(b, part)
            assert (mine is None) == (theirs is None), part
            if mine is not None:
                assert mine.dtype == theirs.dtype, part
                np.testing.assert_array_equal(mine, theirs, part)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("channels", "has_color"), [(1, True), (1, False), (3, False)])
def test_a_round_trip_changes_no_pixel(
    make: MakeSession, tmp_path: Path, form: str, channels: int, has_color: bool
) -> None:
    if form == "db3":
        pytest.importorskip("pyrealsense2")
    session = make(channels, has_color)
    report = export_session(session, target_of(form, tmp_path), form)
    assert report.frames == 4 and not report.left_out
    (back,) = import_path(target_of(form, tmp_path), tmp_path / "sessions")
    assert_same_pixels(session, back)
    for i in range(4):
        one, other = session.frame(i), back.frame(i)
        assert one.number == other.number
        assert other.timestamp_s == pytest.approx(one.timestamp_s, abs=0 if form != "db3" else 1e-9)
        assert other.right_timestamp_s == pytest.approx(one.right_timestamp_s, abs=0 if form != "db3" else 1e-9)
        if form != "db3":
            assert dict(other.metadata) == dict(one.metadata)
    assert back.calibration is not None and session.calibration is not None
    assert back.calibration.id == session.calibration.id


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("has_depth", [True, False])
def test_a_recording_without_right_images_becomes_one_of_colour_and_depth(
    tmp_path: Path, channels: int, has_depth: bool
) -> None:
    pytest.importorskip("pyrealsense2")
    with SessionWriter(tmp_path / "made", "file://x.bag", None, {}) as writer:
        for number in range(3):
            one = replace(frame(number, channels, False, False), right=None, right_timestamp_s=None)
            writer.append(one if has_depth else replace(one, depth_mm=None))
    session = Session.open(tmp_path / "made")
    assert export_session(session, tmp_path / "out.db3", "db3").frames == 3
    (back,) = import_path(tmp_path / "out.db3", tmp_path / "sessions")
    assert_same_pixels(session, back)
    assert [back.frame(i).number for i in range(3)] == [session.frame(i).number for i in range(3)]


@pytest.mark.parametrize("form", ["npy", "images"])
def test_exact_depth_and_confidences_survive_too(make: MakeSession, tmp_path: Path, form: str) -> None:
    session = make(1, False, extras=True)
    export_session(session, target_of(form, tmp_path), form)
    (back,) = import_path(target_of(form, tmp_path), tmp_path / "sessions")
    assert_same_pixels(session, back)


def test_the_npy_layout_is_what_the_reference_reads(make: MakeSession, tmp_path: Path) -> None:
    session = make(1, True)
    report = export_session(session, tmp_path / "dataset", "npy")
    run = report.path
    assert run.parent == tmp_path / "dataset"
    assert len(run.name) == 15 and run.name[8] == "_"
    first = run / "000001"
    for name in ("color", "right", "left"):
        stored = np.load(first / f"{name}.npy")
        assert stored.dtype == np.uint8 and stored.shape == (SIZE[1], SIZE[0], 3)
    assert np.load(first / "depth.npy").dtype == np.uint16
    assert "exposure_us: 8500" in (first / "meta.txt").read_text()
    samples = SeedFolderSamples(tmp_path / "dataset")
    assert len(samples) == 4


def test_the_index_names_every_file(make: MakeSession, tmp_path: Path) -> None:
    export_session(make(1, True), tmp_path / "out", "images")
    with (tmp_path / "out/index.csv").open(newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert [line["index"] for line in lines] == ["1", "2", "3", "4"]
    for line in lines:
        assert all((tmp_path / "out" / line[part]).is_file() for part in ("left", "right", "depth", "color"))
        assert float(line["skew_ms"]) == pytest.approx(3, abs=0.01)


@pytest.mark.parametrize("form", FORMATS)
def test_frames_marked_out_stay_behind_and_are_counted(make: MakeSession, tmp_path: Path, form: str) -> None:
    session = make(1, False)
    session.set_excluded([1])
    report = export_session(session, target_of(form, tmp_path), form)
    assert report.frames == 3 and report.left_out == {"marked out": 1}
    (back,) = import_path(target_of(form, tmp_path), tmp_path / "sessions")
    np.testing.assert_array_equal(back.frame(1).left, session.frame(2).left)


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_overwritten_and_a_failure_leaves_nothing(make: MakeSession, tmp_path: Path, form: str) -> None:
    session = make(1, False)
    target = target_of(form, tmp_path)
    (session.folder / session.records[2]["files"]["left"]).unlink()
    with pytest.raises(UserError, match="missing"):
        export_session(session, target, form)
    assert not target.exists() or not any(target.iterdir())
    if target.is_dir():
        target.rmdir()
    taken = make(3, False)
    export_session(taken, target, form)
    with pytest.raises(DatasetError, match="exists already"):
        export_session(taken, target, form)


def test_sessions_of_one_calibration_share_a_folder_of_runs(make: MakeSession, tmp_path: Path) -> None:
    one, other = make(1, False), make(3, False)
    other._edit(created="2026-01-02T03:04:05+00:00")
    export_session(one, tmp_path / "runs", "npy")
    export_session(other, tmp_path / "runs", "npy")
    assert len(list(import_path(tmp_path / "runs", tmp_path / "sessions"))) == 2
    bare = tmp_path / "bare"
    with SessionWriter(bare, "sim://ir", None, {}) as writer:
        writer.append(frame(0, 1, False, False))
    Session.open(bare)._edit(created="2026-01-03T03:04:05+00:00")
    with pytest.raises(DatasetError, match="another calibration"):
        export_session(Session.open(bare), tmp_path / "runs", "npy")


def test_a_cancelled_export_keeps_whole_frames(make: MakeSession, tmp_path: Path) -> None:
    cancel = CancelToken()
    report = export_session(
        make(1, False), tmp_path / "out", "images", lambda done, _: cancel.cancel() if done == 2 else None, cancel
    )
    assert report.frames == 2
    (back,) = import_path(tmp_path / "out", tmp_path / "sessions")
    assert len(back) == 2


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_stopped_before_its_first_frame_leaves_nothing(make: MakeSession, tmp_path: Path, form: str) -> None:
    if form == "db3":
        pytest.importorskip("pyrealsense2")
    cancel, target = CancelToken(), target_of(form, tmp_path)
    cancel.cancel()
    with pytest.raises(DatasetError, match="stopped before its first frame"):
        export_session(make(), target, form, cancel=cancel)
    assert not target.exists() or not list(target.iterdir())


@pytest.mark.parametrize("has_depth", [True, False])
def test_images_without_right_ones_come_back_unchanged(tmp_path: Path, has_depth: bool) -> None:
    with SessionWriter(tmp_path / "made", "file://x.bag", None, {}, name="bag") as writer:
        for number in range(3):
            one = frame(number, 3, False, has_depth)
            writer.append(
                replace(one, right=None, right_timestamp_s=None, depth_mm=one.depth_mm if has_depth else None)
            )
    session = Session.open(tmp_path / "made")
    assert export_session(session, tmp_path / "out", "images").frames == 3
    (back,) = import_path(tmp_path / "out", tmp_path / "sessions")
    assert_same_pixels(session, back)
    for i in range(3):
        one, other = session.frame(i), back.frame(i)
        assert (one.number, one.timestamp_s, dict(one.metadata)) == (
            other.number,
            other.timestamp_s,
            dict(other.metadata),
        )
        assert other.right_timestamp_s is None


def test_where_only_some_frames_have_a_right_image_all_come_back(tmp_path: Path) -> None:
    with SessionWriter(tmp_path / "made", "sim://ir", None, {}) as writer:
        for number in range(3):
            one = frame(number, 1, False, False)
            writer.append(replace(one, right=None, right_timestamp_s=None) if number == 1 else one)
    session = Session.open(tmp_path / "made")
    export_session(session, tmp_path / "out", "images")
    (back,) = import_path(tmp_path / "out", tmp_path / "sessions")
    assert_same_pixels(session, back)
    assert export_session(session, tmp_path / "runs", "npy").left_out == {"no right image": 1}


@pytest.mark.parametrize(("lacking", "words"), [("right", "needs right images"), ("depth_mm", "needs depth")])
def test_a_refused_npy_export_says_what_it_takes_instead(tmp_path: Path, lacking: str, words: str) -> None:
    with SessionWriter(tmp_path / "made", "file://x.bag", None, {}, name="bag") as writer:
        writer.append(replace(frame(0, 1, False, False), right_timestamp_s=None, **{lacking: None}))
    session = Session.open(tmp_path / "made")
    assert words in why_not(session, "npy") and not why_not(session, "images")
    with pytest.raises(DatasetError, match=words) as refused:
        export_session(session, tmp_path / "runs", "npy")
    assert "images" in refused.value.next_step and "db3" in refused.value.next_step
    assert not (tmp_path / "runs").exists()
