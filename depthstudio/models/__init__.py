"""Stereo networks, their registry and their checkpoints."""
