"""The Capture page and its parts."""

from depthstudio.gui.pages.capture.page import CapturePage

__all__ = ["CapturePage"]
