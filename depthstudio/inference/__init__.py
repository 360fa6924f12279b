"""Predictors: camera frames in, disparity out."""
