"""The Calibrate page and its parts."""

from depthstudio.gui.pages.calibration.page import CalibratePage

__all__ = ["CalibratePage"]
