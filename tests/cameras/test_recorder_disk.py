"""Disks that fill up, become read-only or go away while a recording runs: real file systems, where we may mount one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scripted_source import ScriptedSource, frame

from depthstudio.cameras import CaptureThread, Recorder
from depthstudio.datasets.session import Session
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.errors import UserError


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", folder], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no right to mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], capture_output=True, check=False)


def recording_into(folder: Path, numbers: list[int]) -> tuple[Recorder, CaptureThread]:
    capture = CaptureThread(ScriptedSource([*numbers, -1]))
    recorder = Recorder(capture, SessionWriter(folder, "test://", None, {}), capture.every_frame(64))
    recorder.start()
    capture.start()
    return recorder, capture


def await_frames(recorder: Recorder, count: int) -> None:
    deadline_s = time.monotonic() + 20
    while recorder.recorded < count and time.monotonic() < deadline_s:
        time.sleep(0.005)
    assert recorder.recorded >= count


def ended_with(recorder: Recorder, capture: CaptureThread) -> UserError:
    try:
        assert recorder.wait(30), "the recording ends by itself"
        assert recorder.error is not None
        return recorder.error
    finally:
        recorder.stop()
        capture.stop()


def test_a_full_disk_ends_the_recording_with_a_valid_session(small_disk: Path) -> None:
    recorder, capture = recording_into(small_disk / "s", list(range(1, 400)))
    error = ended_with(recorder, capture)
    assert "full" in error.why
    session = Session.open(small_disk / "s")
    assert 0 < len(session) == recorder.recorded
    for i in range(len(session)):
        np.testing.assert_array_equal(session.frame(i).left, frame(i + 1).left)


def test_a_read_only_disk_is_refused_and_its_sessions_can_be_read(small_disk: Path) -> None:
    recorder, capture = recording_into(small_disk / "s", [1, 2, 3])
    await_frames(recorder, 3)
    recorder.stop()
    capture.stop()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], capture_output=True, check=True)
    for refused in (
        lambda: SessionWriter(small_disk / "other", "test://", None, {}),
        lambda: SessionWriter.reopen(small_disk / "s"),
    ):
        with pytest.raises(UserError, match="not allowed"):
            refused()
    session = Session.open(small_disk / "s")
    assert len(session) == 3
    assert session.thumbnail().size > 0
    with pytest.raises(UserError, match="read-only"):
        session.set_role("train")


def test_a_folder_that_goes_away_ends_the_recording(tmp_path: Path) -> None:
    folder, gone = tmp_path / "s", tmp_path / "gone"

    def before_read(number: int) -> None:
        if number == 11:
            await_frames(recorders[0], 10)
            folder.rename(gone)  # as a drive does that is pulled out
        elif number > 11:
            time.sleep(0.01)

    recorders: list[Recorder] = []
    capture = CaptureThread(ScriptedSource([*range(1, 400), -1], before_read=before_read))
    recorders.append(Recorder(capture, SessionWriter(folder, "test://", None, {}), capture.every_frame(64)))
    recorders[0].start()
    capture.start()
    error = ended_with(recorders[0], capture)
    assert "drive" in error.next_step
    session = Session.open(gone)
    assert len(session) == 10
    np.testing.assert_array_equal(session.frame(9).left, frame(10).left)
    shutil.rmtree(gone)


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_limit_on_file_size_ends_the_recording_too(tmp_path: Path) -> None:
    """Its own process: the limit holds for a whole process and cannot be lifted again."""
    script = textwrap.dedent(f"""
        import resource, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from scripted_source import frame
        from depthstudio.datasets.session import Session
        from depthstudio.datasets.session_writer import SessionWriter
        from depthstudio.errors import DatasetError
        folder = Path({str(tmp_path / "s")!r})
        writer = SessionWriter(folder, "test://", None, {{}})
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
        try:
            for number in range(100):
                writer.append(frame(number))
        except DatasetError as error:
            print(error)
        writer.close()
        session = Session.open(folder)
        print(len(session), [session.frame(i).number for i in range(len(session))] == list(range(len(session))))
    """)
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    message, outcome = ran.stdout.strip().splitlines()
    assert "cannot be written" in message
    count, complete = outcome.split()
    assert int(count) > 0 and complete == "True"
