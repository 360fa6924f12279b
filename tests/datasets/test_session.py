from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from depthstudio.datasets import Session, SessionWriter, list_sessions, session_writer
from depthstudio.errors import DatasetError, UserError
from depthstudio.frames import StereoFrame
from depthstudio.geometry import StereoCalibration

MakeFrame = Callable[..., StereoFrame]


def record(folder: Path, frames: list[StereoFrame], **about: str) -> Session:
    with SessionWriter(folder, "sim://test", None, {}, **about) as writer:
        for frame in frames:
            writer.append(frame)
    return Session.open(folder)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_recorded_frame_is_read_back_bit_for_bit(tmp_path: Path, make_frame: MakeFrame, channels: int) -> None:
    exact = np.random.default_rng(0).random((48, 64), np.float32)
    exact[0, 0] = np.nan
    color = np.random.default_rng(1).integers(0, 256, (30, 40, 3), np.uint8)
    frame = make_frame(
        7,
        channels,
        exact_depth_m=exact,
        color=color,
        right_timestamp_s=0.2345678901,
        metadata={"exposure_us": np.int64(8000), "emitter": True, "roi": (1, 2)},
    )
    read = record(tmp_path / "s", [frame]).frame(0)
    for part in ("left", "right", "depth_mm", "color", "exact_depth_m"):
        np.testing.assert_array_equal(getattr(read, part), getattr(frame, part), strict=True)
    assert (read.number, read.timestamp_s, read.right_timestamp_s) == (7, frame.timestamp_s, 0.2345678901)
    assert dict(read.metadata) == {"exposure_us": 8000, "emitter": True, "roi": [1, 2]}


def test_the_folder_is_readable_without_the_program(
    tmp_path: Path, make_frame: MakeFrame, calibration: StereoCalibration
) -> None:
    depth_mm = np.zeros((48, 64), np.uint16)
    depth_mm[:12] = 1500
    with SessionWriter(tmp_path / "s", "sim://ir", calibration, {"exposure": 8000}, name="Desk", notes="sunny") as w:
        w.append(make_frame(1, depth_mm=depth_mm))
    about = json.loads((tmp_path / "s/session.json").read_text())
    assert (about["name"], about["notes"], about["source_url"]) == ("Desk", "sunny", "sim://ir")
    assert about["camera_settings"] == {"exposure": 8000}
    (line,) = (tmp_path / "s/frames.jsonl").read_text().splitlines()
    record = json.loads(line)
    assert record["checks"]["fill_rate"] == 0.25
    assert cv2.imread(str(tmp_path / "s" / record["files"]["depth_mm"]), cv2.IMREAD_UNCHANGED)[0, 0] == 1500
    assert Session.open(tmp_path / "s").calibration.id == calibration.id


def test_frames_without_right_image_or_depth_are_kept_as_such(tmp_path: Path, make_frame: MakeFrame) -> None:
    session = record(tmp_path / "s", [make_frame(1, right=None), make_frame(2, depth_mm=None)])
    assert session.frame(0).right is None
    assert session.frame(1).depth_mm is None
    assert session.has("right")
    assert not session.has("color")


def test_frames_keep_their_order_when_many_are_in_flight(tmp_path: Path, make_frame: MakeFrame) -> None:
    with SessionWriter(tmp_path / "s", "sim://test", None, {}) as writer:
        futures = [writer.submit(make_frame(i)) for i in range(40)]
        assert [future.result() for future in futures] == list(range(1, 41))
        assert writer.frame_count == 40
    assert [entry["number"] for entry in Session.open(tmp_path / "s").records] == list(range(40))


def test_a_frame_that_would_lose_information_is_refused_and_the_session_goes_on(
    tmp_path: Path, make_frame: MakeFrame
) -> None:
    with SessionWriter(tmp_path / "s", "sim://test", None, {}) as writer:
        with pytest.raises(ValueError, match="depth_mm is float32"):
            writer.append(make_frame(1, depth_mm=np.ones((48, 64), np.float32)))
        writer.append(make_frame(2))
    assert Session.open(tmp_path / "s").frame_count == 1


