"""Quality: how good depth is on a flat wall, for the network, the camera and SGBM at once."""

from depthstudio.gui.pages.quality.page import QualityPage

__all__ = ["QualityPage"]
