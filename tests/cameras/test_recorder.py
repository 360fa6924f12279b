from __future__ import annotations

import errno
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scripted_source import ScriptedSource, frame

from depthstudio.cameras import CaptureThread, Recorder, open_source, recording
from depthstudio.cameras.recording import RecordingProgress, record
from depthstudio.cancel import CancelToken
from depthstudio.datasets import session_writer
from depthstudio.datasets.session import Session
from depthstudio.datasets.session_writer import SessionWriter
from depthstudio.errors import SourceError, UserError


def recorder_for(capture: CaptureThread, folder: Path, **limits: Any) -> Recorder:
    writer = SessionWriter(folder, capture.source.url, capture.source.calibration, {"gain": 16}, name="test")
    return Recorder(capture, writer, capture.every_frame(8), **limits)


def test_every_frame_of_the_source_is_in_the_session(tmp_path: Path) -> None:
    capture = CaptureThread(ScriptedSource(list(range(1, 31)), live=False))
    recorder = recorder_for(capture, tmp_path / "s")
    recorder.start()
    capture.start()
    assert recorder.wait(60)
    assert recorder.error is None and recorder.dropped == 0 and recorder.recorded == 30
    session = Session.open(tmp_path / "s")
    assert [record["number"] for record in session.records] == list(range(1, 31))
    read = session.frame(11)
    assert np.array_equal(read.left, frame(12).left)
    assert session.calibration is not None
    capture.stop()


def test_what_comes_while_paused_is_left_out(tmp_path: Path) -> None:
    paused_at_ten: list[Recorder] = []

    def before_read(number: int) -> None:
        if number == 11:
            while paused_at_ten[0].recorded < 10:
                time.sleep(0.002)
            paused_at_ten[0].pause()
        if number == 21:
            while paused_at_ten[0].waiting:
                time.sleep(0.002)
            paused_at_ten[0].resume()

    capture = CaptureThread(ScriptedSource(list(range(1, 31)), live=False, before_read=before_read))
    recorder = recorder_for(capture, tmp_path / "s")
    paused_at_ten.append(recorder)
    recorder.start()
    capture.start()
    assert recorder.wait(60)
    numbers = [record["number"] for record in Session.open(tmp_path / "s").records]
    assert numbers[:10] == list(range(1, 11))
    assert set(numbers) & set(range(11, 20)) == set()
    assert numbers[-9:] == list(range(22, 31))
    capture.stop()


def test_limits_end_the_recording(tmp_path: Path) -> None:
    for limits, expected in (({"frame_limit": 4}, 4), ({"seconds_limit": 0.2}, 6)):
        capture = CaptureThread(ScriptedSource(list(range(1, 31)), live=False))
        recorder = recorder_for(capture, tmp_path / str(expected), **limits)
        recorder.start()
        capture.start()
        assert recorder.wait(60)
        assert recorder.recorded == expected
        capture.stop()


def test_a_full_disk_ends_the_recording_and_keeps_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pixels = session_writer.write_pixels

    def full_after_five(path: Path, pixels: np.ndarray) -> None:
        if "000006" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        write_pixels(path, pixels)

    monkeypatch.setattr(session_writer, "write_pixels", full_after_five)
    recorders: list[Recorder] = []

    def after_five_are_safe(number: int) -> None:
        while number == 6 and recorders[0].recorded < 5:
            time.sleep(0.002)

    capture = CaptureThread(ScriptedSource([*range(1, 200), -1], before_read=after_five_are_safe))
    recorder = recorder_for(capture, tmp_path / "s")
    recorders.append(recorder)
    recorder.start()
    capture.start()
    assert recorder.wait(60)
    assert recorder.error is not None and "full" in recorder.error.why
    session = Session.open(tmp_path / "s")
    assert len(session) == 5
    assert np.array_equal(session.frame(4).left, frame(5).left)
    capture.stop()


