"""The Live page: the camera's picture and, beside it, the network's depth."""

from depthstudio.gui.pages.live.page import LivePage

__all__ = ["LivePage"]
