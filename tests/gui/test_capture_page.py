from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from depthstudio.cameras.recording_modes import Mode
from depthstudio.cameras.simulated.rig import simulated_rig
from depthstudio.cancel import CancelToken
from depthstudio.datasets.session import Session, list_sessions
from depthstudio.errors import SourceError
from depthstudio.geometry import Rectifier
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.capture import CapturePage, recording
from depthstudio.gui.pages.capture.overlays import epipolar_lines
from depthstudio.gui.pages.capture.recording_plan import RecordingPlan
from depthstudio.gui.sources import SourceState
from depthstudio.gui.studio import Activity, Studio
from depthstudio.gui.widgets.cards import MediaCard

RIG = "sim://ir?scene=desk&size=160x120&frames=6"


@pytest.fixture
def page(window: MainWindow) -> CapturePage:
    page = window.pages["capture"]
    assert isinstance(page, CapturePage)
    return page


def open_rig(studio: Studio, qtbot: QtBot) -> None:
    studio.sources.open(RIG)
    qtbot.waitUntil(lambda: studio.sources.last_frame is not None, timeout=60_000)


def test_left_right_and_depth_are_shown_with_their_checks(page: CapturePage, studio: Studio, qtbot: QtBot) -> None:
    open_rig(studio, qtbot)
    assert not page.is_empty
    for key in ("left", "right", "depth"):
        assert page.pictures.views[key].isVisible()
        assert page.pictures.views[key].image_size == (160, 120)
    assert not page.pictures.views["color"].isVisible()
    assert page.checks.chips["fill"].accessibleName().endswith("%")


def test_a_double_click_enlarges_one_picture_and_esc_goes_back(
    window: MainWindow, page: CapturePage, studio: Studio, qtbot: QtBot
) -> None:
    open_rig(studio, qtbot)
    qtbot.mouseDClick(page.pictures.views["right"], Qt.MouseButton.LeftButton)
    assert page.pictures.views["right"].isVisible()
    assert not page.pictures.views["left"].isVisible()
    qtbot.keyClick(window, "\x1b")
    assert page.pictures.views["left"].isVisible()


