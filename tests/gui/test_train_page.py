from __future__ import annotations

import shutil
from pathlib import Path

from PySide6.QtWidgets import QDoubleSpinBox
from pytestqt.qtbot import QtBot

from depthstudio.datasets.session import Session
from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.train import TrainPage
from depthstudio.gui.pages.train.preview import SetupPreview
from depthstudio.gui.pages.train.verdict import RunState
from depthstudio.gui.studio import Studio
from depthstudio.training.presets import load_presets
from depthstudio.training.run import list_runs
from depthstudio.workspace import Workspace
from tests.gui.train_rig import (
    LONG_MS,
    SIZE,
    enter,
    one_thread,
    page,
    recordings,
    run_to_the_end,
    small_network,
)

__all__ = ["one_thread", "page", "recordings", "small_network"]


def all_words(page: TrainPage) -> str:
    return " ".join(banner.accessibleName() for banner in page.window().banners)  # type: ignore[attr-defined]


def test_the_form_becomes_settings(page: TrainPage, small_network: Path) -> None:
    enter(page, learning_rate=2e-4, dropout_p=0.1)
    settings = page.setup.settings
    assert settings is not None
    assert (settings.epochs, settings.learning_rate, settings.dropout_p) == (2, 2e-4, 0.1)
    assert settings.network == str(small_network)


def test_a_preset_fills_the_form_and_what_differs_is_marked(page: TrainPage) -> None:
    page.setup.presets.choose("recommended")
    settings = page.setup.settings
    assert settings is not None
    assert settings.dropout_p == 0.2
    assert page.setup.presets.difference.text() == "as in the preset"
    enter(page, dropout_p=0.4)
    assert page.setup.form.differing() == ["dropout_p"]
    assert page.setup.presets.difference.text() == "1 setting changed"
    page.setup.presets.reset_asked.emit()
    assert page.setup.form.differing() == []


def test_own_presets_are_saved_and_chosen(page: TrainPage, workspace: Workspace) -> None:
    enter(page, dropout_p=0.45)
    page.setup.presets.name.setText("My bench")
    page.setup.save()
    saved = {preset.key: preset for preset in load_presets(workspace)}["my-bench"]
    assert saved.settings.dropout_p == 0.45
    assert page.setup.presets.preset.key == "my-bench"


