"""The Train page: set-up, curves, advisor, runs."""

from depthstudio.gui.pages.train.page import TrainPage

__all__ = ["TrainPage"]