def test_space_records_and_stops_and_the_recording_appears(
    window: MainWindow, page: CapturePage, studio: Studio, qtbot: QtBot
) -> None:
    open_rig(studio, qtbot)
    page.record.name.setText("bench one")
    window.setFocus()
    qtbot.keyClick(window, " ")
    qtbot.waitUntil(lambda: page.recording.recorded >= 3, timeout=30_000)
    assert "capture" in studio.activities, "closing now would ask"
    qtbot.mouseClick(page.record.button, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(page.recording.finished, timeout=30_000) as finished:
        pass
    session = Session.open(finished.args[0])
    assert session.name == "bench one"
    assert session.frame_count >= 3
    assert session.calibration is not None
    assert studio.activities == {}
    qtbot.waitUntil(lambda: bool(page.recent.list.cards), timeout=10_000)
    (card,) = page.recent.list.cards
    assert isinstance(card, MediaCard)
    assert card.title.full_text() == "bench one"


def test_snapshots_of_one_source_lie_in_one_session(page: CapturePage, studio: Studio, qtbot: QtBot) -> None:
    open_rig(studio, qtbot)
    for count in (1, 2):
        page.record.snapshot()
        qtbot.waitUntil(lambda: not page.recording.is_busy, timeout=10_000)
        (session,) = list_sessions(studio.workspace.sessions)
        assert session.frame_count == count


def test_the_source_ending_ends_the_recording(
    page: CapturePage, studio: Studio, qtbot: QtBot, make_session: Callable[..., Path]
) -> None:
    studio.sources.open(f"session://{make_session('old', frames=40)}")
    qtbot.waitUntil(lambda: studio.sources.is_streaming, timeout=20_000)
    with qtbot.waitSignal(page.recording.finished, timeout=30_000):
        page.record.toggle()
    assert not page.recording.is_recording
    assert len(list_sessions(studio.workspace.sessions)) == 2


def test_what_was_played_to_its_end_can_be_recorded_from_its_start(
    page: CapturePage, studio: Studio, qtbot: QtBot, make_session: Callable[..., Path]
) -> None:
    old = Session.open(make_session("old", frames=5))
    studio.sources.open(f"session://{old.folder}")
    qtbot.waitUntil(lambda: studio.sources.state is SourceState.ENDED, timeout=20_000)
    assert page.record.button.isEnabled()
    page.record.name.setText("copy")
    page.record.tags.setText("bench, lab ,")
    page.record.role.set_current("validation")
    with qtbot.waitSignal(page.recording.finished, timeout=30_000) as finished:
        page.record.toggle()
    copy = Session.open(finished.args[0])
    assert (copy.name, copy.tags, copy.role) == ("copy", ("bench", "lab"), "validation")
    assert len(copy) == 5, "every frame, whatever the display showed"
    np.testing.assert_array_equal(copy.frame(4).left, old.frame(4).left)


def test_a_pause_leaves_frames_out_and_the_marks_are_kept(page: CapturePage, studio: Studio, qtbot: QtBot) -> None:
    open_rig(studio, qtbot)
    page.record.notes.setText("on the bench")
    page.record.role.set_current("train")
    page.record.toggle()
    qtbot.waitUntil(lambda: page.recording.recorded >= 2, timeout=30_000)
    page.record.toggle_pause()
    assert page.record.pause_button.text() == "Go on"
    qtbot.wait(300)
    held = page.recording.recorded
    qtbot.wait(400)
    assert page.recording.recorded == held
    page.record.toggle_pause()
    qtbot.waitUntil(lambda: page.recording.recorded > held, timeout=30_000)
    with qtbot.waitSignal(page.recording.finished, timeout=30_000) as finished:
        page.record.toggle()
    session = Session.open(finished.args[0])
    assert (session.notes, session.role) == ("on the bench", "train")


def test_a_copy_that_is_stopped_before_its_first_frame_leaves_the_button_usable(
    page: CapturePage, studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, cancel: CancelToken, **__: object) -> None:
        while not cancel.is_cancelled:
            threading.Event().wait(0.01)
        raise SourceError("No frame was recorded.")

    monkeypatch.setattr(recording, "record", stopped)
    page.recording.copy("session:///somewhere", RecordingPlan())
    (task,) = [task for task in studio.tasks.running if task.shown]
    assert page.recording.is_busy
    task.cancel()
    qtbot.waitUntil(lambda: not page.recording.is_busy, timeout=20_000)


def test_a_refused_snapshot_does_not_make_a_running_recording_look_ended(
    page: CapturePage, studio: Studio, qtbot: QtBot
) -> None:
    open_rig(studio, qtbot)
    page.record.toggle()
    qtbot.waitUntil(lambda: page.recording.is_recording, timeout=30_000)
    page.recording._on_refused(SourceError("The disk is full."))
    assert "capture" in studio.activities, "closing now would ask"
    with qtbot.waitSignal(page.recording.finished, timeout=30_000):
        qtbot.waitUntil(lambda: page.recording.recorded > 0, timeout=30_000)
        page.record.toggle()


def test_a_snapshot_after_the_others_were_thrown_away_begins_a_new_session(
    page: CapturePage, studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    open_rig(studio, qtbot)
    for number in range(2):
        page.record.snapshot()
        qtbot.waitUntil(lambda: not page.recording.is_busy, timeout=20_000)
        (folder,) = studio.workspace.sessions.iterdir()
        assert Session.open(folder).frame_count == 1
        folder.rename(tmp_path / f"thrown away {number}")


def test_a_countdown_delays_the_recording_and_esc_calls_it_off(
    window: MainWindow, page: CapturePage, studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_rig(studio, qtbot)
    beeps: list[int] = []
    monkeypatch.setattr("depthstudio.gui.pages.capture.cue.QApplication.beep", lambda: beeps.append(1))
    page.record.form.countdown.setCurrentIndex(1)
    page.record.toggle()
    assert page.pictures.cue.seconds_left == 3 and page.pictures.cue.isVisible()
    assert not page.recording.is_recording
    qtbot.keyClick(window, "\x1b")
    assert page.pictures.cue.seconds_left == 0
    page.pictures.cue.flash()
    assert not beeps, "no sound unless it is asked for"
    page.record.form.sound.click()
    page.record.toggle()
    qtbot.waitUntil(lambda: page.recording.recorded > 0, timeout=20_000)
    assert len(beeps) == 3
    page.record.toggle()
    with qtbot.waitSignal(page.recording.finished, timeout=30_000):
        pass


def test_only_new_views_are_taken_and_the_others_are_counted(page: CapturePage, studio: Studio, qtbot: QtBot) -> None:
    studio.sources.open("sim://ir?scene=wall&size=160x120&frames=2")
    qtbot.waitUntil(lambda: studio.sources.last_frame is not None, timeout=60_000)
    page.record.form.mode.setCurrentIndex(list(Mode).index(Mode.AUTOMATIC))
    page.record.toggle()
    qtbot.waitUntil(lambda: page.recording.refused.get("seen before", 0) >= 3, timeout=30_000)
    assert page.recording.recorded == 1
    qtbot.waitUntil(lambda: "seen before" in page.checks.refused.full_text(), timeout=10_000)
    assert page.recording.hint == "Move on to another view."
    with qtbot.waitSignal(page.recording.finished, timeout=30_000) as finished:
        page.record.toggle()
    assert len(Session.open(finished.args[0])) == 1


def test_projector_pairs_are_offered_only_where_there_is_a_projector(
    page: CapturePage, studio: Studio, qtbot: QtBot, make_session: Callable[..., Path]
) -> None:
    open_rig(studio, qtbot)
    assert page.record.form.offers(Mode.EMITTER) and page.record.form.offers(Mode.EMITTER_ALTERNATING)
    with qtbot.waitSignal(studio.sources.opened, timeout=20_000):
        studio.sources.open(f"session://{make_session('old', frames=40)}")
    assert not page.record.form.offers(Mode.EMITTER)
    assert page.record.form.offers(Mode.EMITTER_ALTERNATING), "it may have been recorded while alternating"
    page.record.form.mode.setCurrentIndex(list(Mode).index(Mode.EMITTER))
    assert "no projector" in page.record.form.help.text()


def test_a_recording_is_made_again_in_place_of_the_old_one(
    page: CapturePage, studio: Studio, qtbot: QtBot, make_session: Callable[..., Path]
) -> None:
    old = Session.open(make_session("first try"))
    open_rig(studio, qtbot)
    page.record_again(old)
    qtbot.waitUntil(lambda: page.recording.recorded >= 1, timeout=30_000)
    with qtbot.waitSignal(page.recording.finished, timeout=30_000) as finished:
        page.record.toggle()
    assert Session.open(finished.args[0]).name == "first try"
    qtbot.waitUntil(lambda: not old.folder.exists(), timeout=10_000)


def test_exposure_and_epipolar_lines_are_drawn_on_request(page: CapturePage, studio: Studio, qtbot: QtBot) -> None:
    open_rig(studio, qtbot)
    page.view.set_folded(False)
    page.view.clipping.setChecked(True)
    page.view.epipolar.setChecked(True)
    frame = studio.sources.last_frame
    assert frame is not None
    page.on_frame(frame)
    assert page.view.levels.words
    left = page.pictures.views["left"]
    (overlay,) = left._overlays
    assert len(overlay.lines) == 9
    page.view.epipolar.setChecked(False)
    assert left._overlays == ()


def test_lines_of_a_raw_pair_meet_the_same_points() -> None:
    rig = simulated_rig("hybrid", (640, 480)).calibration
    rectifier = Rectifier(rig, (640, 480))
    left, right = epipolar_lines(rig, (640, 480), count=3)
    for one, other in zip(left, right, strict=True):
        rows = np.concatenate([rectifier.rectify_left_points(one)[:, 1], rectifier.rectify_right_points(other)[:, 1]])
        assert np.ptp(rows) < 0.1


def test_hovering_reads_grey_value_and_depth(page: CapturePage, studio: Studio, qtbot: QtBot) -> None:
    open_rig(studio, qtbot)
    left = page.pictures.views["left"]
    left.hovered.emit(80, 60, left.value_at(80, 60))
    assert left._readout.startswith("x 80  y 60   grey ")
    assert left._readout.endswith((" m", "no depth"))


def test_the_cameras_settings_can_be_changed(page: CapturePage, studio: Studio, qtbot: QtBot) -> None:
    open_rig(studio, qtbot)
    boxes = page.camera.controls.row("projector").findChildren(QComboBox)
    boxes[0].setCurrentIndex(0)
    boxes[0].activated.emit(0)

    def projector() -> float:
        return next(control.value for control in studio.sources.controls if control.name == "projector")

    qtbot.waitUntil(lambda: projector() == 0, timeout=20_000)
    assert not page.camera.controls.row("distance_m").isEnabled()
    assert page.camera.controls.row("distance_m").toolTip() == "Only the wall can be moved."


def test_the_cameras_size_waits_for_what_runs_and_not_for_what_is_not_saved(page: CapturePage, studio: Studio) -> None:
    row = page.camera._mode_row
    studio.set_activity("quality", Activity("2 stations", "2 stations are not saved.", runs=False))
    assert "Stop it first" not in row.toolTip()
    studio.set_activity("train", Activity("A run is going.", "It stops."))
    assert row.toolTip() == "A run is going. Stop it first."
