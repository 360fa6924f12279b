"""The Dataset page: what was recorded, what of it a network can learn from, and for which side."""

from depthstudio.gui.pages.dataset.page import DatasetPage

__all__ = ["DatasetPage"]
