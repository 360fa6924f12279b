"""Stereo geometry in plain numpy and OpenCV: calibrations, rectification, disparity, depth and points."""

from depthstudio.geometry.calibration import StereoCalibration
from depthstudio.geometry.disparity import depth_to_disparity, disparity_to_depth, disparity_to_points
from depthstudio.geometry.rectified_geometry import RectifiedGeometry
from depthstudio.geometry.rectify import Rectifier

__all__ = [
    "RectifiedGeometry",
    "Rectifier",
    "StereoCalibration",
    "depth_to_disparity",
    "disparity_to_depth",
    "disparity_to_points",
]
