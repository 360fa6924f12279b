"""The pages of the window, in the order of the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

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


class Pages(Mapping[str, Page]):
    """The pages by name in the order of the work. Each is made when it is first asked for, and kept.

    made(page): called once for each, right after it is made.
    """

    def __init__(self, studio: Studio, made: Callable[[Page], object]) -> None:
        self._studio = studio
        self._tell = made
        self._made: dict[str, Page] = {}
        self._classes = {page.name: page for page in PAGES}

    def __getitem__(self, name: str) -> Page:
        """The page, made now when it was not before. KeyError for a name that is none."""
        if name not in self._made:
            self._made[name] = self._classes[name](self._studio)
            self._tell(self._made[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Names, the made and the others."""
        return iter(self._classes)

    def __len__(self) -> int:
        """How many there are, made or not."""
        return len(self._classes)

    def __contains__(self, name: object) -> bool:
        """Whether there is such a page; asking makes none."""
        return name in self._classes

    @property
    def made(self) -> list[Page]:
        """Those that exist by now."""
        return list(self._made.values())

    def make_next(self) -> bool:
        """Make the first that does not exist yet; False when all do."""
        missing = next((name for name in self if name not in self._made), None)
        if missing is not None:
            self[missing]
        return missing is not None