CHILD = """
import sys, numpy as np
from pathlib import Path
from depthstudio.datasets import SessionWriter
from depthstudio.frames import StereoFrame
writer = SessionWriter(Path(sys.argv[1]), "sim://child", None, {})
futures = []
for number in range(1, 100000):
    image = np.full((120, 160), number % 256, np.uint8)
    frame = StereoFrame(number, number / 30, image, image + 1, np.full((120, 160), number, np.uint16))
    if sys.argv[2] == "append":
        writer.append(frame)
        print(number, flush=True)
    else:
        futures.append(writer.submit(frame))
        while futures and futures[0].done():
            print(futures.pop(0).result(), flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize(
    ("way", "kill_after_s"), [("append", 0.02), ("append", 0.153), ("append", 0.4), ("submit", 0.07), ("submit", 0.311)]
)
def test_every_acknowledged_frame_survives_a_kill(tmp_path: Path, way: str, kill_after_s: float) -> None:
    folder = tmp_path / "s"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), way],
        stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert child.stdout is not None
    first = child.stdout.readline()
    time.sleep(kill_after_s)
    child.send_signal(signal.SIGKILL)
    printed = (first + child.stdout.read()).decode()
    child.wait()
    acknowledged = [int(line) for line in printed[: printed.rfind("\n") + 1].split()]
    assert acknowledged

    session = Session.open(folder)
    assert session.frame_count >= len(acknowledged)
    assert session.damaged_lines == 0
    for i in range(session.frame_count):
        frame = session.frame(i)
        assert frame.number == i + 1
        assert (frame.left == frame.number % 256).all()
        assert (frame.depth_mm == frame.number).all()

    before = session.frame_count
    with SessionWriter.reopen(folder) as writer:
        writer.append(StereoFrame(777, 0.0, np.zeros((120, 160), np.uint8), None))
    again = Session.open(folder)
    assert again.frame_count == before + 1
    assert again.frame(before).number == 777
    assert not list((folder / "frames").glob(".*"))


def test_a_torn_last_line_is_ignored_when_reading_and_repaired_when_appending(
    tmp_path: Path, make_frame: MakeFrame
) -> None:
    folder = tmp_path / "s"
    record(folder, [make_frame(1), make_frame(2)])
    lines = folder / "frames.jsonl"
    lines.write_bytes(lines.read_bytes()[:-20])
    assert Session.open(folder).frame_count == 1
    with SessionWriter.reopen(folder) as writer:
        assert writer.frame_count == 1
        writer.append(make_frame(3))
    session = Session.open(folder)
    assert [entry["number"] for entry in session.records] == [1, 3]
    np.testing.assert_array_equal(session.frame(1).left, make_frame(3).left)


def test_a_damaged_line_in_the_middle_costs_that_frame_only(tmp_path: Path, make_frame: MakeFrame) -> None:
    record(tmp_path / "s", [make_frame(i) for i in (1, 2, 3)])
    lines = tmp_path / "s/frames.jsonl"
    content = lines.read_bytes().splitlines(keepends=True)
    lines.write_bytes(content[0] + b"\0garbage\n" + content[2])
    session = Session.open(tmp_path / "s")
    assert [entry["number"] for entry in session.records] == [1, 3]
    assert session.damaged_lines == 1


def test_a_full_disk_ends_the_recording_with_a_message_and_a_valid_session(
    tmp_path: Path, make_frame: MakeFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = session_writer.write_pixels

    def full_after_frame_two(path: Path, pixels: np.ndarray) -> None:
        if "000003_depth" in path.name:
            path.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        write(path, pixels)

    monkeypatch.setattr(session_writer, "write_pixels", full_after_frame_two)
    folder = tmp_path / "s"
    writer = SessionWriter(folder, "sim://test", None, {})
    writer.append(make_frame(1))
    writer.append(make_frame(2))
    with pytest.raises(DatasetError, match="disk is full"):
        writer.append(make_frame(3))
    with pytest.raises(DatasetError, match="disk is full"):
        writer.append(make_frame(4))
    writer.close()
    session = Session.open(folder)
    assert session.frame_count == 2
    assert session.frame(1).number == 2
    assert len(list((folder / "frames").iterdir())) == 6


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused_in_words(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(DatasetError, match="not allowed"):
            SessionWriter(tmp_path / "s", "sim://test", None, {})
    finally:
        tmp_path.chmod(0o700)


def test_a_file_in_the_way_is_an_error_for_the_user(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        SessionWriter(tmp_path / "file" / "s", "sim://test", None, {})


def test_an_existing_session_is_not_overwritten(tmp_path: Path, make_frame: MakeFrame) -> None:
    record(tmp_path / "s", [make_frame(1)])
    with pytest.raises(DatasetError, match="already"):
        SessionWriter(tmp_path / "s", "sim://test", None, {})


def test_frames_without_their_description_are_not_overwritten(tmp_path: Path, make_frame: MakeFrame) -> None:
    record(tmp_path / "s", [make_frame(1)])
    (tmp_path / "s/session.json").unlink()
    before = {path: path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()}
    with pytest.raises(DatasetError, match="write over it"):
        SessionWriter(tmp_path / "s", "sim://test", None, {})
    assert {path: path.read_bytes() for path in (tmp_path / "s").rglob("*") if path.is_file()} == before


def test_a_calibration_kept_in_a_folder_is_not_overwritten(tmp_path: Path, calibration: StereoCalibration) -> None:
    calibration.save(tmp_path / "rig" / "calibration.npz")
    other = StereoCalibration.rectified_pair(99.0, 0.2, 31.5, 23.5, (64, 48))
    with pytest.raises(DatasetError, match=r"calibration\.npz is there already"):
        SessionWriter(tmp_path / "rig", "sim://test", other, {})
    assert StereoCalibration.load(tmp_path / "rig" / "calibration.npz").id == calibration.id


def test_descriptions_are_edited_on_disk_and_keep_fields_of_others(tmp_path: Path, make_frame: MakeFrame) -> None:
    session = record(tmp_path / "s", [make_frame(i) for i in range(4)], name="Desk")
    about = json.loads((tmp_path / "s/session.json").read_text())
    (tmp_path / "s/session.json").write_text(json.dumps({**about, "from_elsewhere": 1}))
    session.set_role("validation")
    session.rename("Desk, evening")
    session.set_notes("lamp on")
    session.set_tags(["desk", " desk", ""])
    session.set_excluded([1, 3])
    again = Session.open(tmp_path / "s")
    assert (again.role, again.name, again.notes, again.tags) == ("validation", "Desk, evening", "lamp on", ("desk",))
    assert again.excluded == {1, 3}
    assert again.included == [0, 2]
    assert json.loads((tmp_path / "s/session.json").read_text())["from_elsewhere"] == 1
    with pytest.raises(ValueError, match="role"):
        session.set_role("test")


def test_a_thumbnail_is_kept_as_a_file(tmp_path: Path, make_frame: MakeFrame) -> None:
    session = record(tmp_path / "s", [make_frame(1)])
    picture = session.thumbnail()
    assert picture.shape == (180, 240, 3)
    assert (tmp_path / "s/thumbnail.jpg").is_file()
    (tmp_path / "s/frames/000001_left.png").unlink()
    assert Session.open(tmp_path / "s").thumbnail().shape == (180, 240, 3)


def test_other_folders_are_refused_and_lists_leave_them_out(tmp_path: Path, make_frame: MakeFrame) -> None:
    with pytest.raises(DatasetError, match=r"not a recording session.*session\.json"):
        Session.open(tmp_path)
    record(tmp_path / "b", [make_frame(1)])
    record(tmp_path / "a", [make_frame(1)])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/session.json").write_text("{")
    assert [session.folder.name for session in list_sessions(tmp_path)] == ["a", "b"]
    with pytest.raises(DatasetError, match="cannot be read"):
        Session.open(tmp_path / "broken")


def test_a_damaged_image_names_its_file(tmp_path: Path, make_frame: MakeFrame) -> None:
    session = record(tmp_path / "s", [make_frame(1)])
    path = tmp_path / "s/frames/000001_right.png"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DatasetError, match="000001_right"):
        session.frame(0)


LIMITED_CHILD = """
import resource, sys, numpy as np
from pathlib import Path
from depthstudio.datasets import SessionWriter
from depthstudio.errors import DatasetError
from depthstudio.frames import StereoFrame
writer = SessionWriter(Path(sys.argv[1]), "sim://child", None, {})
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    for number in range(100):
        writer.append(StereoFrame(number, 0.0, np.zeros((8, 8), np.uint8), None))
