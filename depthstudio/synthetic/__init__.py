"""Procedural stereo scenes with exact disparity."""

from depthstudio.synthetic.disparity import BumpDisparity, PlaneDisparity, Wave
from depthstudio.synthetic.generate import DEFAULT_MIX, INFRARED, KINDS, generate_scene
from depthstudio.synthetic.render import SyntheticPair, View, pixel_grid, render_pair, render_view
from depthstudio.synthetic.scene import ConvexPolygon, Layer, Outline, Scene
from depthstudio.synthetic.texture import Texture

__all__ = [
    "DEFAULT_MIX",
    "INFRARED",
    "KINDS",
    "BumpDisparity",
    "ConvexPolygon",
    "Layer",
    "Outline",
    "PlaneDisparity",
    "Scene",
    "SyntheticPair",
    "Texture",
    "View",
    "Wave",
    "generate_scene",
    "pixel_grid",
    "render_pair",
    "render_view",
]
