"""Settings, presets, losses and the training loop as a stream of events."""
