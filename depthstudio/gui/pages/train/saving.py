"""A run's history as CSV and its curves as a picture, in the run's folder."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.train.exits import open_folder
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.studio import Studio


def save_history(studio: Studio, story: RunStory, curves: QWidget | None = None) -> None:
    """history.csv beside history.jsonl, and curves.png of the widget; a notice says so."""
    if story.folder is None:
        return
    target = story.folder / "history.csv"
    try:
        story.write_csv(target)
    except OSError as error:
        studio.report(error)
        return
    picture = story.folder / "curves.png"
    if curves is not None and not curves.grab().save(str(picture)):
        studio.notify(
            Notice("The picture of the curves was not saved.", f"{picture} cannot be written.", tone="warning")
        )
    action = ("Open folder", lambda: open_folder(target.parent))
    studio.notify(Notice("The history is saved.", f"{target}.", tone="good", action=action))
