"""Evaluate: networks, SGBM and the camera compared on labelled frames."""

from depthstudio.gui.pages.evaluate.page import EvaluatePage

__all__ = ["EvaluatePage"]