except DatasetError as error:
    writer.close()
    print(writer.frame_count, error.what)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs file size limits")
def test_a_line_that_the_disk_takes_only_in_part_is_taken_back(tmp_path: Path) -> None:
    """The limit lets the small images through and cuts the growing list of frames in the middle of a line."""
    folder = tmp_path / "s"
    child = subprocess.run(
        [sys.executable, "-c", LIMITED_CHILD, str(folder)], capture_output=True, text=True, check=True, timeout=60
    )
    count, what = child.stdout.split(" ", 1)
    assert "cannot be written" in what
    assert 0 < int(count) < 100
    content = (folder / "frames.jsonl").read_bytes()
    assert content.endswith(b"\n")
    assert content.count(b"\n") == int(count)
    session = Session.open(folder)
    assert [session.frame(i).number for i in range(len(session))] == list(range(int(count)))


@pytest.mark.parametrize(
    "change",
    [
        {"size": None},
        {"size": ["64", 48]},
        {"timestamp_s": "noon"},
        {"metadata": [1]},
        {"files": {"left": 3}},
        {"number": "7"},
        {"right_timestamp_s": "noon"},
    ],
)
def test_a_line_edited_into_nonsense_is_counted_and_left_out(
    tmp_path: Path, make_frame: MakeFrame, change: dict[str, object]
) -> None:
    record(tmp_path / "s", [make_frame(1), make_frame(2)])
    lines = (tmp_path / "s/frames.jsonl").read_text().splitlines()
    lines[0] = json.dumps({**json.loads(lines[0]), **change})
    (tmp_path / "s/frames.jsonl").write_text("\n".join(lines) + "\n")
    session = Session.open(tmp_path / "s")
    assert (len(session), session.damaged_lines) == (1, 1)
    assert session.frame(0).number == 2