def test_a_session_recorded_and_played_is_recorded_again_without_a_difference(tmp_path: Path) -> None:
    first = record("sim://ir?scene=wall&size=64x48&frames=4&realtime=0", tmp_path / "a", frames=4, role="train")
    assert first.role == "train" and len(first) == 4
    second = record(f"session://{first.folder}", tmp_path / "b")
    assert len(second) == 4
    assert second.calibration is not None and first.calibration is not None
    assert second.calibration.id == first.calibration.id
    for i in range(4):
        for part in ("left", "right", "depth_mm", "exact_depth_m"):
            np.testing.assert_array_equal(getattr(first.frame(i), part), getattr(second.frame(i), part))
        assert first.frame(i).timestamp_s == second.frame(i).timestamp_s


def test_a_recording_reports_its_progress_and_can_be_cancelled(tmp_path: Path) -> None:
    cancel, seen = CancelToken(), []

    def on_progress(progress: RecordingProgress) -> None:
        seen.append(progress)
        if progress.recorded >= 2:
            cancel.cancel()

    session = record("sim://ir?scene=wall&size=64x48&frames=4", tmp_path / "s", on_progress=on_progress, cancel=cancel)
    assert len(session) >= 2
    assert seen[-1].recorded >= 2


def test_a_recording_without_any_frame_is_an_error_and_leaves_no_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "open_source", lambda url: ScriptedSource([]))
    with pytest.raises(SourceError, match="No frame was recorded from sim://ir"):
        record("sim://ir", tmp_path / "s", seconds=5)
    assert not (tmp_path / "s").exists()


def test_a_source_that_fails_before_its_first_frame_leaves_no_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unplugged(number: int) -> None:
        time.sleep(0.3)  # it opened, and was lost afterwards
        raise SourceError("The camera was lost.", "It was unplugged.", "Check the cable.")

    monkeypatch.setattr(recording, "open_source", lambda url: ScriptedSource([1], before_read=unplugged))
    with pytest.raises(SourceError) as refused:
        record("sim://ir", tmp_path / "s", seconds=5)
    assert "kept" not in str(refused.value) and refused.value.next_step == "Check the cable."
    assert not (tmp_path / "s").exists()


def test_a_looped_recording_ends_after_the_seconds_asked_for(tmp_path: Path) -> None:
    first = record("sim://ir?scene=wall&size=64x48&frames=4&realtime=0", tmp_path / "a")
    # Four frames last a tenth of a second: its clock alone never comes to half a second.
    second = record(f"session://{first.folder}?loop=1", tmp_path / "b", seconds=0.5, frames=200)
    assert 15 <= len(second) <= 25


def test_an_interrupt_keeps_what_was_recorded(tmp_path: Path) -> None:
    def interrupt(progress: RecordingProgress) -> None:
        if progress.recorded >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record("sim://ir?scene=wall&size=64x48&frames=2", tmp_path / "s", on_progress=interrupt)
    session = Session.open(tmp_path / "s")
    assert len(session) >= 2
    assert session.frame(len(session) - 1).left.shape == (48, 64)


def test_a_source_that_cannot_be_opened_leaves_no_session(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        record("realsense://999", tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_folder_that_holds_a_session_already_is_refused(tmp_path: Path) -> None:
    url = "sim://ir?scene=wall&size=64x48&frames=2&realtime=0"
    record(url, tmp_path / "s")
    with pytest.raises(UserError, match="already"):
        record(url, tmp_path / "s")
    assert len(Session.open(tmp_path / "s")) == 2


def test_the_real_recording_becomes_a_session_of_the_same_pixels(tmp_path: Path, realsense_data: Path) -> None:
    path = realsense_data / "bag_constructed_ir" / "d435i_frames_ir_depth.db3"
    session = record(str(path), tmp_path / "s")
    with open_source(f"file://{path}?realtime=0") as source:
        for i in range(5):
            original = None
            while original is None:
                original = source.read(0.2)
            for part in ("left", "right", "depth_mm"):
                np.testing.assert_array_equal(getattr(session.frame(i), part), getattr(original, part))
    assert session.calibration is not None and session.calibration.baseline_m == pytest.approx(0.05)
