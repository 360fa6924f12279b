"""Recording sessions and other layouts on disk, label masks, splits and samples for training."""
