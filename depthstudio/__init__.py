"""DepthStudio: capture, calibrate, fine-tune a stereo network and watch its depth live."""

__version__ = "0.1.0"