def test_a_settings_file_is_loaded_with_what_this_version_does_not_know(
    page: TrainPage, workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "newer.toml"
    path.write_text('dropout_p = 0.35\nfrom_a_newer_version = "keep me"\n[mask]\nborder_px = 3\n')
    page.setup.presets.load(path)
    settings = page.setup.settings
    assert settings is not None
    assert (settings.dropout_p, settings.mask.border_px) == (0.35, 3)
    assert settings.model_extra == {"from_a_newer_version": "keep me"}
    page.setup.presets.save("newer", settings)
    saved = {preset.key: preset for preset in load_presets(workspace)}["newer"].settings
    assert saved.model_extra == {"from_a_newer_version": "keep me"}
    path.write_text("dropout_p = 7\n")
    page.setup.presets.load(path)
    assert "Dropout" in all_words(page)


def test_the_data_are_counted_and_checked_in_words(page: TrainPage) -> None:
    look = page.setup.data.look
    assert look is not None
    assert [(one.name, one.side, one.frames) for one in look.recordings] == [
        ("desk", "train", 4),
        ("shelf", "validation", 2),
    ]
    assert look.report is not None
    assert any("Only 4 training frames" in finding.what for finding in look.report.findings)


def test_an_empty_side_forbids_to_start_and_says_why(
    page: TrainPage, recordings: list[Path], studio: Studio, qtbot: QtBot
) -> None:
    Session.open(recordings[1]).set_role("ignored")
    studio.library_changed.emit()
    qtbot.waitUntil(
        lambda: page.setup.data.look is not None and page.setup.data.look.error is not None, timeout=LONG_MS
    )
    assert not page.start_footer.button.isEnabled()
    assert "cannot be used" in page.start_footer.problem.text()


def test_no_run_begins_by_a_key_while_other_runs_are_on_show(page: TrainPage) -> None:
    assert page.start_footer.button.isEnabled()
    page.show_tab("runs")
    page.start()
    assert not page.job.is_running


def test_a_run_draws_its_curves_and_ends_with_a_verdict(
    page: TrainPage, workspace: Workspace, window: MainWindow, qtbot: QtBot
) -> None:
    page.setup.run_name.setText("first")
    page.start_footer.button.click()
    assert page.job.is_running
    assert "train" in page.studio.activities
    assert page.tabs.current == "run"
    qtbot.waitUntil(lambda: page.shown is not None and page.shown.epoch >= 1, timeout=LONG_MS)
    qtbot.waitUntil(lambda: not page.job.is_running, timeout=LONG_MS)
    run = list_runs(workspace.runs)[0]
    assert run.name == "first"
    assert run.best_path.exists()
    assert page.state is RunState.FINISHED
    x, _ = page.views.curves.loss.values("validation")
    assert list(x) == [0, 1, 2]
    assert page.run_panel.verdict.word
    assert page.run_panel.facts.value("Ended at epoch") == "2 of 2"
    assert page.exits.preview.isVisible()
    assert "train" not in page.studio.activities
    qtbot.waitUntil(lambda: page.views.samples.views[0].image_size == SIZE, timeout=LONG_MS)
    assert page.views.samples.epoch == 2
    previews = []
    page.studio.preview_requested.connect(previews.append)
    page.studio.page_requested.disconnect(window.show_page)
    page.exits.preview.click()
    assert previews == [run.folder]


def test_stopping_keeps_the_best_and_the_run_can_be_resumed(
    page: TrainPage, workspace: Workspace, qtbot: QtBot
) -> None:
    enter(page, epochs=40, early_stop_patience=0)
    page.start_footer.button.click()
    qtbot.waitUntil(lambda: page.shown is not None and page.shown.epoch >= 2, timeout=LONG_MS)
    page.live_exits.stop.click()
    assert page.job.is_stopping
    qtbot.waitUntil(lambda: not page.job.is_running, timeout=LONG_MS)
    run = list_runs(workspace.runs)[0]
    assert run.best_path.exists()
    assert page.state is RunState.STOPPED
    reached = run.summary().epochs_run
    assert reached < 40
    assert page.exits.resume.isVisible()
    page.exits.resume.click()
    qtbot.waitUntil(lambda: page.shown is not None and page.shown.epoch > reached, timeout=LONG_MS)
    page.live_exits.finish.click()
    qtbot.waitUntil(lambda: not page.job.is_running, timeout=LONG_MS)
    assert len(list_runs(workspace.runs)) == 1
    epochs = [done.epoch for done in run.epochs()]
    assert epochs == list(range(1, len(epochs) + 1))


def test_a_run_can_be_paused_changed_and_discarded(page: TrainPage, workspace: Workspace, qtbot: QtBot) -> None:
    enter(page, epochs=300, early_stop_patience=0)
    page.start_footer.button.click()
    qtbot.waitUntil(lambda: page.shown is not None and page.shown.epoch >= 1, timeout=LONG_MS)
    qtbot.waitUntil(page.live_exits.pause.isEnabled, timeout=LONG_MS)
    page.live_exits.pause.click()
    qtbot.waitUntil(lambda: page.state is RunState.PAUSED, timeout=LONG_MS)
    assert page.live_exits.pause.text() == "Resume"
    (task,) = [task for task in page.studio.tasks.running if task.shown]
    assert task.is_paused
    reached = page.shown.steps[-1] if page.shown is not None else None
    page.run_panel.changes.editors["learning_rate"].setValue(5e-5)
    page.run_panel.changes.editors["early_stop_patience"].setValue(40)  # type: ignore[arg-type]
    assert set(page.run_panel.changes.wanted) == {"learning_rate", "early_stop_patience"}
    page.run_panel.changes.apply.click()
    qtbot.wait(300)
    assert page.shown is not None
    assert page.shown.steps[-1] == reached
    page.live_exits.pause.click()
    qtbot.waitUntil(lambda: not task.is_paused, timeout=LONG_MS)
    qtbot.waitUntil(lambda: page.shown is not None and len(page.shown.changes) == 2, timeout=LONG_MS)
    qtbot.waitUntil(lambda: page.shown is not None and page.shown.steps[-1].learning_rate <= 5e-5, timeout=LONG_MS)
    assert page.shown.settings.early_stop_patience == 40
    folder = page.shown.folder
    assert folder is not None
    page.live_exits.discard.click()
    assert page.live_exits.question is not None
    page.live_exits.question.buttons["Keep it"].click()
    assert not page.job.is_stopping
    page.live_exits.discard.click()
    page.live_exits.question.buttons["Discard the run"].click()
    assert page.live_exits.discard.text() == "Discarding…"
    qtbot.waitUntil(lambda: not page.job.is_running, timeout=LONG_MS)
    assert not folder.exists()
    assert page.shown is None
    assert page.tabs.current == "setup"
    assert "was discarded" in all_words(page)


def test_a_stored_run_is_shown_again_with_its_curves(page: TrainPage, qtbot: QtBot) -> None:
    run_to_the_end(page, qtbot)
    page.new_run()
    assert page.shown is None
    qtbot.waitUntil(lambda: len(page.library.entries) == 1, timeout=LONG_MS)
    page.show_tab("runs")
    table = page.views.runs.table
    assert [table.item(0, column).text() for column in (2, 8)] == ["recordings", "finished"]
    table.selectRow(0)
    qtbot.waitUntil(lambda: len(page.views.runs.stories) == 1, timeout=LONG_MS)
    page.runs.details.show_button.click()
    qtbot.waitUntil(lambda: page.shown is not None, timeout=LONG_MS)
    assert list(page.views.curves.epe.values("train")[0]) == [1, 2]
    assert page.tabs.current == "run"


def test_runs_are_compared_saved_and_trashed(page: TrainPage, workspace: Workspace, qtbot: QtBot) -> None:
    enter(page, dropout_p=0.1)
    run_to_the_end(page, qtbot)
    page.new_run()
    enter(page, dropout_p=0.2)
    run_to_the_end(page, qtbot)
    qtbot.waitUntil(lambda: len(page.library.entries) == 2, timeout=LONG_MS)
    newest, oldest = page.library.entries
    page.library.compare(oldest.folder)
    facts = page.run_panel.compare.facts
    qtbot.waitUntil(lambda: facts.value("Dropout") == "0.2 / 0.1", timeout=LONG_MS)
    page.show_tab("runs")
    page.views.runs.table.choose({newest.folder, oldest.folder})
    page.views.runs.table.itemSelectionChanged.emit()
    qtbot.waitUntil(lambda: len(page.views.runs.stories) == 2, timeout=LONG_MS)
    differences = page.views.runs.differences
    assert [differences.item(3, column).text() for column in range(3)] == ["Dropout", "0.2", "0.1"]
    for what in ("validation_loss", "gap", "validation_epe_px"):
        page.views.runs.what.set_current(what)
        page.views.runs.what.chosen.emit(what)
    assert page.views.runs.plot is not None
    page.save_curves()
    assert (newest.folder / "history.csv").read_text().startswith("epoch,train_loss")
    assert (newest.folder / "curves.png").stat().st_size > 0


def test_runs_are_renamed_noted_trashed_and_taken_back(page: TrainPage, workspace: Workspace, qtbot: QtBot) -> None:
    run_to_the_end(page, qtbot)
    qtbot.waitUntil(lambda: len(page.library.entries) == 1, timeout=LONG_MS)
    page.show_tab("runs")
    page.views.runs.table.selectRow(0)
    page.runs.details.name.setText("renamed")
    page.runs.details.notes.setText("a good one")
    page.runs.details.notes.editingFinished.emit()
    qtbot.waitUntil(lambda: page.library.entries[0].run.name == "renamed", timeout=LONG_MS)
    assert list_runs(workspace.runs)[0].about.notes == "a good one"
    qtbot.waitUntil(
        lambda: page.runs.details.entry is not None and page.runs.details.entry.run.name == "renamed", timeout=LONG_MS
    )
    enter(page, dropout_p=0.3)
    page.runs.details.reuse.click()
    assert page.setup.settings is not None
    assert page.setup.settings.dropout_p == 0.0
    page.show_tab("runs")
    page.runs.details.csv.click()
    qtbot.waitUntil((page.library.entries[0].folder / "history.csv").exists, timeout=LONG_MS)
    page.runs.details.trash.click()
    assert page.library.question is not None
    page.library.question.buttons["Keep it"].click()
    assert len(list_runs(workspace.runs)) == 1
    page.runs.details.trash.click()
    page.library.question.buttons["Move to trash"].click()
    assert list_runs(workspace.runs) == []
    assert page.shown is None
    banner = page.window().banners[-1]  # type: ignore[attr-defined]
    assert banner.notice.action is not None
    banner.notice.action[1]()
    assert [run.name for run in list_runs(workspace.runs)] == ["renamed"]


def test_the_result_is_a_table_and_frames_can_be_looked_at(page: TrainPage, qtbot: QtBot) -> None:
    run_to_the_end(page, qtbot)
    measures = [row[0] for row in page.run_panel.table.rows]
    if page.shown is not None and page.shown.best is not None:
        assert measures[:3] == ["Train loss", "Validation loss", "Loss gap"]
    assert [frame.group for frame in page.run_panel.frames.frames] == ["shelf", "shelf"]
    assert page.run_panel.frames.frames[0].epe_px >= page.run_panel.frames.frames[1].epe_px
    assert page.views.curves.distance.edges
    assert page.views.curves.distance.value("now", 0) is not None
    page.run_panel.frames.table.selectRow(0)
    name = page.run_panel.frames.frames[0].name
    qtbot.waitUntil(lambda: name in page.views.samples.title, timeout=LONG_MS)
    assert page.shown is not None
    page.shown.frames = ()  # as in runs from before frames were scored
    page.show_tab("run")
    page.run_panel.frames.measure.click()
    qtbot.waitUntil(lambda: page.shown is not None and len(page.shown.frames) == 2, timeout=LONG_MS)


def test_nothing_is_said_about_pixels_before_a_picture_was_read(studio: Studio, qtbot: QtBot) -> None:
    preview = SetupPreview(studio)
    qtbot.addWidget(preview)
    preview.show()
    assert not preview.kept.isVisible()


def test_the_stage_shows_what_will_be_learned_from(page: TrainPage, qtbot: QtBot) -> None:
    preview = page.views.preview
    qtbot.waitUntil(lambda: preview.views["varied"].image_size is not None, timeout=LONG_MS)
    assert preview.views["left"].image_size == SIZE
    assert preview.kept.accessibleName().startswith("kept") and preview.kept.isVisible()
    assert "Border <b>−" in preview.shares["border"].text()
    assert preview.slider.maximum() == 3
    preview.side.chosen.emit("validation")


def test_masks_that_leave_nothing_forbid_to_start(page: TrainPage, qtbot: QtBot) -> None:
    nearest = page.setup.form._nested["mask"].editor("min_depth_m")
    assert isinstance(nearest, QDoubleSpinBox)
    nearest.setValue(9.0)
    qtbot.waitUntil(lambda: not page.start_footer.button.isEnabled(), timeout=LONG_MS)
    assert "cannot be used" in page.start_footer.problem.text()


def test_a_killed_run_is_interrupted_and_goes_on_where_it_stopped(
    page: TrainPage, studio: Studio, workspace: Workspace, qtbot: QtBot
) -> None:
    run_to_the_end(page, qtbot)
    run = list_runs(workspace.runs)[0]
    lines = run.history_path.read_text().splitlines(keepends=True)
    run.history_path.write_text("".join(line for line in lines if '"Finished"' not in line))
    run.change_settings(run.settings.changed(epochs=3))
    page.library.open(run.folder)
    qtbot.waitUntil(lambda: page.state is RunState.INTERRUPTED, timeout=LONG_MS)
    page.exits.resume.click()
    qtbot.waitUntil(lambda: not page.job.is_running, timeout=LONG_MS)
    assert page.state is RunState.FINISHED
    assert [done.epoch for done in run.epochs()] == [1, 2, 3]
    assert list(page.views.curves.loss.values("train")[0]) == [1, 2, 3]


def test_a_learning_rate_far_from_the_preset_is_worth_a_word(page: TrainPage) -> None:
    assert page.setup.presets.preset.settings.learning_rate == 1e-3
    enter(page, learning_rate=1e-2)
    assert "The learning rate is 10 times the preset's." in [finding.what for finding in page.setup.checks.findings]
    assert page.start_footer.button.isEnabled()


def test_critical_findings_ask_twice(page: TrainPage, qtbot: QtBot) -> None:
    page.setup.presets.choose("recommended")
    enter(page, learning_rate=1e-2, batch_size=2, crop_width=64, crop_height=48, num_workers=0)
    qtbot.waitUntil(page.start_footer.button.isEnabled, timeout=LONG_MS)
    assert page.start_footer.button.text() == "Start anyway"
    page.start_footer.button.click()
    assert page.setup.question is not None
    page.setup.question.buttons["Back"].click()
    assert not page.job.is_running
    page.start_footer.button.click()
    page.setup.question.buttons["Start anyway"].click()
    assert page.job.is_running
    page.job.stop()


def test_near_duplicates_are_found_and_a_click_shows_them(
    page: TrainPage, recordings: list[Path], studio: Studio, qtbot: QtBot
) -> None:
    for picture in ("000001_left.png", "000001_right.png"):
        shutil.copy(recordings[0] / "frames" / picture, recordings[1] / "frames" / picture)
    qtbot.waitUntil(lambda: not page.setup.closer.is_busy, timeout=LONG_MS)
    page.setup.closer.forget()
    studio.library_changed.emit()
    qtbot.waitUntil(lambda: any("near-duplicates" in finding.what for finding in page.setup.findings), timeout=LONG_MS)
    twins = next(finding for finding in page.setup.findings if "near-duplicates" in finding.what)
    page.setup.checks.frame_asked.emit(twins.frames[0])
    assert page.views.preview.side.current == "validation"
    assert page.views.preview.slider.value() == twins.frames[0].index


def test_a_wrong_checkpoint_is_a_notice_and_the_page_stays_usable(
    page: TrainPage, small_network: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    wrong = tmp_path / "holiday.pth"
    wrong.write_bytes(b"no checkpoint at all")
    page.setup.network.choose(str(wrong))
    qtbot.waitUntil(lambda: "holiday.pth" in all_words(page), timeout=LONG_MS)
    run_to_the_end(page, qtbot)
    assert page.shown is None
    assert page.tabs.current == "setup"
    page.setup.network.choose(str(small_network))
    run_to_the_end(page, qtbot)
    assert page.state is RunState.FINISHED


def test_closing_asks_while_training(page: TrainPage, window: MainWindow, workspace: Workspace, qtbot: QtBot) -> None:
    enter(page, epochs=200, early_stop_patience=0)
    page.start_footer.button.click()
    qtbot.waitUntil(lambda: page.shown is not None and page.shown.epoch >= 1, timeout=LONG_MS)
    window.close()
    assert window.isVisible()
    assert window.question is not None
    window.question.buttons["Close anyway"].click()
    assert not window.isVisible()
    assert list_runs(workspace.runs)[0].last_state_path.exists()
