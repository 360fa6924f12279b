"""The distortion models a camera can be solved with, and which of their parameters are free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from depthstudio.geometry.lens import Lens, LensModel

LensKind = Literal["none", "brown", "rational", "fisheye"]
LensChoice = Literal["auto", "none", "brown", "rational", "fisheye"]
LENS_KINDS: tuple[LensKind, ...] = get_args(LensKind)
LENS_CHOICES: tuple[LensChoice, ...] = get_args(LensChoice)
LENS_TITLES: Mapping[str, str] = {
    "auto": "Chosen by held-out error",
    "none": "No distortion",
    "brown": "Usual, 5 coefficients",
    "rational": "Rational, 8 coefficients",
    "fisheye": "Fisheye, 4 coefficients",
}
FEW_VIEWS = 6  # below it tangential distortion and k3 stay 0
_SIZES: Mapping[LensKind, int] = {"none": 5, "brown": 5, "rational": 8, "fisheye": 4}
_WIDEST_ANGLE = 1.4  # radians off the axis: beyond it no lens of a stereo pair is asked


def blank(kind: LensKind, K: NDArray[np.float64]) -> Lens:
    """A lens of this kind without distortion."""
    model: LensModel = "fisheye" if kind == "fisheye" else "brown"
    return Lens(np.asarray(K, np.float64), np.zeros(_SIZES[kind]), model)


def free_parameters(kind: LensKind, view_count: int, *, k3: bool = True) -> NDArray[np.bool_]:
    """Which of fx, fy, cx, cy and the coefficients are solved for."""
    free = np.ones(4 + _SIZES[kind], bool)
    if kind == "none":
        free[4:] = False
    elif kind == "brown":
        free[6:] = view_count >= FEW_VIEWS
        free[8] &= k3
    return free


def kind_of(lens: Lens) -> LensKind:
    """Which kind a lens is that comes from a file."""
    if lens.model == "fisheye":
        return "fisheye"
    if not np.any(lens.D):
        return "none"
    return "rational" if lens.D.size >= 8 else "brown"


def lens_folds(lens: Lens, image_size: tuple[int, int]) -> bool:
    """Whether a part of the image is out of the lens model's reach because it folds over, as no lens does.

    It happens when few, noisy or bent views leave the higher coefficients to chance: the distance from the centre, as a
    function of the angle off the axis, stops growing before it reaches the image's corner.
    """
    corners = np.array([(x, y) for x in (0, image_size[0] - 1) for y in (0, image_size[1] - 1)], np.float64)
    needed = np.linalg.norm((corners - lens.K[:2, 2]) / (lens.K[0, 0], lens.K[1, 1]), axis=1).max()
    angle = np.linspace(0, _WIDEST_ANGLE, 400)
    if lens.model == "fisheye":
        reached = angle * (1 + sum(k * angle ** (2 * i + 2) for i, k in enumerate(lens.D)))
    else:
        r = np.tan(angle)
        k = np.pad(lens.D, (0, max(0, 8 - lens.D.size)))
        above = 1 + k[0] * r**2 + k[1] * r**4 + k[4] * r**6
        below = 1 + k[5] * r**2 + k[6] * r**4 + k[7] * r**6
        if np.any(below <= 0):
            cut = int(np.argmax(below <= 0))
            r, above, below = r[:cut], above[:cut], below[:cut]
        reached = r * above / below
    falling = np.flatnonzero(np.diff(reached) <= 0)
    return bool(reached[falling[0] if len(falling) else -1] < needed and len(falling) > 0)
