"""Procedural stereo scenes with exact disparity."""

from depthstudio.synthetic.augment import augment
from depthstudio.synthetic.disparity import BumpDisparity, PlaneDisparity, Wave
from depthstudio.synthetic.dots import dot_pattern, dots_on_surface, lit_by_dots
from depthstudio.synthetic.generate import DEFAULT_MIX, INFRARED, KINDS, generate_scene
from depthstudio.synthetic.pool import ScenePool
from depthstudio.synthetic.render import SyntheticPair, View, pixel_grid, render_pair, render_view
from depthstudio.synthetic.scene import ConvexPolygon, Layer, Outline, Scene
from depthstudio.synthetic.sensor import Sensor, sensor_noise
from depthstudio.synthetic.space import Facet, Viewpoint
from depthstudio.synthetic.texture import Texture
from depthstudio.synthetic.validation import validation_scenes

__all__ = [
    "DEFAULT_MIX",
    "INFRARED",
    "KINDS",
    "BumpDisparity",
    "ConvexPolygon",
    "Facet",
    "Layer",
    "Outline",
    "PlaneDisparity",
    "Scene",
    "ScenePool",
    "Sensor",
    "SyntheticPair",
    "Texture",
    "View",
    "Viewpoint",
    "Wave",
    "augment",
    "dot_pattern",
    "dots_on_surface",
    "generate_scene",
    "lit_by_dots",
    "pixel_grid",
    "render_pair",
    "render_view",
    "sensor_noise",
    "validation_scenes",
]
