"""The pages of the window, in the order of the work."""

from __future__ import annotations

from depthstudio.gui.pages.base import Page
from depthstudio.gui.pages.calibrate import CalibratePage
from depthstudio.gui.pages.capture import CapturePage
from depthstudio.gui.pages.dataset import DatasetPage
from depthstudio.gui.pages.evaluate import EvaluatePage
from depthstudio.gui.pages.live import LivePage
from depthstudio.gui.pages.quality import QualityPage
from depthstudio.gui.pages.settings import SettingsPage
from depthstudio.gui.pages.train import TrainPage
from depthstudio.gui.studio import Studio

PAGES: tuple[type[Page], ...] = (
    CapturePage,
    CalibratePage,
    DatasetPage,
    TrainPage,
    LivePage,
    QualityPage,
    EvaluatePage,
    SettingsPage,
)


def make_pages(studio: Studio) -> list[Page]:
    """One of each, sharing the studio."""
    return [page(studio) for page in PAGES]
