"""Recording sessions and other layouts on disk, label masks, splits and samples for training."""

from depthstudio.datasets.session import Session, SessionWriter, list_sessions

__all__ = ["Session", "SessionWriter", "list_sessions"]
