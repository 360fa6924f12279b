"""The Calibrate page and its parts."""

from depthstudio.gui.pages.calibrate.page import CalibratePage

__all__ = ["CalibratePage"]
