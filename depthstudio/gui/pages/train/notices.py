"""What is said above the page about a run that has ended."""

from __future__ import annotations

from collections.abc import Callable

from depthstudio.gui.errors import Notice
from depthstudio.gui.pages.train.story import RunStory
from depthstudio.gui.pages.train.verdict import closing_verdict
from depthstudio.training.checks.finding import plural


def ending_notice(story: RunStory, show: Callable[[], None]) -> Notice:
    """The run's verdict, for somebody who looks at another page. show: leads there."""
    verdict = closing_verdict(story)[0]
    words = f"{verdict.word}. {verdict.evidence}"
    return Notice(f"The run '{story.name}' has ended.", words, tone="info", action=("Show it", show))


def discarded_notice(story: RunStory) -> Notice:
    """The run is gone."""
    done = plural(story.epoch, "epoch") if story.epoch else "No epoch"
    words = f"{done} had finished. Its folder and everything in it are removed."
    return Notice(f"The run '{story.name}' was discarded.", words, tone="good")