def test_a_description_edited_into_nonsense_still_opens(tmp_path: Path, make_frame: MakeFrame) -> None:
    record(tmp_path / "s", [make_frame(1)])
    about = json.loads((tmp_path / "s/session.json").read_text())
    nonsense = {"tags": 3, "excluded": [[1], "1"], "camera_settings": [1], "role": ["train"]}
    (tmp_path / "s/session.json").write_text(json.dumps({**about, **nonsense}))
    session = Session.open(tmp_path / "s")
    assert (session.tags, session.excluded, session.camera_settings, session.role) == ((), frozenset(), {}, "")


@pytest.mark.parametrize(
    ("file", "pixels"),
    [("left.png", np.zeros((10, 12), np.uint8)), ("depth.png", np.zeros((48, 64), np.uint8))],
)
def test_an_image_of_the_wrong_kind_is_named(
    tmp_path: Path, make_frame: MakeFrame, file: str, pixels: np.ndarray
) -> None:
    session = record(tmp_path / "s", [make_frame(1)])
    cv2.imwrite(str(tmp_path / "s/frames" / f"000001_{file}"), pixels)
    with pytest.raises(DatasetError, match="Frame 1 of the session s is damaged"):
        session.frame(0)


def test_a_session_that_cannot_be_begun_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(session_writer, "write_text", refuse)
    with pytest.raises(DatasetError, match="not allowed"):
        SessionWriter(tmp_path / "new", "sim://ir", None, {})
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(DatasetError):
        SessionWriter(tmp_path / "mine", "sim://ir", None, {})
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep"
