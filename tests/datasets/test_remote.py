from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest

from depthstudio.datasets.remote import mirror
from depthstudio.datasets.samples import open_samples
from depthstudio.datasets.session import Session
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.errors import DatasetError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

SIZE = (64, 48)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("DEPTHSTUDIO_CACHE", str(folder))
    return folder / "datasets"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    folder = tmp_path / "server" / "desk"
    random = np.random.default_rng(3)
    calibration = StereoCalibration.rectified_pair(60.0, 0.05, 31.5, 23.5, SIZE)
    with SessionWriter(folder, "sim://test", calibration, {}, name="desk") as writer:
        for number in range(4):
            left = random.integers(0, 255, (SIZE[1], SIZE[0]), dtype=np.uint8)
            depth = random.integers(500, 2000, (SIZE[1], SIZE[0]), dtype=np.uint16)
            writer.append(StereoFrame(number, number / 30, left, np.roll(left, -3, axis=1), depth))
    return folder


@pytest.fixture
def in_memory(recording: Path) -> Iterator[str]:
    """The recording in fsspec's object store in memory, which knows paths and bytes but no local files."""
    store = fsspec.filesystem("memory")
    store.put(str(recording.parent), "/bucket", recursive=True)
    yield "memory://bucket"
    store.rm("/bucket", recursive=True)


def images(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("frames/*"))


def test_images_are_fetched_when_they_are_read_and_equal_the_originals(
    in_memory: str, recording: Path, cache: Path
) -> None:
    samples = open_samples(in_memory)
    assert len(samples) == 4
    assert images(cache) == []
    local = open_samples(recording)
    np.testing.assert_array_equal(samples[2].left, local[2].left)
    np.testing.assert_array_equal(samples[2].disparity_px, local[2].disparity_px)
    assert images(cache) == ["000003_depth.png", "000003_left.png", "000003_right.png"]


def test_what_was_fetched_is_kept_and_what_changed_there_is_fetched_anew(
    in_memory: str, recording: Path, cache: Path
) -> None:
    store = fsspec.filesystem("memory")
    folder = mirror(in_memory)
    session = Session.open(folder / "desk")
    session.frame(0)
    session.frame(1)
    store.pipe("/bucket/desk/frames/000002_left.png", (recording / "frames/000001_left.png").read_bytes())
    session.set_role("train")

    again = Session.open(mirror(in_memory) / "desk")
    assert again.role == "train"
    assert "000001_left.png" in images(cache)
    assert "000002_left.png" not in images(cache)
    np.testing.assert_array_equal(again.frame(1).left, session.frame(0).left)


def test_frames_recorded_later_arrive(in_memory: str, recording: Path) -> None:
    mirror(in_memory)
    with SessionWriter.reopen(recording) as writer:
        writer.append(Session.open(recording).frame(0))
    fsspec.filesystem("memory").put(str(recording), "/bucket", recursive=True)
    assert len(Session.open(mirror(in_memory) / "desk")) == 5


def test_other_layouts_are_fetched_whole(tmp_path: Path, cache: Path) -> None:
    run = tmp_path / "seed" / "run_001" / "000001"
    run.mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, shape, kind in (("color", (48, 64, 3), np.uint8), ("right", (48, 64, 3), np.uint8)):
        np.save(run / f"{name}.npy", random.integers(0, 255, shape).astype(kind))
    np.save(run / "depth.npy", np.full((48, 64), 1000, np.uint16))
    calibration = StereoCalibration.rectified_pair(60.0, 0.05, 31.5, 23.5, SIZE)
    samples = open_samples(f"file://{tmp_path}/seed", calibration)
    shutil.rmtree(tmp_path / "seed")
    assert len(samples) == 1
    assert np.isfinite(samples[0].disparity_px).any()


def test_a_remote_that_cannot_be_read_is_told(recording: Path) -> None:
    with pytest.raises(DatasetError, match="nothing"):
        open_samples("memory://no-such-bucket")
    with pytest.raises(DatasetError, match="cannot be opened") as unknown:
        open_samples("carrier-pigeon://coop/desk")
    assert "s3://" in unknown.value.next_step


def test_a_connection_that_is_lost_is_an_error_with_the_file_and_what_was_fetched_stays(in_memory: str) -> None:
    folder = mirror(in_memory) / "desk"
    session = Session.open(folder)
    session.frame(0)
    fsspec.filesystem("memory").rm("/bucket/desk/frames/000002_left.png")
    with pytest.raises(DatasetError, match="000002_left"):
        session.frame(1)
    session.frame(0)


@pytest.mark.parametrize("listed", ["/bucket/../../.bashrc", "/other/session.json"])
def test_files_outside_of_the_root_are_refused(monkeypatch: pytest.MonkeyPatch, cache: Path, listed: str) -> None:
    store = fsspec.filesystem("memory")
    monkeypatch.setattr(type(store), "find", lambda *_, **__: {listed: {"size": 3}})
    with pytest.raises(DatasetError, match="outside of itself"):
        mirror("memory://bucket")
    assert not cache.exists()


def test_a_marker_on_the_remote_does_not_say_where_files_come_from(in_memory: str, recording: Path) -> None:
    hostile = '{"url": "file:///etc", "files": {"desk/frames/000001_left.png": []}}'
    fsspec.filesystem("memory").pipe("/bucket/.remote.json", hostile.encode())
    folder = mirror(in_memory)
    assert "file:///etc" not in (folder / ".remote.json").read_text()
    frame = Session.open(folder / "desk").frame(0)
    np.testing.assert_array_equal(frame.left, Session.open(recording).frame(0).left)
