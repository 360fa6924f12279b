"""The classic run that overfits, told by the window: while it runs, afterwards, and with early stopping."""

from __future__ import annotations

from dataclasses import replace

from pytestqt.qtbot import QtBot

from depthstudio.gui.main_window import MainWindow
from depthstudio.gui.pages.train import TrainPage
from depthstudio.gui.pages.train.run_panel import RunPanel
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.pages.train.verdict import RunState, closing_verdict
from depthstudio.training.advisor import judge, relative_change
from depthstudio.training.events import BaselineDone, Finished
from depthstudio.training.settings import TrainingSettings
from tests.training.test_advisor import v3


def story_of(epochs: int, patience: int, *, ended: bool = True) -> RunStory:
    """The classic curve up to this epoch, of 50 planned."""
    story = RunStory("v3", TrainingSettings(epochs=50, early_stop_patience=patience))
    story.take(BaselineDone(24.0, 28.8, 1.0))
    for done in v3(epochs):
        story.take(replace(done, patience=patience))
    if ended:
        reason = "early stopping" if patience else "epochs"
        story.take(Finished(reason, epochs, 8, 16.0, 19.2, 60.0, "", 28.8))
    return story


def told(story: RunStory) -> str:
    return " ".join(f"{said.word}. {said.evidence} {said.next_step}" for said in closing_verdict(story))


def test_a_run_without_patience_is_told_what_it_wasted() -> None:
    words = told(story_of(50, patience=0))
    assert "Overfitting since epoch 8" in words
    assert "Patience 15 would have stopped at 23 and saved 27 epochs." in words


def test_a_run_ended_by_patience_is_told_what_it_saved() -> None:
    words = told(story_of(23, patience=15))
    assert "Overfitting since epoch 8" in words
    assert "Early stopping ended it at epoch 23 and saved 27 epochs." in words


def test_while_it_runs_the_panel_says_since_when_until_when_and_what_is_saved(window: MainWindow, qtbot: QtBot) -> None:
    panel = RunPanel()
    qtbot.addWidget(panel)
    panel.show_story(story_of(13, patience=15, ended=False), RunState.RUNNING)
    assert panel.verdict.word == "Overfitting since epoch 8"
    assert panel.next_step.text().startswith("Early stopping ends the run at epoch 23 and saves 27 epochs.")


def test_patience_that_ends_with_the_run_saves_nothing() -> None:
    settings = TrainingSettings(epochs=23, early_stop_patience=15)
    assert judge(v3(23), settings)[0].next_step == "Stop now: the best epoch is kept."


def test_the_whole_story_fits_the_window(window: MainWindow) -> None:
    page = window.pages["train"]
    assert isinstance(page, TrainPage)
    window.show_page("train")
    page.show_story(story_of(50, patience=0))
    page.show_tab("run")
    assert page.run_panel.verdict.word == "Better"
    assert page.panel._area.verticalScrollBar().value() == 0


def test_a_run_whose_error_did_not_fall_is_not_called_still_improving() -> None:
    story = RunStory("worse", TrainingSettings(epochs=3))
    story.take(BaselineDone(24.0, 10.0, 1.0))
    for done in v3(3):
        story.take(done)
    story.take(Finished("epochs", 3, 3, 19.2, 23.0, 60.0, "", 10.0))
    words = told(story)
    assert "Lower loss, not lower EPE" in words
    assert "still improving" not in words


def test_small_changes_keep_a_digit() -> None:
    assert relative_change(28.0, 19.0) == "-32%"
    assert relative_change(0.354, 0.352) == "-0.6%"
