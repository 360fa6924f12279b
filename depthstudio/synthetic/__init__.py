"""Procedural stereo scenes with exact disparity."""
