"""Predictors: camera frames in, disparity out."""

from depthstudio.inference.predictor import Prediction, Predictor

__all__ = ["Prediction", "Predictor"]
